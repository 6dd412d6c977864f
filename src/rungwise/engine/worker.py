"""One process that carries out trials, one group after the other, as they come down a pipe; on a GPU several side by
side, each in a thread, on a stream and with a pipe of its own: one small net alone leaves most of a GPU idle.
"""

import errno
import gc
import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait

import torch
from filelock import Timeout

from rungwise.bench import Bench
from rungwise.data.images import Dataset, Split
from rungwise.data.load import load
from rungwise.data.settings import Data
from rungwise.data.split import split
from rungwise.engine.allocator import keep_freed_memory
from rungwise.engine.processes import ignore_signals
from rungwise.records.code import code_of
from rungwise.records.environment import Others, environment_here
from rungwise.records.record import Environment
from rungwise.records.store import Store
from rungwise.training.precision import keep_float32
from rungwise.trial import Outcome, Trial, TrialFailed
from rungwise.works import find_work

Message = tuple[str, str, Mapping[str, float], str]
"""(trial id, what, values, error); what is an `Event`'s, "busy" where another run is computing the trial, "broken"
where the error leaves the GPU unusable to this process, which then ends, or "unwritable" where no record can be kept:
values has the system's ``errno``, error the path."""
BROKEN = 70
"""Its exit code then."""
NOT_THE_TRIAL = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EIO", "ENOENT", "EMFILE", "ENFILE", "ESTALE")
    if hasattr(errno, name)
}
"""Errors of a folder of records that all further trials would meet, too: there is no room, no access, no folder."""
Tell = Callable[[Message], None]
_loading = threading.Lock()


@dataclass(frozen=True)
class Workplace:
    """Where a worker works."""

    store: Store
    device: str
    threads: int
    workers: int
    offline: bool


def main(pipes: Sequence[Connection], place: Workplace) -> None:
    """Receive groups of trials from each pipe until None or the end of the parent; answer with messages on each."""
    ignore_signals()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    multiprocessing.set_start_method("spawn", force=True)  # else numba takes a lock that outlives a worker
    keep_freed_memory()
    keep_float32()
    torch.set_num_threads(place.threads)
    gc.freeze()  # libraries stay: they need not be looked through for what can go
    datasets: dict[str, Dataset] = {}
    lanes = [threading.Thread(target=_serve, args=(pipe, place, datasets), daemon=True) for pipe in pipes[1:]]
    for lane in lanes:
        lane.start()
    _serve(pipes[0], place, datasets)
    for lane in lanes:
        lane.join()


def _serve(pipe: Connection, place: Workplace, datasets: dict[str, Dataset]) -> None:
    try:
        with torch.cuda.stream(torch.cuda.Stream()) if place.device == "cuda" else nullcontext():  # type: ignore[no-untyped-call]
            while (trials := pipe.recv()) is not None:
                try:
                    carry_out(trials, place, datasets, pipe.send)
                except OSError as error:
                    if error.errno not in NOT_THE_TRIAL:
                        raise
                    where = str(error.filename or place.store.root)
                    pipe.send((trials[0].id, "unwritable", {"errno": error.errno}, where))
                # Compiling leaves cycles of errors and frames, by which a trial's net outlived it.
                gc.collect()
    except (EOFError, ConnectionError):  # the parent has gone, and nobody is left to be told
        os._exit(1)
    except Exception:  # a thread that ended alone would be waited for without end
        traceback.print_exc()
        os._exit(1)


def carry_out(trials: Sequence[Trial], place: Workplace, datasets: dict[str, Dataset], tell: Tell) -> None:
    """Carry out trials that are alike but for their seeds and keep their records.

    Those that another run has done, or is at, are left to it. Where the rest cannot be carried out together, each is
    carried out by itself, so that one trial's fault is its own.
    """
    with ExitStack() as locks:
        free = []
        for trial in trials:
            try:
                locks.enter_context(place.store.lock(trial.id).acquire(blocking=False))
            except Timeout:
                tell((trial.id, "busy", {}, ""))
                continue
            if place.store.has(trial.id):
                tell((trial.id, "found", {}, ""))
            else:
                free.append(trial)
        why = _Attempt(free, place, datasets, tell).together() if len(free) > 1 else ""
        if why is not None:
            for trial in free:
                _Attempt([trial], place, datasets, tell).alone(why)


class _Attempt:
    """One computation, of one trial or of several as one, and what it leaves."""

    def __init__(self, trials: Sequence[Trial], place: Workplace, datasets: dict[str, Dataset], tell: Tell) -> None:
        self.trials, self.place, self.datasets, self.tell = trials, place, datasets, tell
        self.digests: dict[str, str] = {}
        self.others = Others()
        tell((trials[0].id, "started", {"beside": len(trials) - 1}, ""))

    def together(self) -> str | None:
        """Carry out all trials as one; where that is not to be, nothing is kept, and the answer is why: "" where it is
        by choice."""
        try:
            results = find_work(self.trials[0].together)(self.trials, self._bench())
        except Exception as error:  # perhaps one trial's fault: by itself it will tell
            return f"{type(error).__name__}: {error}"
        if results is None:
            return ""
        for trial, result in zip(self.trials, results, strict=True):
            self._keep(trial, result, str(len(self.trials)))
        return None

    def alone(self, why: str) -> None:
        """Carry out the only trial; `why` it is not carried out with others, if that was not by choice."""
        (trial,) = self.trials
        try:
            result = find_work(trial.work)(trial, self._bench())
        except TrialFailed as failure:
            result = failure
        except Exception as error:  # whatever one trial does, the study goes on
            text = f"{type(error).__name__}: {error}"
            if _breaks_gpu(error):
                self.tell((trial.id, "broken", {}, text))
                os._exit(BROKEN)
            if isinstance(error, torch.OutOfMemoryError):
                text += " Try fewer --workers."
            self._fail(trial, text, traceback.format_exc())
            return
        self._keep(trial, result, f"1, after {why}" if why else "1")

    def _bench(self) -> Bench:
        def read(data: Data, seed: int) -> Split:
            with _loading:
                if data.key not in self.datasets:
                    self.datasets[data.key] = load(data, offline=self.place.offline)
            self.digests.update(self.datasets[data.key].sha256)
            return split(self.datasets[data.key], data, seed)

        return Bench(
            device=self.place.device,
            split=read,
            records=self.place.store.load_all({need.id for trial in self.trials for need in trial.needs}),
            progress=lambda values: self.tell((self.trials[0].id, "progress", dict(values), "")),
        )

    def _keep(self, trial: Trial, result: Outcome | TrialFailed, together: str) -> None:
        if isinstance(result, TrialFailed):
            self._fail(trial, str(result))
            return
        if trial.most_together > 1:
            result.choices["together"] = together
        try:
            self.place.store.save(trial, result, self._environment(trial), self.digests)
        except Exception as error:
            if isinstance(error, OSError) and error.errno in NOT_THE_TRIAL:
                raise
            self._fail(trial, f"{type(error).__name__}: {error}", traceback.format_exc())
            return
        self.tell((trial.id, "finished", result.summary, ""))

    def _fail(self, trial: Trial, error: str, trace: str | None = None) -> None:
        self.place.store.fail(trial, error, self._environment(trial), trace)
        self.tell((trial.id, "failed", {}, error))

    def _environment(self, trial: Trial) -> Environment:
        place = self.place
        return environment_here(
            device=place.device,
            threads=place.threads,
            workers=place.workers,
            others=self.others.share(),
            code=code_of(trial),
        )


def _breaks_gpu(error: Exception) -> bool:
    """Whether nothing more can be done on the GPU by this process: CUDA's errors stay."""
    return "CUDA error" in str(error) and not isinstance(error, torch.OutOfMemoryError)


def _die_with_parent() -> None:
    """A killed run leaves no worker behind that computes on."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
