"""Ascent on nets whose best image is known, and the parts it is made of."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from rungwise.insight import dreams
from rungwise.insight.dreams import DreamSettings, ascend, noise, scaled_sides, total_variation


class Linear(nn.Module):
    """Logits w_c . x: the gradient is w_c everywhere, so that the best image in the box is sign(w_c)."""

    def __init__(self, weights):
        super().__init__()
        self.register_buffer("weights", weights)  # (classes, C, H, W)

    def forward(self, x):
        return (torch.einsum("nchw,kchw->nk", x, self.weights),)


class ShiftInvariant(nn.Module):
    """Logits that do not change when the image is rolled: sums over pixels, and over products of neighbours."""

    def forward(self, x):
        pairs = x * torch.roll(x, 1, 3)
        return (torch.stack([x.sum((1, 2, 3)), pairs.sum((1, 2, 3))], dim=1),)


def plain(**changes):
    """Nothing but gradient steps on 8x8 pixels."""
    return DreamSettings(**{"steps": 40, "rate": 0.1, "jitter": 0, "smoothness": 0, "scales": (8,)} | changes)


def random():
    return np.random.default_rng(5)


def weights(classes=3):
    """(classes, 1, 8, 8), each entry at least .5 from 0."""
    drawn = torch.from_numpy(random().normal(size=(classes, 1, 8, 8))).float()
    return drawn + 0.5 * drawn.sign()


def test_a_linear_net_dreams_the_signs_of_its_weights():
    w = weights()
    starts = noise((3, 1, 8, 8), 0.3, random())
    # A step moves each pixel by .1 |w| / rms(w): by .02 at the least here, so that 200 cross the box.
    found = ascend(Linear(w), starts, torch.arange(3), plain(steps=200), random())
    torch.testing.assert_close(found, w.sign(), rtol=0, atol=0)


def test_first_step_is_the_gradient_of_unit_root_mean_square():
    w = weights()
    start = torch.zeros(3, 1, 8, 8)
    found = ascend(Linear(w), start, torch.tensor([2, 0, 1]), plain(steps=1), random())
    expected = w[[2, 0, 1]] / w[[2, 0, 1]].square().mean((1, 2, 3), keepdim=True).sqrt()
    torch.testing.assert_close(found, (0.1 * expected).clamp(-1, 1))


def test_a_coarse_scale_makes_coarse_changes():
    # One parameter in all: every pixel moves by the rate, up or down by the sign of the weights' sum.
    w = weights(1)
    found = ascend(Linear(w), torch.zeros(1, 1, 8, 8), torch.tensor([0]), plain(steps=1, scales=(1,)), random())
    torch.testing.assert_close(found, torch.full((1, 1, 8, 8), 0.1 * float(w.sum().sign())))


def test_no_image_of_a_batch_touches_another():
    w, settings = weights(), plain(scales=(4, 8), jitter=2, smoothness=3.0)
    starts = noise((3, 1, 8, 8), 0.3, random())
    together = ascend(Linear(w), starts, torch.arange(3), settings, random())
    for k in range(3):
        alone = ascend(Linear(w), starts[[k]], torch.tensor([k]), settings, random())
        torch.testing.assert_close(alone, together[[k]], rtol=1e-4, atol=1e-4)


def test_jitter_changes_nothing_for_a_net_that_no_shift_changes():
    starts = noise((2, 1, 8, 8), 0.3, random())
    aims = torch.tensor([0, 1])
    still = ascend(ShiftInvariant(), starts, aims, plain(steps=10), random())
    shaken = ascend(ShiftInvariant(), starts, aims, plain(steps=10, jitter=3), random())
    torch.testing.assert_close(shaken, still, rtol=1e-4, atol=1e-4)


def test_jitter_moves_what_a_net_sees():
    # With one bright weight, the pixel that climbs is the one that the shift carries under it.
    w = torch.zeros(1, 1, 8, 8)
    w[0, 0, 4, 4] = 1
    found = ascend(Linear(w), torch.zeros(1, 1, 8, 8), torch.tensor([0]), plain(steps=1, jitter=2), random())
    down, right = random().integers(-2, 3, (1, 2))[0]
    assert found.nonzero().tolist() == [[0, 0, 4 - down, 4 - right]]


def test_smoothness_alone_levels_an_image():
    flat = Linear(torch.zeros(1, 1, 8, 8))
    start = noise((1, 1, 8, 8), 0.3, random())
    found = ascend(flat, start, torch.tensor([0]), plain(smoothness=1.0, rate=0.01, steps=60), random())
    assert total_variation(found) < 0.05 * total_variation(start)


def test_a_gradient_of_zero_leaves_the_image_as_it_is():
    start = noise((1, 1, 8, 8), 0.3, random())
    found = ascend(Linear(torch.zeros(1, 1, 8, 8)), start, torch.tensor([0]), plain(), random())
    torch.testing.assert_close(found, start, rtol=0, atol=0)


def test_total_variation_by_hand():
    x = torch.tensor([[[[0.0, 1.0], [0.0, 3.0]]], [[[1.0, 1.0], [1.0, 1.0]]]])
    # Down: 0 and 2; across: 1 and 3. Squared 0 + 4 + 1 + 9 = 14, over 4 pixels.
    torch.testing.assert_close(total_variation(x), torch.tensor([3.5, 0.0]))


def test_noise_stays_in_the_box_and_is_that_of_its_stream():
    drawn = noise((1, 1, 100, 100), 0.3, random())
    assert abs(float(drawn.std()) - 0.3) < 4 * 0.3 / np.sqrt(2 * 10_000)  # the standard error of a deviation
    assert float(noise((1, 1, 100, 100), 5.0, random()).abs().max()) == 1
    assert torch.equal(drawn, noise((1, 1, 100, 100), 0.3, random()))


def test_starts_are_not_written_to():
    starts = torch.zeros(1, 1, 8, 8)
    ascend(Linear(weights(1)), starts, torch.tensor([0]), plain(), random())
    assert not starts.any()


@pytest.mark.parametrize("scales", [(28, 14), (14, 14), (), (0, 7)])
def test_scales_go_from_coarse_to_fine(scales):
    with pytest.raises(ValidationError, match="scales"):
        DreamSettings(scales=scales)


def test_resizing_to_the_same_side_is_the_identity():
    x = noise((1, 1, 8, 8), 0.3, random())
    assert torch.equal(dreams._resized(x, x.shape[2:]), x)


def test_scales_keep_the_proportions_of_an_image_that_is_not_square():
    assert scaled_sides((28, 28), 7) == (7, 7)
    assert scaled_sides((48, 64), 16) == (12, 16)
    assert scaled_sides((64, 48), 64) == (64, 48)
    assert scaled_sides((2, 64), 8) == (1, 8)


def test_an_oblong_image_in_colour_dreams_the_signs_of_its_weights():
    drawn = torch.from_numpy(random().normal(size=(2, 3, 6, 9))).float()
    w = drawn + 0.5 * drawn.sign()
    found = ascend(Linear(w), torch.zeros(2, 3, 6, 9), torch.arange(2), plain(steps=300, scales=(9,)), random())
    torch.testing.assert_close(found, w.sign(), rtol=0, atol=0)
