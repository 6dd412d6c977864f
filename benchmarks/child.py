"""The process of one peer: it fits what comes down the pipe, an epoch whenever it is asked.

Nothing but the standard library is imported here: how many threads a library uses is read when it is loaded.
"""

import gc
import importlib
import os
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.peers import Peer


@dataclass(frozen=True)
class Ready:
    import_s: float


@dataclass(frozen=True)
class Missing:
    """A library that the peer needs is not installed."""

    library: str


@dataclass(frozen=True)
class Failed:
    error: str
    trace: str = ""


@dataclass(frozen=True)
class Epoch:
    seconds: float
    loss: float


@dataclass(frozen=True)
class End:
    """The last epoch, timed on to the test predictions."""

    seconds: float
    loss: float
    result: Any
    """A `work.Result`."""
    threads: dict[str, int]
    """Of each thread pool in the process, as far as threadpoolctl knows them."""


def environment(threads: int) -> dict[str, str]:
    """The same for every peer. How long threads spin before they sleep is left to each library."""
    pools = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")
    counts = {f"{pool}_NUM_THREADS": str(threads) for pool in pools}
    return {**counts, "NPROC": str(threads)}  # XLA reads NPROC


def visible(device: str) -> dict[str, str]:
    """So that a library that would take a GPU by itself does not for a work on the processor, and on a GPU leaves its
    memory to others."""
    return {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"} if device == "cuda" else {"CUDA_VISIBLE_DEVICES": ""}


def main(pipe: Connection, peer: Peer, threads: int, device: str = "cpu") -> None:
    """Receive works until None or the end of the parent."""
    os.environ |= environment(threads) | visible(device) | peer.environment
    _silence()
    started = time.perf_counter()
    try:
        module = importlib.import_module(peer.module)
    except ModuleNotFoundError as error:
        pipe.send(Missing(error.name or str(error)))
        return
    except Exception as error:
        pipe.send(_failed(error))
        return
    pipe.send(Ready(time.perf_counter() - started))
    try:
        while (work := pipe.recv()) is not None:
            pipe.send(_fit(module, work, pipe))
            del work
            gc.collect()
    except (EOFError, KeyboardInterrupt):
        return


def _fit(module: Any, work: Any, pipe: Connection) -> End | Failed:
    pace = TurnByTurn(pipe, work.epochs)
    try:
        result = module.fit(work, pace)
        pace.stop()
        if len(pace.losses) != work.epochs:
            raise RuntimeError(f"{len(pace.losses)} epochs were fitted instead of {work.epochs}")
    except (EOFError, KeyboardInterrupt):
        raise
    except Exception as error:
        return _failed(error)
    return End(pace.last_s, pace.losses[-1], result, _threads())


class TurnByTurn:
    """The pace of a child: it tells the time of each epoch, and waits for the next turn. See `work.Pace`."""

    def __init__(self, pipe: Connection, epochs: int) -> None:
        self.pipe, self.epochs = pipe, epochs
        self.losses: list[float] = []
        self.last_s = 0.0
        self.since = time.perf_counter()

    def epoch(self, loss: float) -> None:
        seconds = time.perf_counter() - self.since
        self.losses.append(float(loss))
        if len(self.losses) < self.epochs:
            self.pipe.send(Epoch(seconds, self.losses[-1]))
            self.pipe.recv()
            self.since = time.perf_counter()

    def stop(self) -> None:
        self.last_s = self.last_s or time.perf_counter() - self.since


def _failed(error: Exception) -> Failed:
    named = type(error).__name__ == "Unavailable"
    text = str(error) if named else f"{type(error).__name__}: {error}"
    return Failed(text, "" if named else traceback.format_exc())


def _silence() -> None:
    """Progress bars and warnings of the libraries go nowhere; errors go down the pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _threads() -> dict[str, int]:
    try:
        from threadpoolctl import threadpool_info
    except ModuleNotFoundError:
        return {}
    return {f"{pool['internal_api']} {pool['prefix']}": pool["num_threads"] for pool in threadpool_info()}
