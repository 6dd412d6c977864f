"""Stacked nets against the same nets one by one, against torch's own vmap, and against the clock."""

import copy
import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call, grad, stack_module_state, vmap

from rungwise.bench import Bench
from rungwise.chapters.capacity.trial import CapacityTrial
from rungwise.data.images import ImageSet, Split
from rungwise.data.settings import Data
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.models.net import initialise
from rungwise.training import fit, stacked
from rungwise.training.learner import begin
from rungwise.training.settings import Fit, Recipe, most_stacked, stackable
from rungwise.training.stacked import Stack, fit_many, fit_stacked
from rungwise.trial import MOST_TOGETHER, Outcome, TrialFailed

GROUPS = {"low": (0, 1, 2, 3, 4), "high": (5, 6, 7, 8, 9)}


def images(count: int, seed: int) -> ImageSet:
    """Noise with a bright column whose place is the label: easy to learn."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count)
    pixels = random.integers(0, 60, (count, 1, 28, 28), np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        image[0, :, 2 * label + 3] += 150
    return ImageSet(pixels, labels.astype(np.int64))


def read(data: Data, seed: int) -> Split:
    """Other images for each seed."""
    aside = images(data.validation_images, seed + 200) if data.validation_images else None
    return Split(tuple("0123456789"), images(200, seed), images(60, seed + 100), {}, aside)


BENCH = Bench(device="cpu", split=read, records={})


def trial(seed: int = 0, recipe: dict[str, Any] | None = None, **changes: object) -> Fit:
    settings = {"label": "net", "data": Data(source="digits"), "seed": seed, "net": MlpSettings(hidden=(16, 8))}
    settings["fit"] = Recipe(**({"epochs": 3, "batch": 32, "precision": "float32", "stacked": True} | (recipe or {})))
    return Fit(**(settings | changes))  # type: ignore[arg-type]


def done(results: list[Outcome | TrialFailed] | None) -> list[Outcome]:
    assert results is not None
    assert all(isinstance(result, Outcome) for result in results)
    return results  # type: ignore[return-value]


def alike(one: Outcome, other: Outcome, rtol: float = 1e-5) -> None:
    """What is told of a net is the same but for rounding, and one image that was on the edge; times and memory are
    told of both."""
    assert one.summary.keys() == other.summary.keys()
    assert one.timings.keys() == other.timings.keys()
    assert {**one.choices, "step": ""} == {**other.choices, "step": ""}
    assert one.arrays.keys() == other.arrays.keys()
    for name in one.summary.keys() - {"time_s", "step_bytes"}:
        edge = 1.01 / 60 if "accuracy" in name else 0
        assert other.summary[name] == pytest.approx(one.summary[name], rel=rtol, abs=edge), name
    assert one.history.keys() == other.history.keys()
    for name, curve in one.history.items():
        edge = 1.01 / 60 if "accuracy" in name else 0
        np.testing.assert_allclose(other.history[name], curve, rtol=rtol, atol=edge, err_msg=name)
    np.testing.assert_array_equal(other.arrays["test_labels"], one.arrays["test_labels"])
    assert (other.arrays["test_predictions"] != one.arrays["test_predictions"]).sum() <= 1
    wrong = other.arrays["wrong_index"]
    assert (other.arrays["test_predictions"] != other.arrays["test_labels"])[wrong].all()
    close = 2e-3 if one.choices["precision"] == "float32" else 1e-2  # two neighbours among numbers are 2^-8 apart
    np.testing.assert_allclose(other.arrays["test_logits"], one.arrays["test_logits"], rtol=close, atol=close)
    assert one.weights.keys() == other.weights.keys()
    for name, value in one.weights.items():
        torch.testing.assert_close(other.weights[name], value, rtol=rtol, atol=rtol / 10 if rtol > 1e-4 else 1e-5)


@pytest.mark.parametrize("optimiser", ["adam", "sgd", "rmsprop", "adagrad"])
def test_they_train_as_one_by_one(optimiser: str) -> None:
    rate = 0.01 if optimiser in ("sgd", "adagrad") else 1e-3
    trials = [trial(seed, {"optimiser": optimiser, "rate": rate, "momentum": 0.9}) for seed in range(3)]
    for one, other in zip((fit.carry_out(one, BENCH) for one in trials), done(fit_stacked(trials, BENCH)), strict=True):
        alike(one, other)


@pytest.mark.parametrize(
    "changes",
    [
        {"net": MlpSettings(hidden=())},
        {"net": MlpSettings(hidden=(16,), bias=False)},
        {"data": Data(source="digits", validation_images=20)},
        {"recipe": {"evaluate": "end"}},
        {"recipe": {"precision": "bfloat16", "epochs": 1}},
        {"recipe": {"batch": 200}},
        {"tasks": {"half": GROUPS}},
    ],
    ids=str,
)
def test_whatever_a_study_may_ask_of_them(changes: dict[str, Any]) -> None:
    trials = [trial(seed, **changes) for seed in range(2)]
    for one, other in zip((fit.carry_out(one, BENCH) for one in trials), done(fit_stacked(trials, BENCH)), strict=True):
        alike(one, other, rtol=1e-3 if "bfloat16" in str(changes) else 1e-5)


def test_images_that_all_have_are_kept_once() -> None:
    """As where all train on a whole data set; labels may be each net's own."""
    shared = read(trial().data, 0)

    def same(data: Data, seed: int) -> Split:
        labels = shared.train.labels if seed else np.roll(shared.train.labels, 1)
        return replace(shared, train=ImageSet(shared.train.images, labels))

    bench = replace(BENCH, split=same)
    trials = [trial(seed) for seed in range(3)]
    assert stacked._gather(trials, bench).train.images.shape == (200, 1, 28, 28)
    for one, other in zip((fit.carry_out(one, bench) for one in trials), done(fit_stacked(trials, bench)), strict=True):
        alike(one, other)


def test_a_stack_of_one_is_the_one() -> None:
    (other,) = done(fit_stacked([trial(5)], BENCH))
    alike(fit.carry_out(trial(5), BENCH), other)


def nets(count: int, **settings: Any) -> list[Any]:
    """Freshly drawn nets in float64, where no rounding hides a difference."""
    made = [MlpSettings(**settings).build((1, 3, 3), (4,)).double() for _ in range(count)]
    for seed, net in enumerate(made):
        initialise(net, torch.Generator().manual_seed(seed))
    return made


@pytest.mark.parametrize("settings", [{"hidden": (7, 5)}, {"hidden": (6,), "bias": False}, {"hidden": ()}])
def test_its_gradients_are_those_that_vmap_finds(settings: dict[str, Any]) -> None:
    made = nets(3, **settings)
    parameters, _ = stack_module_state(made)
    random = torch.Generator().manual_seed(9)
    x = torch.randn(3, 11, 1, 3, 3, generator=random, dtype=torch.float64)
    y = torch.randint(0, 4, (3, 11), generator=random)

    def loss(values: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(functional_call(made[0], values, (x,))[0], y)

    expected = vmap(grad(loss))(parameters, x, y)
    stack = Stack(copy.deepcopy(made))
    z = stack(x.flatten(2))
    torch.autograd.backward(F.cross_entropy(z.flatten(0, 1), y.flatten(), reduction="none").view(3, 11).mean(1).sum())
    names = [*(f"hidden.{i}" for i in range(len(settings["hidden"]))), "head"]
    for name, weight in zip(names, stack.weights, strict=True):
        torch.testing.assert_close(weight.grad.mT, expected[f"{name}.weight"], rtol=1e-12, atol=1e-14)
    for name, bias in zip(names, stack.biases, strict=False):
        torch.testing.assert_close(bias.grad[:, 0], expected[f"{name}.bias"], rtol=1e-12, atol=1e-14)
    assert len(stack.biases) == (0 if settings.get("bias") is False else len(names))


def test_the_nets_follow_their_stack() -> None:
    made = nets(2, hidden=(7,))
    before = copy.deepcopy(made[1].state_dict())
    stack = Stack(made)
    for name, value in made[1].state_dict().items():
        assert torch.equal(value, before[name])
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter += 1
    for name, value in made[1].state_dict().items():
        assert torch.equal(value, before[name] + 1)


def test_a_net_that_has_learnt_enough_is_told_of_as_it_is_then() -> None:
    recipe = {"epochs": 60, "stop_loss": 0.2}
    trials = [trial(seed, recipe, net=MlpSettings(hidden=(16,))) for seed in range(3)]
    ones = [fit.carry_out(one, BENCH) for one in trials]
    ends = [one.summary["epochs"] for one in ones]
    assert len(set(ends)) > 1, "the test needs nets that stop at different times"
    assert max(ends) < 60
    others = done(fit_stacked(trials, BENCH))
    for one, other in zip(ones, others, strict=True):
        alike(one, other, rtol=1e-4)
    times = [other.summary["time_s"] for other in others]
    assert np.argmax(times) == np.argmax(ends)


def test_one_whose_loss_is_not_finite_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A net whose weights are made enormous for the purpose."""

    def broken(trial: Fit, *rest: Any) -> torch.nn.Module:
        net = begin(trial, *rest)
        if trial.seed == 1:
            with torch.no_grad():
                net.head.weight *= 1e38
        return net

    monkeypatch.setattr(stacked, "begin", broken)
    monkeypatch.setattr(fit, "begin", broken)
    trials = [trial(seed) for seed in range(3)]
    good, bad, other = fit_stacked(trials, BENCH)
    assert isinstance(bad, TrialFailed)
    with pytest.raises(TrialFailed) as told:
        fit.carry_out(trials[1], BENCH)
    assert str(bad) == str(told.value)
    alike(fit.carry_out(trials[0], BENCH), done([good])[0])
    alike(fit.carry_out(trials[2], BENCH), done([other])[0])


@pytest.mark.parametrize(("count", "stacks"), [(5, False), (6, True)])
def test_it_is_the_clock_that_decides(count: int, stacks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that ticks once for a stacked step and once for five single ones: 1.1 against 1, and against 1.2."""
    ticks = itertools.count()
    monkeypatch.setattr(fit, "now", lambda device: float(next(ticks)))
    monkeypatch.setattr(stacked, "MEASURE_S", 0.0)
    results = fit_many([trial(seed, {"epochs": 1}) for seed in range(count)], BENCH)
    assert (results is not None) == stacks


def test_measuring_leaves_no_trace() -> None:
    group = stacked._gather([trial(seed) for seed in range(2)], BENCH)
    before = [copy.deepcopy(net.state_dict()) for net in group.nets]
    stacked._pays(group)
    for net, values in zip(group.nets, before, strict=True):
        assert all(torch.equal(value, values[name]) for name, value in net.state_dict().items())


class WiderRecipe(Recipe):
    """A recipe as a later version might know it."""

    noise: float = 0.0


@pytest.mark.parametrize(
    "other",
    [
        trial(net=CnnSettings(filters=(2, 2))),
        trial(balance="dwa"),
        trial(tasks={"item": "labels", "half": GROUPS}, loss_weights=(0.5, 0.5)),
        trial(loss_weights=(2.0,)),
        trial(start=trial()),
        trial(fit=WiderRecipe(epochs=1, stacked=True)),
        CapacityTrial(
            label="c", data=Data(source="digits"), seed=0, net=MlpSettings(hidden=(8,), bias=False),
            fit=Recipe(epochs=1, stacked=True),
        ),
    ],
    ids=lambda other: str(other.net.family) + str(len(other.spec)),
)  # fmt: skip
def test_what_it_does_not_know_goes_one_by_one(other: Fit) -> None:
    assert stackable(trial())
    assert not stackable(other)
    assert other.most_together == most_stacked(other) == 1


def test_nets_are_stacked_only_where_the_study_says_so() -> None:
    assert trial().most_together == MOST_TOGETHER
    assert trial(recipe={"stacked": False}).most_together == 1
    assert trial(0).kind == trial(1).kind != trial(1, {"epochs": 4}).kind


def test_as_many_as_memory_holds() -> None:
    """16 bytes for each of 784·10000 + 10000 + 10000·10 + 10 parameters, and 70,000 images of 784 bytes."""
    wide = trial(net=MlpSettings(hidden=(10_000,)), data=Data(source="mnist"))
    assert wide.most_together == 2**31 // (16 * 7_950_010 + 70_000 * 784) == 11
    assert trial(net=MlpSettings(hidden=(50_000, 50_000))).most_together == 1
