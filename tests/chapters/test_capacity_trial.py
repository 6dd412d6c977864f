"""The trial of capacity: what it reports follows from the weights that an ordinary fit of the same net ends with."""

import math

import numpy as np
import pytest
import torch

from rungwise.bench import Bench
from rungwise.chapters.capacity.trial import CapacityTrial
from rungwise.chapters.capacity.work import fit_and_measure
from rungwise.data.images import ImageSet, Split
from rungwise.data.settings import Data
from rungwise.models.mlp import MlpSettings
from rungwise.models.net import initialise
from rungwise.seeding import stream_seed
from rungwise.training.fit import carry_out
from rungwise.training.settings import Fit, Recipe

CLASSES = tuple("0123456789")
RECIPE = Recipe(epochs=60, batch=32, optimiser="sgd", rate=0.01, momentum=0.9, stop_loss=0.05, evaluate="end")


def images(count: int, seed: int) -> ImageSet:
    """Noise with a bright column whose place is the label: easy to learn."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count)
    pixels = random.integers(0, 60, (count, 1, 28, 28), np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        image[0, :, 2 * label + 3] += 150
    return ImageSet(pixels, labels.astype(np.int64))


SPLIT = Split(CLASSES, images(200, 1), images(60, 2), {})
BENCH = Bench(device="cpu", split=lambda data, seed: SPLIT, records={})


def trial(**changes: object) -> CapacityTrial:
    settings = {
        "label": "h = 16",
        "data": Data(source="digits"),
        "seed": 3,
        "net": MlpSettings(hidden=(16,), bias=False),
        "fit": RECIPE,
    }
    return CapacityTrial(**(settings | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def ends():
    """What the trial reports, and what an ordinary fit of the same net does: its outcome and (U0, U, V) in numpy."""
    wanted = trial()
    plain = carry_out(Fit.model_validate({**wanted.model_dump(), "label": "net", "net": wanted.net}), BENCH)
    net = wanted.net.build((1, 28, 28), (10,))
    initialise(net, torch.Generator().manual_seed(stream_seed(3, "initialisation")))
    start = net.state_dict()["hidden.0.weight"].double().numpy()
    u, v = (plain.weights[name].double().numpy() for name in ("hidden.0.weight", "head.weight"))
    return fit_and_measure(wanted, BENCH), plain, (start, u, v)


def test_it_is_the_same_fit(ends) -> None:
    outcome, plain, _ = ends
    assert outcome.history == plain.history
    for key in ("train_accuracy", "test_accuracy", "train_loss", "epochs", "parameters"):
        assert outcome.summary[key] == plain.summary[key]
    np.testing.assert_array_equal(outcome.arrays["test_predictions"], plain.arrays["test_predictions"])
    assert outcome.summary["parameters"] == 16 * (784 + 10), "no biases"
    assert outcome.history["train_loss"][-1] < 0.05 <= outcome.history["train_loss"][-2]


def test_units_and_measure_follow_from_the_weights(ends) -> None:
    outcome, _, (u0, u, v) = ends
    capacity, impact = np.sqrt(((u - u0) ** 2).sum(1)), np.sqrt((v**2).sum(0))
    np.testing.assert_allclose(outcome.arrays["unit_capacity"], capacity, rtol=1e-6)
    np.testing.assert_allclose(outcome.arrays["unit_impact"], impact, rtol=1e-6)
    assert outcome.summary["unit_capacity"] == pytest.approx(capacity.mean())
    assert outcome.summary["unit_impact"] == pytest.approx(impact.mean())
    moved = np.linalg.norm(u - u0) * np.linalg.norm(v)
    measure = np.linalg.norm(u0, 2) * np.linalg.norm(v) + moved + 4
    assert outcome.summary["measure"] == pytest.approx(measure)
    assert outcome.summary["measure_frobenius"] == pytest.approx(np.linalg.norm(u) * np.linalg.norm(v))


def test_margin_and_bound_follow_from_the_training_images(ends) -> None:
    outcome, _, (u0, u, v) = ends
    x = SPLIT.train.images.reshape(200, -1) / 127.5 - 1
    logits, rows = np.maximum(x @ u.T, 0) @ v.T, np.arange(200)
    right = logits[rows, SPLIT.train.labels].copy()
    logits[rows, SPLIT.train.labels] = -np.inf
    gamma = np.percentile(right - logits.max(1), 5)
    assert outcome.summary["gamma"] == pytest.approx(gamma, rel=1e-4)
    hidden = np.sqrt((np.maximum(x @ u0.T, 0) ** 2).sum(1).mean())
    reach = hidden + np.linalg.norm(u - u0) * np.sqrt((x**2).sum(1).mean()) + 1
    r = 3 * (np.sqrt(40) + np.sqrt(2)) * (np.linalg.norm(v) + 1) * reach / gamma
    rest = 9 * (5 * 16 + np.log(max(1, gamma * np.sqrt(200))) - np.log(0.01))
    assert outcome.summary["bound"] == pytest.approx(r**2 + 2 * r * np.sqrt(rest) + rest, rel=1e-4)


def test_weights_and_large_arrays_are_not_kept(ends) -> None:
    outcome, *_ = ends
    assert outcome.weights == {}
    assert set(outcome.arrays) == {"test_predictions", "test_labels", "unit_capacity", "unit_impact"}


def test_where_the_margin_is_not_above_zero_there_is_no_bound() -> None:
    outcome = fit_and_measure(trial(fit=Recipe(epochs=1, optimiser="sgd", rate=1e-6, evaluate="end")), BENCH)
    assert outcome.summary["gamma"] < 0
    assert "bound" not in outcome.summary
    assert all(math.isfinite(value) for value in outcome.summary.values())
    assert outcome.summary["unit_capacity"] < 1e-3


@pytest.mark.parametrize(
    "net",
    [
        MlpSettings(hidden=(), bias=False),
        MlpSettings(hidden=(8, 8), bias=False),
        MlpSettings(hidden=(8,)),
    ],
)
def test_other_nets_are_refused_before_anything_runs(net: MlpSettings) -> None:
    with pytest.raises(ValueError, match=r"two layers without biases: set hidden = \[h\] and bias = false; got"):
        trial(net=net)


def test_two_tasks_are_refused() -> None:
    with pytest.raises(ValueError, match="one task, got 2"):
        trial(tasks={"item": "labels", "again": "labels"}, loss_weights=(0.5, 0.5))


def test_it_is_another_trial_than_the_fit_alone() -> None:
    wanted = trial()
    plain = Fit.model_validate({**wanted.model_dump(), "label": "net", "net": wanted.net})
    assert plain.id != wanted.id
    assert trial().id == wanted.id
    assert wanted.epochs == 60, "at most"


def test_a_net_with_biases_is_written_as_it_was_before_nets_without() -> None:
    assert MlpSettings(hidden=(16,)).model_dump() == {"family": "mlp", "hidden": (16,)}
    assert MlpSettings(hidden=(16,), bias=False).model_dump() == {"family": "mlp", "hidden": (16,), "bias": False}
    names = set(MlpSettings(hidden=(16,), bias=False).build((1, 28, 28), (10,)).state_dict())
    assert names == {"hidden.0.weight", "head.weight"}
