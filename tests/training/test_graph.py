"""Epochs of replayed steps against plain ones. On a CPU a replay is the step itself, on the same tensors in place; what
a graph adds to that is tested where there is a GPU."""

import copy
import gc
import threading
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from rungwise.balancing import fixed
from rungwise.balancing.balancer import Balancer
from rungwise.balancing.learner import Batch, Forward, Learner
from rungwise.bench import Bench
from rungwise.data.load import load
from rungwise.data.settings import Data
from rungwise.data.split import split
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import NetSettings
from rungwise.models.residual import ResidualSettings
from rungwise.training import fit, stacked
from rungwise.training.augment import Augmentation
from rungwise.training.graph import Replayed, unchanged
from rungwise.training.optimiser import build_optimiser
from rungwise.training.pruning import Pruning
from rungwise.training.settings import Fit, Recipe
from rungwise.training.steps import can_capture
from rungwise.trial import Outcome, TrialFailed

BATCH = Batch(torch.randint(0, 256, (16, 1, 28, 28), dtype=torch.uint8), torch.randint(0, 10, (1, 16)))
DIGITS = Data(source="digits", train_images=200)

RESIDUAL = ResidualSettings(stem=4, filters=(6, 6), blocks=(1, 0))
RECIPES: dict[str, tuple[NetSettings, Recipe]] = {
    "plain": (CnnSettings(filters=(4, 6)), Recipe(epochs=2, batch=64, rate=0.01)),
    "whole batches": (CnnSettings(filters=(4, 6)), Recipe(epochs=2, batch=50, optimiser="sgd", rate=0.1, momentum=0.9)),
    "changed images": (
        RESIDUAL,
        Recipe(epochs=3, batch=32, optimiser="muon", rate=0.05, momentum=0.9, label_smoothing=0.1).model_copy(
            update={"augment": Augmentation(rotate=8, shift=1, flip="alternate", cutout=2)}
        ),
    ),
    "shifted": (RESIDUAL, Recipe(epochs=2, batch=32, rate=0.01, augment=Augmentation(shift=2, flip=True))),
    "weighted and clipped": (
        CnnSettings(filters=(4, 6)),
        Recipe(epochs=2, batch=32, weight_decay=0.1, clip_norm=0.5, class_weights="balanced"),
    ),
    "pruned": (
        RESIDUAL,
        Recipe(
            epochs=6,
            batch=32,
            optimiser="sgd",
            rate=0.05,
            momentum=0.9,
            pruning=Pruning(),
            augment=Augmentation(shift=1),
        ),
    ),
}


def trial(name: str, seed: int = 0, **changes: object) -> Fit:
    net, recipe = RECIPES[name]
    return Fit(label=name, data=DIGITS, seed=seed, net=net, fit=recipe.model_copy(update=changes))


def two_tasks() -> Fit:
    net = SharedSettings(filters=(4, 6), shared=(16,), head=(8,))
    tasks = {"digit": "labels", "side": {"low": tuple(range(5)), "high": tuple(range(5, 10))}}
    recipe = Recipe(epochs=2, batch=16, rate=0.01)
    return Fit(label="two", data=DIGITS, seed=1, net=net, fit=recipe, tasks=tasks, loss_weights=(0.25, 0.75))


def bench(device: str = "cpu") -> Bench:
    return Bench(device, lambda data, seed: split(load(data.source, offline=True), data, seed), {})


def assert_same(one: Outcome, other: Outcome, tolerance: float = 0.0) -> None:
    assert one.history.keys() == other.history.keys()
    for name, curve in one.history.items():
        np.testing.assert_allclose(other.history[name], curve, rtol=tolerance, atol=tolerance, err_msg=name)
    for name, weight in one.weights.items():
        torch.testing.assert_close(other.weights[name], weight, rtol=tolerance, atol=tolerance)
    assert one.summary["steps"] == other.summary["steps"]


@pytest.fixture
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "can_capture", lambda balancer: True)
    monkeypatch.setattr(stacked, "keeps_on_gpu", lambda optimiser: True)


@pytest.mark.parametrize("one", [*map(trial, RECIPES), two_tasks()], ids=lambda one: one.label)
def test_replayed_epochs_are_plain_ones_to_the_bit(one: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = fit.carry_out(one, bench())
    assert plain.choices["step"] == "autograd"
    replays = []
    monkeypatch.setattr(fit, "can_capture", lambda balancer: True)
    replay = Replayed.replay
    monkeypatch.setattr(Replayed, "replay", lambda self: replays.append(replay(self)))
    replayed = fit.carry_out(one, bench())
    assert replayed.choices["step"] == "CUDA graph"
    rest = len([size for size in (200 % one.fit.batch,) if size]) * one.epochs
    assert len(replays) == replayed.summary["steps"] - rest
    assert_same(plain, replayed)
    if len(one.tasks) > 1:
        np.testing.assert_array_equal(plain.arrays["task_weights"], replayed.arrays["task_weights"])


@pytest.mark.usefixtures("as_on_a_gpu")
def test_replayed_epochs_of_a_stack() -> None:
    recipe = Recipe(epochs=2, batch=64, rate=0.01, stacked=True, precision="float32")
    nets = [Fit(label="", data=DIGITS, seed=seed, net=MlpSettings(hidden=(16,)), fit=recipe) for seed in range(3)]
    together = stacked.fit_stacked(nets, bench())
    for one, found in zip(nets, together, strict=True):
        assert not isinstance(found, TrialFailed)
        assert found.choices["step"] == "CUDA graph"
        assert_same(fit.carry_out(one, bench()), found, tolerance=1e-4)


def test_rates_are_read_from_their_table() -> None:
    net = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(net.weight)
    optimiser = torch.optim.SGD(net.parameters(), torch.tensor(9.0))

    def take(index: torch.Tensor, drawn: object) -> Forward:
        optimiser.zero_grad()
        loss = net.weight.sum() * index.float().mean()  # so that the gradient is the mean index
        loss.backward()
        optimiser.step()
        return Forward(loss.detach()[None], index.sum()[None])

    steps = Replayed(take, net, optimiser, torch.zeros(7, dtype=torch.int64), 2, 1)
    steps.start(torch.tensor([0, 2, 4, 6, 5, 5]), [[1.0], [0.5], [0.25]])
    for _ in range(3):
        steps.replay()
    assert net.weight.item() == -(1 * 1.0 + 5 * 0.5 + 5 * 0.25)
    assert steps.losses[:, 0].tolist() == [0, -1 * 5, -(1 + 2.5) * 5]
    assert steps.right.tolist() == [22]


def balancer(optimiser: str, device: str = "cpu") -> Balancer:
    torch.manual_seed(5)
    net = RESIDUAL.build((1, 28, 28), (10,)).to(device)
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
    start, kept = weights(rehearsed), torch.arange(3.0)
    with unchanged(rehearsed.learner.net, rehearsed.learner.optimiser, [kept]):
        for _ in range(3):
            rehearsed.step(BATCH)
        kept += 1
        assert any(not torch.equal(value, start[name]) for name, value in weights(rehearsed).items())
    assert kept.tolist() == [0, 1, 2]
    for name, value in weights(rehearsed).items():
        assert torch.equal(value, start[name]), name
    for _ in range(3):
        plain.step(BATCH)
        rehearsed.step(BATCH)
    for name, value in weights(rehearsed).items():
        assert torch.equal(value, weights(plain)[name]), name


def test_nothing_is_captured_on_the_cpu() -> None:
    assert not can_capture(balancer("adam"))


def on_gpu(one: Fit) -> Fit:
    """With products in float32 of few epochs, so that graphs and plain steps stay close."""
    schedule = "one-cycle" if one.label != "two" else "constant"
    return one.model_copy(update={"fit": one.fit.model_copy(update={"precision": "float32", "schedule": schedule})})


@pytest.mark.gpu
@pytest.mark.parametrize("one", [*map(trial, RECIPES), two_tasks()], ids=lambda one: one.label)
def test_captured_epochs_are_plain_ones(one: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    captured = fit.carry_out(on_gpu(one), bench("cuda"))
    assert captured.choices["step"] == "CUDA graph"
    monkeypatch.setattr(fit, "can_capture", lambda balancer: False)
    plain = fit.carry_out(on_gpu(one), bench("cuda"))
    assert plain.choices["step"] == "autograd"
    np.testing.assert_allclose(
        captured.history["train_loss_digit" if one.label == "two" else "train_loss"][0],
        plain.history["train_loss_digit" if one.label == "two" else "train_loss"][0],
        rtol=0.02,
    )


@pytest.mark.gpu
def test_nets_side_by_side_are_those_one_by_one() -> None:
    ones = [on_gpu(trial("changed images", seed)) for seed in range(6)]
    found: dict[int, Outcome] = {}

    def lane(one: Fit) -> None:
        with torch.cuda.stream(torch.cuda.Stream()):
            found[one.seed] = fit.carry_out(one, bench("cuda"))

    lanes = [threading.Thread(target=lane, args=(one,)) for one in ones]
    for each in lanes:
        each.start()
    for each in lanes:
        each.join()
    for one in ones:
        alone = fit.carry_out(one, bench("cuda"))
        np.testing.assert_allclose(found[one.seed].history["train_loss"], alone.history["train_loss"], rtol=0.05)


@pytest.mark.usefixtures("as_on_a_gpu")
def test_stacks_are_timed_as_they_are_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    replays: list[object] = []
    replay = Replayed.replay
    monkeypatch.setattr(Replayed, "replay", lambda self: replays.append(replay(self)))
    monkeypatch.setattr(stacked, "can_capture", lambda balancer: True)
    monkeypatch.setattr(stacked, "MEASURE_S", 0.0)
    recipe = Recipe(epochs=1, batch=64, stacked=True, precision="float32")
    nets = [Fit(label="", data=DIGITS, seed=seed, net=MlpSettings(hidden=(16,)), fit=recipe) for seed in range(3)]
    group = stacked._gather(nets, bench())
    assert stacked._pays(group) in (True, False)
    assert len(replays) == (stacked.ROUNDS + 1) * (1 + stacked.ROUNDS), "each round: one of all, and several of one"


@pytest.mark.gpu
def test_a_captured_stack() -> None:
    recipe = Recipe(epochs=2, batch=64, rate=0.01, stacked=True, precision="float32")
    nets = [Fit(label="", data=DIGITS, seed=seed, net=MlpSettings(hidden=(16,)), fit=recipe) for seed in range(3)]
    for one, found in zip(nets, stacked.fit_stacked(nets, bench("cuda")), strict=True):
        assert not isinstance(found, TrialFailed)
        np.testing.assert_allclose(
            found.history["train_loss"], fit.carry_out(one, bench("cuda")).history["train_loss"], rtol=1e-3
        )


@pytest.mark.usefixtures("as_on_a_gpu")
def test_a_trial_s_memory_is_free_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without waiting for the garbage collector, which knows nothing of a GPU's memory."""
    made: list[weakref.ref[Replayed]] = []
    start = Replayed.__init__

    def init(self: Replayed, *given: object, **named: object) -> None:
        start(self, *given, **named)  # type: ignore[arg-type]
        made.append(weakref.ref(self))

    recipe = Recipe(epochs=1, batch=64, stacked=True)
    fit.carry_out(trial("pruned"), bench())  # compiles, which leaves cycles of frames
    monkeypatch.setattr(Replayed, "__init__", init)
    gc.collect()
    gc.disable()
    try:
        fit.carry_out(trial("pruned"), bench())
        stacked.fit_stacked(
            [Fit(label="", data=DIGITS, seed=k, net=MlpSettings(hidden=(16,)), fit=recipe) for k in range(2)], bench()
        )
        assert [ref() for ref in made] == [None, None]
    finally:
        gc.enable()
