"""An ensemble against its members: what it says, what it costs, and that each learns as it would alone."""

import copy

import pytest
import torch
from torch import nn

from rungwise.balancing.fixed import Settings
from rungwise.balancing.learner import Batch, Forward
from rungwise.data.settings import Data
from rungwise.models.ensemble import Ensemble, answers, members
from rungwise.models.net import count_flops, count_parameters, initialise
from rungwise.models.residual import ResidualSettings
from rungwise.training.batches import Resident
from rungwise.training.learner import build_learner
from rungwise.training.settings import Fit, Recipe

IMAGE = (1, 12, 12)
ONE = ResidualSettings(stem=3, filters=(4, 6), blocks=(1, 0))
THREE = ResidualSettings(stem=3, filters=(4, 6), blocks=(1, 0), members=3)


@pytest.fixture
def net() -> Ensemble:
    net = THREE.build(IMAGE, (10,))
    assert isinstance(net, Ensemble)
    initialise(net, torch.Generator().manual_seed(0))
    return net


def batch(count: int = 16, weights: torch.Tensor | None = None) -> Batch:
    random = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, *IMAGE), dtype=torch.uint8, generator=random)
    return Batch(images, torch.randint(0, 10, (1, count), generator=random), weights)


def step(net: nn.Module, batch: Batch, **recipe: object) -> Forward:
    """One step of training."""
    fit = Recipe(**{"epochs": 1, "precision": "float32", "label_smoothing": 0.1, **recipe})
    trial = Fit(label="net", data=Data(source="digits"), seed=0, net=ONE, fit=fit)
    parts = {"train": Resident(batch.images, batch.labels)}
    return Settings().build(build_learner(trial, net, parts, "float32")).step(batch)


def test_the_mean_of_probabilities_by_hand() -> None:
    logits = torch.tensor([[0.9, 0.1], [0.5, 0.5]]).log()[:, None] + torch.tensor([3.0, -1.0])[:, None, None]
    assert torch.allclose(answers(logits).exp(), torch.tensor([[0.7, 0.3]]))


def test_it_says_what_each_says_in_training_and_what_all_say_afterwards(net: Ensemble) -> None:
    x = torch.rand(5, *IMAGE)
    (told,) = net(x)
    assert torch.equal(told, torch.stack([member(x)[0] for member in net.members]))
    net.eval()
    (together,) = net(x)
    means = torch.stack([member(x)[0].softmax(1) for member in net.members]).mean(0)
    assert torch.allclose(together.exp(), means, atol=1e-6)
    assert list(net.features(x)) == ["stem", "stage 1", "stage 2", "logits"]
    assert torch.equal(net.features(x)["logits"], together)


def test_members_start_apart_and_cost_what_they_cost_alone(net: Ensemble) -> None:
    first, *others = [next(member.parameters()) for member in members(net)]
    assert not any(torch.equal(first, other) for other in others)
    assert members(first_one := ONE.build(IMAGE, (10,))) == [first_one]
    assert count_parameters(THREE, IMAGE, (10,)) == 3 * count_parameters(ONE, IMAGE, (10,))
    assert count_flops(THREE, IMAGE, (10,)) == 3 * count_flops(ONE, IMAGE, (10,))
    assert "members" not in ONE.model_dump(), "the ids of old records hold"


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("optimiser", ["adam", "muon"])
def test_each_learns_as_it_would_alone(net: Ensemble, optimiser: str, weighted: bool) -> None:
    data = batch(weights=torch.rand(16, generator=torch.Generator().manual_seed(2)) if weighted else None)
    alone = copy.deepcopy(list(net.members))
    together = step(net, data, optimiser=optimiser, rate=0.01)
    apart = [step(one, data, optimiser=optimiser, rate=0.01) for one in alone]
    torch.testing.assert_close(together.losses, torch.stack([one.losses for one in apart]).mean(0))
    for member, one in zip(net.members, alone, strict=True):
        for mine, theirs in zip(member.parameters(), one.parameters(), strict=True):
            # Adam adds its epsilon to a third of the gradient: where that is near 0, steps differ a little.
            torch.testing.assert_close(mine, theirs, rtol=0, atol=2e-4)
    if weighted:
        each = [one.of_images for one in apart]
        assert together.of_images is not None
        torch.testing.assert_close(together.of_images, sum(each) / 3)


def test_it_has_right_what_all_together_have_right(net: Ensemble) -> None:
    data = batch(64)
    right = step(copy.deepcopy(net), data).right
    mean = torch.stack([m(data.images / 127.5 - 1)[0].softmax(1) for m in net.members]).mean(0)
    assert right.tolist() == [(mean.argmax(1) == data.labels[0]).sum().item()]
