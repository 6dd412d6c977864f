"""Pruned epochs: the choice by hand, its expectation, and whole training against a plain loop."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rungwise.bench import Bench
from rungwise.data.images import Split
from rungwise.data.load import load
from rungwise.data.settings import Data
from rungwise.models.mlp import MlpSettings
from rungwise.models.net import initialise
from rungwise.seeding import stream_seed
from rungwise.training.fit import carry_out
from rungwise.training.pruning import Pruner, Pruning
from rungwise.training.settings import Fit, Recipe

CLASSES = tuple("0123456789")


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def split() -> Split:
    digits = load("digits", offline=True).train
    return Split(CLASSES, digits.take(np.arange(300)), digits.take(np.arange(300, 400)), {})


def fit(split: Split, **changes: object):
    told: list[dict[str, float]] = []
    recipe = {"epochs": 4, "batch": 32, "optimiser": "sgd", "rate": 0.1, "precision": "float32", "evaluate": "end"}
    trial = Fit(
        label="net", data=Data(source="digits"), seed=3, net=MlpSettings(hidden=(16,)), fit=Recipe(**(recipe | changes))
    )
    bench = Bench("cpu", lambda data, seed: split, {}, lambda values: told.append(dict(values)))
    return trial, carry_out(trial, bench), told


def test_which_images_may_be_left_out_and_what_the_others_count(random: torch.Generator) -> None:
    pruner = Pruner(Pruning(share=0.75, whole=0.5), 6, 4, "cpu")
    assert pruner.draw(0, random).all()
    assert pruner.weights.tolist() == [1] * 6
    pruner.losses = torch.tensor([0.1, 0.2, 3.0, 0.3, 0.1, 2.0])  # the mean is 0.95
    seen = set()
    for _ in range(200):
        kept = pruner.draw(1, random)
        assert kept[[2, 5]].all()
        assert pruner.weights[[2, 5]].tolist() == [1, 1]
        assert pruner.weights[[0, 1, 3, 4]].tolist() == [4.0 if one else 0.0 for one in kept[[0, 1, 3, 4]].tolist()]
        seen.add(tuple(kept.tolist()))
    assert len(seen) == 16, "each of the four learnt ones comes and goes"
    for epoch in (2, 3):
        assert pruner.draw(epoch, random).all(), "the last half of the epochs"


def test_the_expected_sum_of_losses_is_that_of_all_images(random: torch.Generator) -> None:
    pruner = Pruner(Pruning(share=0.7), 400, 10, "cpu")
    pruner.losses = torch.rand(400, generator=random) ** 4
    values, sums, sizes = torch.rand(400, generator=random), [], []
    for _ in range(2000):
        sizes.append(pruner.draw(1, random).sum().item())
        sums.append((pruner.weights * values).sum().item())
    learnt = (pruner.losses < pruner.losses.mean()).sum().item()
    error = (values.square().sum() * 0.7 / 0.3 / 2000).sqrt().item()  # of the mean, were all of them learnt
    assert sum(sums) / 2000 == pytest.approx(values.sum().item(), abs=4 * error)
    assert sum(sizes) / 2000 == pytest.approx(400 - 0.7 * learnt, abs=2)


def test_training_is_that_of_a_plain_loop(split: Split) -> None:
    trial, outcome, _ = fit(split, pruning=Pruning(share=0.6, whole=0.25), schedule="one-cycle")
    x, y = torch.from_numpy(split.train.images).float() / 127.5 - 1, torch.from_numpy(split.train.labels)
    net = trial.net.build(split.train.shape, (10,))
    initialise(net, torch.Generator().manual_seed(stream_seed(trial.seed, "initialisation")))
    order = torch.Generator().manual_seed(stream_seed(trial.seed, "order"))
    losses, steps, curve, right = torch.zeros(300), 0, [], []
    for epoch in range(4):
        weights = torch.ones(300)
        if epoch in (1, 2):
            drawn = torch.rand(300, generator=order)
            for i in range(300):
                if losses[i] < losses.mean():
                    weights[i] = 0 if drawn[i] < 0.6 else 2.5
        kept = [i for i in torch.randperm(300, generator=order).tolist() if weights[i] > 0]
        batches = [torch.tensor(kept[i : i + 32]) for i in range(0, len(kept), 32)]
        before, total, hits = losses.clone(), 0.0, 0.0
        for number, index in enumerate(batches, 1):
            each = F.cross_entropy(net(x[index])[0], y[index], reduction="none")
            gradients = torch.autograd.grad((weights[index] * each).sum() / len(index), list(net.parameters()))
            hits += (weights[index] * (net(x[index])[0].argmax(1) == y[index])).sum().item()
            done = (epoch + number / len(batches)) * 10 / 41
            with torch.no_grad():
                for p, g in zip(net.parameters(), gradients, strict=True):
                    p -= 0.1 * min(done / 0.2, (1 - done) / 0.8) * g
            before[index], total = each.detach(), total + (weights[index] * each).sum().item()
        losses, steps = before, steps + len(batches)
        curve.append(total / 300)
        right.append(hits / 300)
    assert steps < 4 * 10
    assert outcome.summary["steps"] == steps
    assert outcome.history["train_loss"] == pytest.approx(curve, rel=1e-4)
    assert outcome.history["train_accuracy"] == pytest.approx(right, rel=1e-4)
    for name, value in net.state_dict().items():
        torch.testing.assert_close(outcome.weights[name], value, rtol=1e-4, atol=1e-5)


def test_epochs_that_leave_nothing_out_are_those_without_pruning(split: Split) -> None:
    (_, plain, _), (_, whole, _) = fit(split), fit(split, pruning=Pruning(whole=1))
    assert plain.summary["steps"] == whole.summary["steps"]
    assert plain.history["train_loss"] == pytest.approx(whole.history["train_loss"])
    for name, value in plain.weights.items():
        torch.testing.assert_close(whole.weights[name], value)


def test_progress_ends_with_each_whole_epoch(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rungwise.training.epochs.PROGRESS_EVERY_S", 0)
    _, _, told = fit(split, pruning=Pruning(share=0.9))
    assert [values["epoch"] for values in told if isinstance(values["epoch"], int)] == [1, 2, 3, 4]
    assert [values["epoch"] for values in told] == sorted(values["epoch"] for values in told)
    assert all(0 <= values["accuracy"] <= 1 for values in told)


def test_accuracies_stay_below_1_where_weights_sum_to_more_than_the_images(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each image is right and counts 1.48 times."""
    monkeypatch.setattr("rungwise.training.epochs.PROGRESS_EVERY_S", 0)
    monkeypatch.setattr(Pruner, "draw", lambda pruner, *_: pruner.weights.fill_(1.48) > 0)
    monkeypatch.setattr(
        "rungwise.balancing.learner._right", lambda _, labels: torch.ones_like(labels, dtype=torch.bool)
    )
    _, outcome, told = fit(split, pruning=Pruning())
    assert [values["accuracy"] for values in told] == pytest.approx([1] * len(told), abs=1e-6)
    assert outcome.history["train_accuracy"] == [1, 1, 1, 1]


GROUPS = {"low": (0, 1, 2, 3, 4), "high": (5, 6, 7, 8, 9)}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tasks": {"item": "labels", "half": GROUPS}, "loss_weights": (1, 1)}, "pruning goes by the loss of one task"),
        ({"balance": "dwa"}, "know nothing of weighted images"),
    ],
)
def test_only_for_one_task_without_a_way_to_balance(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Fit(
            label="net",
            data=Data(source="digits"),
            seed=0,
            net=MlpSettings(hidden=(16,)),
            fit=Recipe(epochs=1, pruning=Pruning()),
            **changes,  # type: ignore[arg-type]
        )
