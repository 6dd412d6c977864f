"""What of the captured step runs without a GPU: whether it may be captured, and that capturing leaves no trace."""

import copy

import pytest
import torch

from rungwise.balancing import fixed
from rungwise.balancing.balancer import Balancer, Batch, Learner
from rungwise.models.residual import ResidualSettings
from rungwise.training.graph import Captured, can_capture, unchanged
from rungwise.training.learner import build_optimiser
from rungwise.training.trial import Recipe

BATCH = Batch(torch.randint(0, 256, (16, 1, 28, 28), dtype=torch.uint8), torch.randint(0, 10, (1, 16)))
with_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def balancer(optimiser: str, device: str = "cpu") -> Balancer:
    torch.manual_seed(5)
    net = ResidualSettings(stem=4, filters=(6, 6), blocks=(1, 0)).build((1, 28, 28), (10,)).to(device)
    recipe = Recipe(epochs=1, optimiser=optimiser, rate=0.01, momentum=0.9)  # type: ignore[arg-type]
    learner = Learner(
        net, build_optimiser(recipe, net), 0.01, (1.0,), (), (), lambda part: BATCH, torch.Generator(), "float32"
    )
    return fixed.Settings().build(learner)


def weights(some: Balancer) -> dict[str, torch.Tensor]:
    return copy.deepcopy(some.learner.net.state_dict())


@pytest.mark.parametrize("optimiser", ["adam", "sgd", "muon"])
def test_steps_that_leave_no_trace(optimiser: str) -> None:
    plain, rehearsed = balancer(optimiser), balancer(optimiser)
    start = weights(rehearsed)
    with unchanged(rehearsed.learner):
        for _ in range(3):
            rehearsed.step(BATCH)
        assert any(not torch.equal(value, start[name]) for name, value in weights(rehearsed).items())
    for name, value in weights(rehearsed).items():
        assert torch.equal(value, start[name]), name
    for _ in range(3):
        plain.step(BATCH)
        rehearsed.step(BATCH)
    for name, value in weights(rehearsed).items():
        assert torch.equal(value, weights(plain)[name]), name


def test_nothing_is_captured_on_the_cpu() -> None:
    assert not can_capture(balancer("adam"))


@with_gpu
@pytest.mark.parametrize("optimiser", ["adam", "sgd", "muon"])
def test_a_captured_step_is_the_plain_one(optimiser: str) -> None:
    plain, replayed = balancer(optimiser, "cuda"), balancer(optimiser, "cuda")
    batch = Batch(BATCH.images.cuda(), BATCH.labels.cuda())
    assert can_capture(replayed)
    captured = Captured(replayed, batch)
    for _ in range(4):
        expected, got = plain.step(batch), captured.step(batch)
        torch.testing.assert_close(got.losses, expected.losses, rtol=1e-4, atol=1e-5)
    for name, value in weights(replayed).items():
        torch.testing.assert_close(value, weights(plain)[name], rtol=1e-3, atol=1e-4)
