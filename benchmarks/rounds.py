"""Peers in turn: each has a process of its own, and only one of them works at a time."""

import contextlib
import multiprocessing
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks import child
from benchmarks.child import End, Epoch, Failed, Missing, Ready
from benchmarks.machine import Rates
from benchmarks.peers import Peer
from benchmarks.work import Result, Work

PATIENCE_S = 900.0
"""How long one turn may take."""
GRACE_S = 5.0
"""How long a process may take to end by itself."""
PAUSE_S = 0.3
"""Before each turn on a CPU: threads of what has worked wait for more work by spinning, for up to .2 s."""


@dataclass
class Run:
    """What became of one peer's work."""

    peer: Peer
    import_s: float = 0.0
    first_s: float = 0.0
    """Net, compilation and first epoch."""
    warm_s: list[float] = field(default_factory=list)
    """The epochs between the first and the last, one per round."""
    last_s: float = 0.0
    """The last epoch and the test predictions."""
    losses: list[float] = field(default_factory=list)
    """Mean training loss of each epoch."""
    rates: list[Rates] = field(default_factory=list)
    """What the machine did just before each of `warm_s`."""
    result: Result | None = None
    threads: dict[str, int] = field(default_factory=dict)
    error: str = ""
    """Why there are no numbers; then the peer is out for the rest of the work."""
    trace: str = ""


class Child:
    """The process of one peer. One that has died is started anew by the next work."""

    def __init__(self, peer: Peer, threads: int, patience_s: float = PATIENCE_S, device: str = "cpu") -> None:
        self.peer, self.threads, self.patience_s, self.device = peer, threads, patience_s, device
        self.process: Any = None
        self.ready: Ready | Missing | Failed | None = None

    def start(self) -> Ready | Missing | Failed:
        """Wait until the peer has imported what it needs. One whose library is missing is not tried again."""
        if isinstance(self.ready, Missing) or (self.process is not None and self.process.is_alive()):
            assert self.ready is not None
            return self.ready
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=child.main, args=(theirs, self.peer, self.threads, self.device), daemon=True
        )
        self.process.start()
        theirs.close()
        self.ready = self._answer()
        return self.ready

    def ask(self, message: object) -> Any:
        """Give the turn to the peer, with a work or, within one, with anything; its answer."""
        try:
            self.pipe.send(message)
        except OSError:
            return self._ended()
        return self._answer()

    def _answer(self) -> Any:
        try:
            if self.pipe.poll(self.patience_s):
                return self.pipe.recv()
        except (EOFError, OSError):
            return self._ended()
        self.stop()
        return Failed(f"no answer within {self.patience_s:g} s")

    def _ended(self) -> Failed:
        self.process.join(10)
        return Failed(f"the process ended by itself (exit code {self.process.exitcode})")

    def stop(self) -> None:
        """End the process: by itself where it waits for a work, by force where it does not within some seconds."""
        if self.process is None or not self.process.is_alive():
            return
        with contextlib.suppress(OSError):
            self.pipe.send(None)
        self.process.join(GRACE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def measure(
    work: Work,
    children: Sequence[Child],
    yardstick: Callable[[], Rates],
    tell: Callable[[str], None] = lambda _: None,
) -> list[Run]:
    """All peers fit the work, an epoch each in turn, in another order in each round; before each warm one the machine
    is measured."""
    runs = [Run(peer.peer) for peer in children]
    order = list(zip(runs, children, strict=True))
    for epoch in range(work.epochs):
        if epoch:
            tell(f"epoch {epoch + 1} of {work.epochs}")
            random.Random(epoch).shuffle(order)
        for run, peer in order:
            if run.error:
                continue
            if 0 < epoch < work.epochs - 1:
                run.rates.append(yardstick())
            if work.device == "cpu":
                time.sleep(PAUSE_S)
            if epoch:
                _note(run, epoch, peer.ask("go"))
            else:
                tell(f"epoch 1 of {work.epochs}, {run.peer.title}")
                ready = peer.start()
                run.import_s = ready.import_s if isinstance(ready, Ready) else 0.0
                _note(run, epoch, peer.ask(work) if isinstance(ready, Ready) else ready)
    return runs


def _note(run: Run, epoch: int, answer: Any) -> None:
    match answer:
        case Epoch(seconds, loss):
            run.losses.append(loss)
            if epoch:
                run.warm_s.append(seconds)
            else:
                run.first_s = seconds
        case End(seconds, loss, result, threads):
            run.losses.append(loss)
            run.last_s, run.result, run.threads = seconds, result, threads
        case Missing(library):
            run.error = f"not installed: {library}" + (f" (`{run.peer.install}`)" if run.peer.install else "")
        case Failed(error, trace):
            run.error, run.trace = error, trace
