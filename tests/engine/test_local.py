"""The engine with real processes: failures stay with their trials, a dead worker is replaced."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from rungwise.chapters.projection.trial import ProjectionTrial
from rungwise.chapters.seeing.settings import Settings as Seeing
from rungwise.chapters.seeing.settings import trials as seeing_trials
from rungwise.data.settings import Data
from rungwise.engine import local
from rungwise.engine.engine import Event
from rungwise.engine.local import LocalEngine, default_workers
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.records.store import Store
from rungwise.training.settings import Fit, Recipe
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


FAULTY = """
from typing import ClassVar
from rungwise.trial import Outcome, Trial

class Faulty(Trial):
    work: ClassVar[str] = "faulty:carry_out"
    on_gpu: ClassVar[bool] = True

def carry_out(trial, bench):
    raise RuntimeError("CUDA error: an illegal memory access was encountered")
"""


def lanes(trials: list[Trial], store: Store, tell: Callable[[Event], None], workers: int) -> None:
    """As on a GPU: one process, a thread for each trial, and other processes for what has no use for a GPU."""
    engine = LocalEngine(device="cpu", workers=workers, offline=True)
    engine.lanes = True
    engine.run(trials, store, tell)


def test_trials_side_by_side_in_one_process(store: Store) -> None:
    nets = [fit("net", seed, epochs=40) for seed in range(4)]
    plane = ProjectionTrial(label="plane", data=DIGITS, seed=0, svm_iterations=1000)
    events: list[Event] = []
    lanes([*nets, plane], store, events.append, workers=3)
    assert set(ends(events).values()) == {"finished"}
    of_nets = [event.what for event in events if event.trial.on_gpu and event.what != "progress"]
    assert of_nets[:3] == ["started"] * 3
    assert store.load(nets[0].id).environment.workers == 3
    alone = Store(store.root / "alone").create()
    run([nets[0]], alone, workers=1)
    np.testing.assert_allclose(
        store.load(nets[0].id).history["train_loss"], alone.load(nets[0].id).history["train_loss"], rtol=1e-4
    )


def test_trials_of_a_process_that_was_killed_are_tried_one_by_one(store: Store) -> None:
    nets = [fit("net", seed, epochs=40) for seed in range(3)]
    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        if event.what == "progress" and not any(event.what == "progress" for event in events[:-1]):
            me = psutil.Process()
            for child in me.children(recursive=True):
                if child.ppid() != me.pid:
                    os.kill(child.pid, signal.SIGKILL)

    lanes(nets, store, tell, workers=3)
    assert ends(events) == {trial.id: "finished" for trial in nets}
    after = [event.what for event in events if event.what != "progress"][-6:]
    assert after == ["started", "finished"] * 3


def test_an_error_that_breaks_the_gpu_fails_its_own_trial(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faulty.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(tmp_path)
    import faulty  # type: ignore[import-not-found]

    bad, nets = faulty.Faulty(label="bad", data=DIGITS, seed=0), [fit("net", seed, epochs=20) for seed in range(3)]
    events: list[Event] = []
    lanes([nets[0], bad, *nets[1:]], store, events.append, workers=2)
    assert ends(events) == {bad.id: "failed", **{trial.id: "finished" for trial in nets}}
    error = store.failures({bad.id})[bad.id].error or ""
    assert "illegal memory access" in error
    assert "exit code 70" in error


def test_no_thread_is_waited_for_that_has_ended(store: Store) -> None:
    good, bad = fit("good", epochs=200), fit("bad", seed=1)
    (store.root / "locks" / bad.id).mkdir(parents=True)  # in the way
    events: list[Event] = []
    lanes([good, bad], store, events.append, workers=2)
    assert ends(events) == {good.id: "finished", bad.id: "failed"}
    assert "exit code 1" in (store.failures({bad.id})[bad.id].error or "")


def test_workers_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for memory, count in ((80, 8), (6, 3), (1, 1)):
        monkeypatch.setattr(local, "gpu_memory", lambda memory=memory: memory * 2**30)
        assert default_workers("cuda", 100) == count
    assert default_workers("cuda", 1) == 1
    assert default_workers("cpu", 1) == 1
    assert default_workers("cpu", 10_000) == default_workers("cpu", 100_000) >= 1


def test_workers_may_stay_from_one_run_to_the_next(store: Store) -> None:
    engine = LocalEngine(device="cpu", workers=2, offline=True)
    events: list[Event] = []
    with engine.staying(store) as hands:
        engine.run([fit("A")], store, events.append)
        first = [hand.process.pid for hand in hands]
        engine.run([fit("A", seed) for seed in range(3)], store, events.append)
        second = [hand.process.pid for hand in hands]
        assert (len(first), len(second), second[0]) == (1, 2, first[0])
        os.kill(first[0], signal.SIGKILL)
        hands[0].process.join(timeout=20)
        engine.run([fit("A", seed) for seed in range(5)], store, events.append)
        alive = [hand.process for hand in hands]
    assert "failed" not in {event.what for event in events}
    assert all(store.has(fit("A", seed).id) for seed in range(5))
    assert engine.hands is None
    assert not any(process.is_alive() for process in alive)
