"""Trials on this machine: worker processes, each with its share of the cores."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from rungwise.engine import worker
from rungwise.engine.engine import Event
from rungwise.engine.machine import gpu_memory
from rungwise.engine.processes import GUARD, NOT_GUARDED, ScriptError, needs_script, start_server, starting
from rungwise.engine.queue import RETRY_S, Queue
from rungwise.records.environment import cores, environment_here
from rungwise.records.store import Store
from rungwise.trial import Trial

LANES, LANE_BYTES = 8, 2 * 2**30
"""Trials side by side on a GPU, and the memory that each may want. Measured on an H200: eight nets together took 2.1 to
3.5 times as many steps per second as one, and twelve no more (docs/performance.md)."""


def default_workers(device: str, trials: int) -> int:
    """On a GPU `LANES` trials side by side, as far as its memory goes, else one per core: measured, two processes with
    one thread each fit CNN-1 about as fast as one with two, and small nets much faster. It depends on the machine and
    the study alone, not on what is left of it, so that a resumed study runs with as many threads per trial."""
    most = min(LANES, (gpu_memory() or LANES * LANE_BYTES) // LANE_BYTES) if device == "cuda" else cores()
    return max(1, min(most, trials))


def threads_each(workers: int) -> int:
    """Threads of one of so many workers."""
    return max(1, cores() // workers)


@dataclass
class _Hand:
    """A worker process, or one of a process on the GPU that several trials go through, and what it is at."""

    process: BaseProcess
    pipe: Connection
    on_gpu: bool
    trials: dict[str, Trial] = field(default_factory=dict)
    """By id: what it was given and has not done yet."""
    last_words: str = ""
    """Why its process is about to end."""


class LocalEngine:
    """Processes on this machine. Where there is a GPU, one process carries out several trials at a time on it, and
    others those that have no use for it.

    A process that dies takes its trial down as failed, and is replaced; of several that it was carrying out, each is
    then tried by itself. A folder of records that cannot be written to, as on a full disk, ends the run: `run` raises
    OSError, which names it.
    """

    def __init__(self, *, device: str, workers: int, offline: bool = False) -> None:
        self.device, self.workers, self.offline = device, workers, offline
        self.threads = threads_each(workers)
        self.lanes = device == "cuda"
        """Whether there is a process on the GPU."""
        self.helpers = max(1, cores() // self.threads - 1)
        """Processes beside it."""
        self.context = start_server(self.threads)
        self.apart = True
        """Whether workers do without the user's script."""
        self.hands: list[_Hand] | None = None
        """Those that stay; None where each run has its own."""

    def run(self, trials: Sequence[Trial], store: Store, tell: Callable[[Event], None]) -> None:
        queue = Queue(trials, store, tell, self._beside)
        if not queue.left():
            return
        self.apart = not needs_script(queue.waiting)
        with self.staying(store) as hands:
            self._staff(hands, queue.waiting, store)
            while queue.left():
                self._give_out(hands, queue, store)
                busy = [hand for hand in hands if hand.trials]
                ready = wait({thing for hand in busy for thing in (hand.pipe, hand.process.sentinel)}, RETRY_S)
                for hand in busy:
                    if hand.trials and (hand.pipe in ready or hand.process.sentinel in ready):
                        self._hear(hand, hands, queue, store)

    @contextmanager
    def staying(self, store: Store) -> Iterator[list[_Hand]]:
        """Workers stay from one `run` to the next inside: they start but once. `store`: where they keep records."""
        if self.hands is not None:
            yield self.hands
            return
        hands = self.hands = []
        try:
            yield hands
        finally:
            self.hands = None
            for hand in hands:
                hand.process.kill()
            for hand in hands:
                hand.process.join()
            with contextlib.suppress(OSError):
                store.sweep()

    def _staff(self, hands: list[_Hand], trials: Sequence[Trial], store: Store) -> None:
        """Hire those that so many trials need beside those that are there."""
        for on_gpu in (True, False):
            waiting = [trial for trial in trials if self._goes(trial) == on_gpu]
            if not waiting:
                continue
            have = sum(hand.on_gpu == on_gpu for hand in hands)
            count = min(self._beside(waiting[0]), len(waiting)) - have
            for lanes in [count] * (have == 0) if on_gpu else [1] * count:  # on a GPU one process has all lanes
                hands += self._hire(store, on_gpu, lanes)

    def _goes(self, trial: Trial) -> bool:
        """Whether a trial goes to the process on the GPU."""
        return self.lanes and trial.on_gpu

    def _beside(self, trial: Trial) -> int:
        """How many trials like this one are carried out at the same time."""
        return self.workers if trial.on_gpu or not self.lanes else self.helpers

    def _hire(self, store: Store, on_gpu: bool, lanes: int) -> list[_Hand]:
        """A new process, with as many hands as it has lanes."""
        pipes = [self.context.Pipe() for _ in range(lanes)]
        device, workers = ("cpu", self.helpers) if self.lanes and not on_gpu else (self.device, self.workers)
        place = worker.Workplace(store, device, self.threads, workers, self.offline)
        process = self.context.Process(  # type: ignore[attr-defined]
            target=worker.main, args=([theirs for _, theirs in pipes], place), daemon=True
        )
        with starting(self.threads, apart=self.apart):
            process.start()
        for _, theirs in pipes:
            theirs.close()
        return [_Hand(process, ours, on_gpu) for ours, _ in pipes]

    def _give_out(self, hands: list[_Hand], queue: "Queue", store: Store) -> None:
        for i, hand in enumerate(hands):
            same = [k for k, other in enumerate(hands) if other.process is hand.process]
            dead = not hand.process.is_alive()
            if hand.trials or (dead and any(hands[k].trials for k in same)):  # what it had is heard first
                continue
            group = queue.next(lambda trial, hand=hand: self._suits(trial, hand, hands, queue))  # type: ignore[misc]
            if not group:
                continue
            if dead:
                for k, new in zip(same, self._hire(store, hand.on_gpu, len(same)), strict=True):
                    hands[k] = new
                hand = hands[i]
            hand.trials = {trial.id: trial for trial in group}
            try:
                hand.pipe.send(group)
            except ConnectionError:  # it has died since it was last asked
                self._bury(hand, hands, queue, store)

    def _suits(self, trial: Trial, hand: _Hand, hands: Sequence[_Hand], queue: "Queue") -> bool:
        """Whether a hand may be given a trial now: those to be tried by themselves have a process to themselves."""
        if self._goes(trial) != hand.on_gpu:
            return False
        others = [other for other in hands if other.process is hand.process and other.trials]
        return not others or not (queue.alone or trial.id in queue.alone)

    def _hear(self, hand: _Hand, hands: list[_Hand], queue: "Queue", store: Store) -> None:
        try:
            self._note(hand, queue)
        except (EOFError, ConnectionError):  # the pipe is empty and its other end has died
            self._bury(hand, hands, queue, store)

    def _note(self, hand: _Hand, queue: "Queue") -> None:
        name, what, values, error = hand.pipe.recv()
        if what == "broken":
            hand.last_words = error
        elif what == "unwritable":
            number = int(values["errno"])
            raise OSError(number, os.strerror(number), error)
        elif queue.note(hand.trials[name], what, values, error):
            del hand.trials[name]

    def _bury(self, dead: _Hand, hands: Sequence[_Hand], queue: "Queue", store: Store) -> None:
        dead.process.join()
        lost: list[Trial] = []
        for hand in hands:
            if hand.process is dead.process:
                with contextlib.suppress(EOFError, ConnectionError):
                    while hand.trials and hand.pipe.poll():
                        self._note(hand, queue)
                lost += hand.trials.values()
                hand.trials = {}
        code = dead.process.exitcode or 0
        if code == NOT_GUARDED:
            raise ScriptError(GUARD) from None
        how = (
            f"killed by signal {-code}, out of memory perhaps: try fewer --workers" if code < 0 else f"exit code {code}"
        )
        if len(lost) > 1:
            queue.part(lost)
            return
        for trial in lost:
            if store.has(trial.id):  # it died after it had saved the record, before it said so
                queue.note(trial, "finished", store.load(trial.id).summary, "")
                continue
            words = next(
                (f": {hand.last_words}" for hand in hands if hand.process is dead.process and hand.last_words), ""
            )
            error = f"the process that computed it died ({how}){words}"
            device = self.device if self._goes(trial) else "cpu"
            environment = environment_here(device=device, threads=self.threads, workers=self._beside(trial))
            store.fail(trial, error, environment)
            queue.note(trial, "failed", {}, error)
