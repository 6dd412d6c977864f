"""Whole steps of convolutional nets in machine code against autograd and PyTorch's optimisers, and by hand."""

import copy
import math

import numpy as np
import pytest
import torch

from rungwise.balancing.learner import Batch
from rungwise.kernels.conv import step as conv_step
from rungwise.kernels.conv.net_step import CnnStep, can_compile
from rungwise.kernels.conv.parameters import ParameterArrays
from rungwise.kernels.conv.weight_passes import STRIP, update_weights
from rungwise.kernels.descent import machine_can
from rungwise.kernels.llvm import vectors
from rungwise.kernels.llvm.conv_tiles import TILE_COLUMNS
from rungwise.kernels.llvm.update_tiles import MomentumConstants
from rungwise.models.cnn import CnnSettings
from rungwise.models.multitask import SharedSettings
from rungwise.optimisers.adam import Adam
from tests.kernels import steps
from tests.kernels.steps import begun, by_autograd, chosen, compiled, learner

if not machine_can("float32"):
    pytest.skip("this machine has no OpenMP, or no products in one instruction", allow_module_level=True)


IMAGE = 2, 9, 6


def built(filters=(5, 7), image=IMAGE, classes=4, kernel=4):
    net = CnnSettings(filters=filters, kernel=kernel).build(image, (classes,))
    return begun(net).to(memory_format=torch.channels_last)


def batch(count, seed=1):
    return steps.batch(count, IMAGE, seed=seed)


NETS = [  # filters, images, classes
    ((3,), IMAGE, 4),
    ((5, 7), IMAGE, 4),
    ((32, 40, 12), IMAGE, 4),
    ((32, 40, 12), (3, 8, 8), 2),
    ((5, 7, 9, 6), (3, 17, 23), 47),
    ((8, 16), (4, 32, 32), 200),
    ((16, 8, 32), (2, 48, 64), 47),
    ((12, 8, 4), (3, 64, 64), 1000),
]


@pytest.mark.parametrize(("filters", "image", "classes"), NETS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("count", [1, 33, 130])
def test_gradients_losses_and_answers_are_those_of_autograd(filters, image, classes, smoothing, count) -> None:
    net, drawn = built(filters, image, classes), steps.batch(count, image, (classes,))
    one = learner(net, smoothing=smoothing)
    expected = one.forward(drawn)
    gradients = torch.autograd.grad(expected.losses.sum(), list(net.parameters()))
    forward = compiled(CnnStep, one)(drawn)
    torch.testing.assert_close(forward.losses, expected.losses.detach(), rtol=1e-5, atol=1e-5)
    assert forward.right.tolist() == expected.right.tolist()
    assert not forward.losses.requires_grad
    for parameter, gradient in zip(net.parameters(), gradients, strict=True):
        found = one.optimiser.state[parameter]["exp_avg"] / 0.1  # 1 - beta1
        assert (found - gradient).norm() <= 2e-5 * gradient.norm() + 1e-7


def test_one_place_by_hand() -> None:
    net = built((1,), (1, 1, 1), 2, kernel=1)
    convolution = net.trunk.convolutions[0]
    with torch.no_grad():
        convolution.weight[:], convolution.bias[:] = 2.0, 1.0
        net.head.weight[:], net.head.bias[:] = torch.tensor([[1.0], [0.0]]), 0.0
    one = learner(net, optimiser=torch.optim.SGD(net.parameters(), 0.5))
    # Pixels 255 and 0 are 1 and -1: maps 3 and, by ReLU, 0; logits (3, 0) and (0, 0), both of class 0.
    images = torch.tensor([255, 0], dtype=torch.uint8).view(2, 1, 1, 1)
    forward = compiled(CnnStep, one)(Batch(images, torch.tensor([[0, 1]])))
    p, q = 1 / (1 + math.exp(-3)), 0.5  # of class 0; at equal logits the first is the answer
    assert forward.losses.item() == pytest.approx(-(math.log(p) + math.log(q)) / 2, rel=1e-6)
    assert forward.right.tolist() == [1]
    slope, other = (p - 1) / 2, q / 2  # in the logits of class 0; those of class 1 are the opposite
    assert net.head.weight.flatten().tolist() == pytest.approx([1 - 0.5 * 3 * slope, 0.5 * 3 * slope], rel=1e-6)
    assert net.head.bias.tolist() == pytest.approx([-0.5 * (slope + other), 0.5 * (slope + other)], rel=1e-6)
    assert convolution.weight.item() == pytest.approx(2 - 0.5 * slope, rel=1e-6)  # of the first image alone
    assert convolution.bias.item() == pytest.approx(1 - 0.5 * slope, rel=1e-6)


@pytest.mark.parametrize("kind", ["adam", "momentum", "sgd"])
@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
def test_steps_with_batches_of_many_sizes_leave_what_autograd_and_pytorch_leave(kind, memory_format) -> None:
    nets = [built((13, 40)).to(memory_format=memory_format) for _ in range(2)]
    optimisers = [steps.optimiser(kind, net, eps=1e-3) for net in nets]
    ones = [learner(net, optimiser=optimiser) for net, optimiser in zip(nets, optimisers, strict=True)]
    mine, theirs = compiled(CnnStep, ones[0]), by_autograd(ones[1])
    for step, count in enumerate([16, 16, 5, 70, 16, 1]):
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = 0.01 * (step + 1)  # as a schedule does
        found, expected = (take(batch(count, seed=step)) for take in (mine, theirs))
        torch.testing.assert_close(found.losses, expected.losses, rtol=1e-4, atol=1e-5)
        assert found.right.tolist() == expected.right.tolist()
    for found, expected in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_steps_here_and_by_autograd_may_take_turns() -> None:
    """Weighted images go by autograd; the optimiser's memory is that of both."""
    nets = [built((32, 30)) for _ in range(2)]
    ones = [learner(net, optimiser=Adam(net.parameters(), 0.01, eps=1e-3, fused=True)) for net in nets]
    mine, plain, theirs = compiled(CnnStep, ones[0]), by_autograd(ones[0]), by_autograd(ones[1])
    for seed, weighted in enumerate([False, True, False, True, True, False]):
        drawn = batch(20, seed=seed)
        if weighted:
            drawn = drawn._replace(weights=torch.linspace(0, 2, 20))
        found, expected = (plain if weighted else mine)(drawn), theirs(drawn)
        torch.testing.assert_close(found.losses, expected.losses, rtol=1e-4, atol=1e-5)
    for found, expected in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not vectors.can("bfloat16"), reason="this processor has no bfloat16 products")
def test_bfloat16_learns_as_well() -> None:
    """What is rounded where is tested pass by pass."""
    net, drawn = built((12, 32)), batch(48)
    wide, rough = (compiled(CnnStep, learner(copy.deepcopy(net), precision)) for precision in ("float32", "bfloat16"))
    losses = [[step(drawn).losses.item() for step in (wide, rough)] for _ in range(30)]
    assert losses[0][1] == pytest.approx(losses[0][0], rel=0.02)
    assert losses[-1][1] == pytest.approx(losses[-1][0], rel=0.2, abs=0.02)
    assert losses[-1][1] < losses[0][1] / 4


def test_what_is_no_number_is_told() -> None:
    net = built()
    with torch.no_grad():
        net.trunk.convolutions[0].weight[0, 0, 0, 0] = math.nan
    assert math.isnan(compiled(CnnStep, learner(net))(batch(16)).losses.item())


def test_parameters_that_moved_are_followed() -> None:
    net = built()
    step = compiled(CnnStep, learner(net, optimiser=torch.optim.SGD(net.parameters(), 0.1)))
    step(batch(8))
    net.head.weight.data = net.head.weight.detach().clone()  # elsewhere
    before = net.head.weight.detach().clone()
    step(batch(8))
    assert not torch.equal(net.head.weight, before)


@pytest.mark.parametrize(("filters", "rows"), [(3, 5), (16, 16), (33, STRIP + 7), (40, 3 * STRIP)])
def test_the_optimiser_moves_each_weight_by_its_gradient(filters, rows) -> None:
    random = np.random.default_rng(0)
    gradient = np.zeros((-(-rows // 16) * 16, -(-filters // 32) * 32), np.float32)
    gradient[:rows, :filters] = random.normal(size=(rows, filters))
    bias_gradient = random.normal(size=gradient.shape[1]).astype(np.float32)
    held = [random.normal(size=shape).astype(np.float32) for shape in [(filters, rows)] * 3 + [(filters,)] * 3]
    slopes, biases = gradient[:rows, :filters].T.copy(), bias_gradient[:filters].copy()
    for momentum in held[1], held[4]:
        momentum[:] = abs(momentum)
    before = [value.copy() for value in held]
    constants = MomentumConstants(np.float32(0.9), np.float32(0.5))
    update_weights(gradient, bias_gradient, ParameterArrays(*held), constants, 2)
    for value, first, old, memory, slope in (
        (held[0], held[1], before[0], before[1], slopes),
        (held[3], held[4], before[3], before[4], biases),
    ):
        np.testing.assert_allclose(first, 0.9 * memory + slope, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(value, old - 0.5 * (0.9 * memory + slope), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(held[2], before[2])
    assert not gradient[:rows].any()
    assert not bias_gradient[:filters].any()


def test_any_number_of_threads_gives_the_same_bits() -> None:
    before, nets = torch.get_num_threads(), [built((32, 40)) for _ in range(3)]
    try:
        for threads, net in enumerate(nets, 1):
            torch.set_num_threads(threads)
            step = compiled(CnnStep, learner(net))
            for seed in range(3):
                step(batch(20, seed=seed))
    finally:
        torch.set_num_threads(before)
    for parameters in zip(*(net.parameters() for net in nets), strict=True):
        assert all(torch.equal(one, parameters[0]) for one in parameters)


def test_only_whole_convolutional_nets_are_compiled(monkeypatch) -> None:
    def can(net, **options):
        one = learner(net, **options)
        return can_compile(one.net, one.optimiser, one.precision)

    monkeypatch.setattr(conv_step, "pays", lambda precision: True)
    net = built((TILE_COLUMNS, 2 * TILE_COLUMNS))
    assert can(net)
    assert isinstance(chosen(learner(net)).kernel, CnnStep)
    assert chosen(learner(net)).choices == {"step": "machine code", "convolutions": "machine code"}
    assert chosen(learner(net), weighted=True).choices == {"convolutions": "machine code"}
    assert can(net, optimiser=torch.optim.SGD(net.parameters(), 0.1, momentum=0.9))
    assert not can(net, optimiser=torch.optim.RMSprop(net.parameters()))
    assert not can(built((TILE_COLUMNS // 2, 2 * TILE_COLUMNS)))  # half of a tile would be empty
    assert not can(SharedSettings(filters=(TILE_COLUMNS, 2 * TILE_COLUMNS)).build((1, 28, 28), (4, 3)))
    frozen = built((TILE_COLUMNS, 2 * TILE_COLUMNS))
    frozen.head.bias.requires_grad_(False)
    assert not can(frozen, optimiser=Adam([p for p in frozen.parameters() if p.requires_grad], fused=True))
    monkeypatch.setattr(conv_step, "pays", lambda precision: False)
    assert not can(net)
