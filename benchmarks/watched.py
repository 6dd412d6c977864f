"""A piece of work in a process of its own, whose memory is watched from outside.

What counts is anonymous memory: what a process holds beside files. Pages of files are the operating system's cache,
which it drops where memory is short. Linux alone tells the two apart (`RssAnon` in /proc/PID/status).
"""

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import psutil

EVERY_S = 0.02


class Watched(NamedTuple):
    found: Any
    """What the work returned."""
    peak_bytes: int
    """The most anonymous memory of the process and of those that it started, together."""
    seconds: float
    """From the start of the process to its answer."""


def watch(work: Callable[..., Any], *arguments: Any) -> Watched:
    """Call a function of a module, with arguments that can be pickled, in a fresh process. Raises RuntimeError where it
    ends without an answer."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(theirs, work, arguments))
    started, peak = time.perf_counter(), 0
    process.start()
    theirs.close()
    assert process.pid is not None
    while not ours.poll(EVERY_S):
        peak = max(peak, anonymous_bytes(process.pid))
    try:
        found = ours.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"{work.__name__} ended with exit code {process.exitcode} and no answer") from None
    seconds = time.perf_counter() - started
    process.join()
    return Watched(found, peak, seconds)


def anonymous_bytes(pid: int) -> int:
    """Of a process and all that it started; of those that have ended, none."""
    try:
        family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.Error:
        return 0
    return sum(map(_own_bytes, family))


def _own_bytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has just ended
        return 0
    return 1024 * sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:"))


def _answer(pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    pipe.send(work(*arguments))
