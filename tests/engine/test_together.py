"""Trials that are alike but for their seeds, carried out together: every fault stays with its own trial."""

import os
import signal
from pathlib import Path

import psutil
import pytest
import torch

from rungwise.bench import Bench
from rungwise.data.settings import Data
from rungwise.engine import worker
from rungwise.engine.engine import Event
from rungwise.engine.local import LocalEngine
from rungwise.engine.queue import Queue
from rungwise.models.mlp import MlpSettings
from rungwise.records.store import Store
from rungwise.training import fit, stacked
from rungwise.training.settings import Fit, Recipe
from rungwise.trial import Outcome, Trial, TrialFailed


def net(seed: int, epochs: int = 1, **recipe: object) -> Fit:
    settings = Recipe(**({"epochs": epochs, "precision": "float32", "stacked": True} | recipe))  # type: ignore[arg-type]
    return Fit(label="net", data=Data(source="digits"), seed=seed, net=MlpSettings(hidden=(8,)), fit=settings)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path).create()


def run(trials: list[Fit], store: Store, workers: int = 1) -> list[Event]:
    events: list[Event] = []
    LocalEngine(device="cpu", workers=workers, offline=True).run(trials, store, events.append)
    return events


def ends(events: list[Event]) -> dict[int, str]:
    return {event.trial.seed: event.what for event in events if event.what in ("found", "finished", "failed")}


def together(store: Store, trials: list[Fit]) -> list[str]:
    return [store.load(trial.id).choices["together"] for trial in trials]


# With real worker processes ------------------------------------------------------------------------------------


def test_a_group_gives_the_records_that_one_by_one_gives(store: Store, tmp_path: Path) -> None:
    trials = [net(seed, epochs=2) for seed in range(4)]
    assert ends(run(trials, store, workers=2)) == dict.fromkeys(range(4), "finished")
    assert set(together(store, trials)) <= {"2", "1"}, "what the clock says on this machine"
    alone = Store(tmp_path / "alone").create()
    run([net(seed, epochs=2, stacked=False) for seed in range(4)], alone, workers=2)
    for seed, trial in enumerate(trials):
        one, other = alone.load(net(seed, epochs=2, stacked=False).id), store.load(trial.id)
        assert other.history["train_loss"] == pytest.approx(one.history["train_loss"], rel=1e-5)
        assert other.summary["test_accuracy"] == pytest.approx(one.summary["test_accuracy"], abs=1 / 449)
        assert other.data_sha256 == one.data_sha256
        assert "together" not in one.choices


def test_one_whose_record_cannot_be_written_fails_alone(store: Store) -> None:
    trials = [net(seed) for seed in range(3)]
    (store.root / "partial" / trials[1].id).write_text("in the way")
    assert ends(run(trials, store)) == {0: "finished", 1: "failed", 2: "finished"}
    assert "FileExistsError" in (store.failures({trials[1].id})[trials[1].id].error or "")


def test_one_that_another_run_is_at_is_left_to_it(store: Store) -> None:
    trials = [net(seed) for seed in range(3)]
    lock = store.lock(trials[0].id)
    lock.acquire()
    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        if set(ends(events)) == {1, 2}:
            lock.release()  # the other run has given up

    LocalEngine(device="cpu", workers=1, offline=True).run(trials, store, tell)
    assert ends(events) == dict.fromkeys(range(3), "finished")
    assert list(ends(events)) == [1, 2, 0]
    assert together(store, trials)[0] == "1"


def test_a_killed_worker_s_trials_are_tried_each_by_itself(store: Store) -> None:
    trials = [net(seed, epochs=30) for seed in range(4)]
    events: list[Event] = []

    def tell(event: Event) -> None:
        if event.what == "progress" and not any(event.what == "progress" for event in events):
            me = psutil.Process()
            for child in me.children(recursive=True):
                if child.ppid() != me.pid:  # a worker: a child of the fork server
                    os.kill(child.pid, signal.SIGKILL)
        events.append(event)

    LocalEngine(device="cpu", workers=2, offline=True).run(trials, store, tell)
    assert ends(events) == dict.fromkeys(range(4), "finished")
    assert "1" in together(store, trials)
    assert len({event.trial.seed for event in events if event.what == "started"}) > 2, "not two groups of two alone"


# In this process, where the clock and the work can be set ------------------------------------------------------


def carry_out(trials: list[Fit], store: Store) -> list[worker.Message]:
    told: list[worker.Message] = []
    worker.carry_out(trials, worker.Workplace(store, "cpu", 1, 1, True), {}, told.append)
    return [message for message in told if message[1] != "progress"]


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stacks are faster, whatever the clock says."""
    monkeypatch.setattr(stacked, "_pays", lambda group: True)


@pytest.mark.usefixtures("always")
def test_a_record_that_is_there_is_left_alone(store: Store) -> None:
    trials = [net(seed) for seed in range(3)]
    carry_out(trials[1:2], store)
    told = carry_out(trials, store)
    assert [(name, what) for name, what, _, _ in told] == [
        (trials[1].id, "found"),
        (trials[0].id, "started"),
        (trials[0].id, "finished"),
        (trials[2].id, "finished"),
    ]
    assert told[1][2] == {"beside": 1}
    assert together(store, trials) == ["2", "1", "2"]


@pytest.mark.usefixtures("always")
def test_no_lock_outlives_the_group(store: Store) -> None:
    trials = [net(seed) for seed in range(2)]
    carry_out(trials, store)
    for trial in trials:
        store.lock(trial.id).acquire(blocking=False).lock.release()


def test_where_one_by_one_is_faster_it_is_one_by_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacked, "_pays", lambda group: False)
    trials = [net(seed) for seed in range(2)]
    told = carry_out(trials, store)
    assert [what for _, what, _, _ in told] == ["started", "started", "finished", "started", "finished"]
    assert together(store, trials) == ["1", "1"]


def test_what_fails_together_is_tried_one_by_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def joint(trials: list[Fit], bench: Bench) -> list[Outcome]:
        raise MemoryError("too many")

    alone = fit.carry_out

    def one(trial: Fit, bench: Bench) -> Outcome:
        if trial.seed == 1:
            raise ZeroDivisionError("seed 1")
        return alone(trial, bench)

    monkeypatch.setattr(stacked, "fit_many", joint)
    monkeypatch.setattr(fit, "carry_out", one)
    trials = [net(seed) for seed in range(3)]
    told = carry_out(trials, store)
    assert [what for _, what, _, _ in told if what != "started"] == ["finished", "failed", "finished"]
    assert together(store, [trials[0], trials[2]]) == ["1, after MemoryError: too many"] * 2
    failure = store.failures({trials[1].id})[trials[1].id]
    assert failure.error == "ZeroDivisionError: seed 1"
    assert "in one" in (failure.traceback or "")


def test_too_little_memory_on_a_gpu_is_told_with_what_to_do(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(trial: Fit, bench: Bench) -> Outcome:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(fit, "carry_out", full)
    trial = net(0)
    assert [what for _, what, _, _ in carry_out([trial], store)] == ["started", "failed"]
    error = store.failures({trial.id})[trial.id].error
    assert error == "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. Try fewer --workers."


def test_one_that_fails_within_the_group_fails_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def joint(trials: list[Fit], bench: Bench) -> list[Outcome | TrialFailed]:
        return [TrialFailed("the loss") if trial.seed == 1 else Outcome({"seed": trial.seed}) for trial in trials]

    monkeypatch.setattr(stacked, "fit_many", joint)
    trials = [net(seed) for seed in range(3)]
    told = carry_out(trials, store)
    assert [what for _, what, _, _ in told] == ["started", "finished", "failed", "finished"]
    assert [store.load(trial.id).summary["seed"] for trial in (trials[0], trials[2])] == [0, 2]
    record = store.failures({trials[1].id})[trials[1].id]
    assert (record.error, record.traceback) == ("the loss", None)


# Who goes with whom --------------------------------------------------------------------------------------------


def groups(trials: list[Fit], store: Store, workers: int) -> list[list[Trial]]:
    queue = Queue(trials, store, lambda event: None, lambda trial: workers)
    return list(iter(queue.next, []))


@pytest.mark.parametrize(
    ("count", "workers", "sizes"), [(8, 1, [8]), (5, 2, [3, 2]), (3, 4, [1, 1, 1]), (70, 1, [64, 6]), (9, 4, [3, 3, 3])]
)
def test_every_worker_has_work(count: int, workers: int, sizes: list[int], store: Store) -> None:
    assert [len(group) for group in groups([net(seed) for seed in range(count)], store, workers)] == sizes


def test_only_those_alike_but_for_the_seed_go_together(store: Store) -> None:
    trials = [trial for seed in range(2) for trial in (net(seed), net(seed, epochs=2), net(seed, stacked=False))]
    found = groups(trials, store, 1)
    assert [[trial.seed for trial in group] for group in found] == [[0, 1], [0, 1], [0], [1]]
    assert [len({trial.kind for trial in group}) for group in found] == [1] * 4
