"""The engine with real processes: failures stay with their trials, a dead worker is replaced."""

import os
import signal
from pathlib import Path

import numpy as np
import psutil
import pytest

from rungwise.chapters.seeing import Settings as Seeing
from rungwise.chapters.seeing import trials as seeing_trials
from rungwise.data.source import Data
from rungwise.engine.engine import Event
from rungwise.engine.local import LocalEngine, default_workers
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.records.store import Store
from rungwise.training.trial import Fit, Recipe
from rungwise.trial import Trial

DIGITS = Data(source="digits")


def fit(label: str, seed: int = 0, epochs: int = 1, rate: float = 1e-3) -> Fit:
    recipe = Recipe(epochs=epochs, batch=64, optimiser="sgd", rate=rate)
    return Fit(label=label, data=DIGITS, seed=seed, net=MlpSettings(hidden=(8,)), fit=recipe)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path).create()


def run(trials: list[Trial], store: Store, workers: int = 2) -> list[Event]:
    events: list[Event] = []
    LocalEngine(device="cpu", workers=workers, offline=True).run(trials, store, events.append)
    return events


def ends(events: list[Event]) -> dict[str, str]:
    return {event.trial.id: event.what for event in events if event.what in ("found", "finished", "failed")}


def test_trials_are_computed_once(store: Store) -> None:
    trials = [fit("A", seed) for seed in range(3)]
    assert set(ends(run(trials, store)).values()) == {"finished"}
    assert all(store.has(trial.id) for trial in trials)
    assert set(ends(run([*trials, fit("A", 3)], store)).values()) == {"found", "finished"}
    record = store.load(trials[0].id)
    assert record.environment.workers == 2
    assert record.data_sha256


def test_one_failure_leaves_the_others_alone(store: Store) -> None:
    bad, good = fit("bad", rate=1e30, epochs=2), fit("good")
    events = run([bad, good], store)
    assert ends(events) == {bad.id: "failed", good.id: "finished"}
    record = store.failures({bad.id})[bad.id]
    assert record.error is not None
    assert "at step" in record.error
    assert record.traceback is None, "a foreseen failure needs none"


def test_what_needs_a_failed_trial_fails_with_its_name(store: Store) -> None:
    broken = Recipe(epochs=1, optimiser="sgd", rate=1e30, batch=8)
    settings = Seeing(data=DIGITS, net=CnnSettings(filters=(2, 2)), fit=broken, classes=(2, 9))
    trials = list(seeing_trials(settings, (0,)))
    needs = [need for trial in trials for need in trial.needs]
    unique = list({trial.id: trial for trial in [*trials, *needs]}.values())
    events = run(unique, store)
    assert set(ends(events).values()) == {"failed"}
    assert any("which failed" in event.error for event in events)


def test_two_runs_give_the_same_bits(store: Store, tmp_path: Path) -> None:
    """Same trial, same machine: equal to the bit as long as each trial has as many threads."""
    other = Store(tmp_path / "other").create()
    trials = [fit("A", seed, epochs=2, rate=0.1) for seed in range(2)]
    for place in (store, other):
        run(trials, place)
    for trial in trials:
        one, two = store.load(trial.id), other.load(trial.id)
        assert one.history == two.history
        np.testing.assert_array_equal(one.weights["head.weight"], two.weights["head.weight"])


def test_a_worker_that_is_killed_fails_its_trial_only(store: Store) -> None:
    victim, others = fit("victim", epochs=100_000), [fit("other", seed) for seed in range(3)]
    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        if event.what == "progress" and event.trial == victim:
            me = psutil.Process()
            for child in me.children(recursive=True):
                if child.ppid() != me.pid:  # a worker: a child of the fork server
                    os.kill(child.pid, signal.SIGKILL)

    LocalEngine(device="cpu", workers=1, offline=True).run([victim, *others], store, tell)
    assert ends(events) == {victim.id: "failed", **{trial.id: "finished" for trial in others}}
    assert "killed by signal 9" in (store.failures({victim.id})[victim.id].error or "")


def test_workers_by_default() -> None:
    assert default_workers("cuda", 100) == 1
    assert default_workers("cpu", 1) == 1
    assert default_workers("cpu", 10_000) == default_workers("cpu", 100_000) >= 1
