"""Trials on this machine: worker processes, each with its share of the cores."""

import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from rungwise.engine import worker
from rungwise.engine.engine import Event
from rungwise.records.environment import cores, describe
from rungwise.records.store import Store
from rungwise.trial import Trial

THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PRELOAD = ["rungwise.engine.worker", "sklearn.datasets", "sklearn.decomposition", "sklearn.svm"]
RETRY_S = 0.5
"""How long to wait before asking again for a trial that another run is computing."""


def default_workers(device: str, trials: int) -> int:
    """One trial at a time on a GPU, else one per core: measured, two processes with one thread each fit CNN-1 about
    as fast as one with two, and small nets much faster. It depends on the machine and the study alone, not on what is
    left of it, so that a resumed study runs with as many threads per trial."""
    return 1 if device == "cuda" else max(1, min(cores(), trials))


@dataclass
class _Hand:
    """A worker process and what it is at."""

    process: BaseProcess
    pipe: Connection
    trials: dict[str, Trial] = field(default_factory=dict)
    """By id: what it was given and has not done yet."""


class LocalEngine:
    """Processes on this machine. A worker that dies takes its trial down as failed, and is replaced; of several that it
    was carrying out together, each is then tried by itself."""

    def __init__(self, *, device: str, workers: int, offline: bool = False) -> None:
        self.device, self.workers, self.offline = device, workers, offline
        self.threads = max(1, cores() // workers)
        # On Linux workers fork from a server that has loaded the libraries once and has started no thread of them. It
        # starts now, beside whatever comes before the run. Elsewhere each worker is a fresh interpreter.
        self.context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
        if sys.platform == "linux":
            self.context.set_forkserver_preload(PRELOAD)
            with _thread_settings(self.threads):
                forkserver.ensure_running()

    def run(self, trials: Sequence[Trial], store: Store, tell: Callable[[Event], None]) -> None:
        queue = _Queue(trials, store, tell, self.workers)
        if not queue.left():
            return
        hands: list[_Hand] = []
        try:
            with _thread_settings(self.threads):
                hands += [self._hire(store) for _ in range(min(self.workers, queue.left()))]
            while queue.left():
                self._give_out(hands, queue, store)
                busy = [hand for hand in hands if hand.trials]
                ready = wait([thing for hand in busy for thing in (hand.pipe, hand.process.sentinel)], RETRY_S)
                for hand in busy:
                    if hand.pipe in ready or hand.process.sentinel in ready:
                        self._hear(hand, queue, store)
        finally:
            for hand in hands:
                hand.process.terminate()
            for hand in hands:
                hand.process.join()

    def _hire(self, store: Store) -> _Hand:
        ours, theirs = self.context.Pipe()
        place = worker.Place(store, self.device, self.threads, self.workers, self.offline)
        process = self.context.Process(  # type: ignore[attr-defined]
            target=worker.main, args=(theirs, place), daemon=True
        )
        process.start()
        theirs.close()
        return _Hand(process, ours)

    def _give_out(self, hands: list[_Hand], queue: "_Queue", store: Store) -> None:
        for i, hand in enumerate(hands):
            if not hand.trials and (group := queue.next()):
                if not hand.process.is_alive():
                    with _thread_settings(self.threads):
                        hand = hands[i] = self._hire(store)
                hand.trials = {trial.id: trial for trial in group}
                try:
                    hand.pipe.send(group)
                except ConnectionError:  # it has died since it was last asked
                    self._bury(hand, queue, store)

    def _hear(self, hand: _Hand, queue: "_Queue", store: Store) -> None:
        try:
            name, what, values, error = hand.pipe.recv()
        except (EOFError, ConnectionError):  # the pipe is empty and its other end has died
            self._bury(hand, queue, store)
            return
        if queue.note(hand.trials[name], what, values, error):
            del hand.trials[name]

    def _bury(self, hand: _Hand, queue: "_Queue", store: Store) -> None:
        hand.process.join()
        code = hand.process.exitcode or 0
        how = (
            f"killed by signal {-code}, out of memory perhaps: try fewer --workers" if code < 0 else f"exit code {code}"
        )
        trials, hand.trials = list(hand.trials.values()), {}
        if len(trials) > 1:
            queue.part(trials)
            return
        (trial,) = trials
        error = f"the process that computed it died ({how})"
        store.fail(trial, error, describe(device=self.device, threads=self.threads, workers=self.workers))
        queue.note(trial, "failed", {}, error)


class _Queue:
    """What is still to be done, in order, and what has happened."""

    def __init__(self, trials: Sequence[Trial], store: Store, tell: Callable[[Event], None], workers: int) -> None:
        self.tell = tell
        self.store = store
        self.done: set[str] = set()
        self.failed: set[str] = set()
        self.waiting: list[Trial] = []
        self.running: set[str] = set()
        self.not_before: dict[str, float] = {}
        """When to ask again for a trial that another run is computing."""
        for trial in trials:
            if store.has(trial.id):
                self.note(trial, "found", {}, "")
            else:
                self.waiting.append(trial)
        self.kinds = {trial.id: trial.kind for trial in self.waiting if trial.most_together > 1}
        """Of the trials that others may be carried out together with."""
        self.share = {kind: -(-count // workers) for kind, count in Counter(self.kinds.values()).items()}
        """How many of a kind go together: so few that every worker has some."""

    def left(self) -> int:
        return len(self.waiting) + len(self.running)

    def next(self) -> list[Trial]:
        """The first trial whose needs are done, with others of its kind that may be carried out together with it;
        trials whose needs failed are told as failed on the way."""
        group: list[Trial] = []
        kind: str | None = None
        for trial in list(self.waiting):
            if group and self.kinds.get(trial.id) != kind:
                continue
            broken = next((need for need in trial.needs if need.id in self.failed), None)
            if broken is not None:
                self.waiting.remove(trial)
                self.failed.add(trial.id)
                self.tell(Event("failed", trial, error=f"it needs {broken.label} (seed {broken.seed}), which failed"))
            elif time.monotonic() > self.not_before.get(trial.id, 0) and self.done.issuperset(
                need.id for need in trial.needs
            ):
                self.waiting.remove(trial)
                self.running.add(trial.id)
                group.append(trial)
                kind = self.kinds.get(trial.id)
                if kind is None or len(group) == min(self.share[kind], trial.most_together):
                    break
        return group

    def part(self, trials: Sequence[Trial]) -> None:
        """Put trials of which one may have brought the worker down back, each to be tried by itself."""
        for trial in trials:
            self.running.discard(trial.id)
            del self.kinds[trial.id]
        self.waiting[:0] = trials

    def note(self, trial: Trial, what: str, values: Mapping[str, float], error: str) -> bool:
        """Take a worker's message; True where it was the last one about the trial."""
        if what in ("started", "progress"):
            self.tell(Event(what, trial, values))  # type: ignore[arg-type]
            return False
        self.running.discard(trial.id)
        if what == "busy":
            self.not_before[trial.id] = time.monotonic() + RETRY_S
            self.waiting.append(trial)
            return True
        (self.failed if what == "failed" else self.done).add(trial.id)
        self.tell(Event(what, trial, values, error))  # type: ignore[arg-type]
        return True


class _thread_settings:
    """Children that are started inside inherit these thread counts: libraries read them once, when they load."""

    def __init__(self, threads: int) -> None:
        self.threads, self.before = str(threads), {name: os.environ.get(name) for name in THREAD_SETTINGS}

    def __enter__(self) -> None:
        os.environ.update(dict.fromkeys(THREAD_SETTINGS, self.threads))

    def __exit__(self, *_: object) -> None:
        for name, value in self.before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
