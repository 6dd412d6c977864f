"""How worker processes are started: what they inherit, and what they do not."""

import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext
from types import ModuleType

from rungwise.errors import UserError
from rungwise.trial import Trial

THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PRELOAD = ["rungwise.engine.worker", "sklearn.datasets", "sklearn.decomposition", "sklearn.svm"]
SIGNALS = [n for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if (n := getattr(signal, name, None)) is not None]
"""What a terminal or a scheduler sends to all processes of a run: what it means, the parent decides."""
NOT_GUARDED = 71
"""The exit code of a worker that ran the user's script from its start, as far as `run_study`."""
GUARD = """the call of run_study must stand below `if __name__ == "__main__":`, because workers import this script:

    if __name__ == "__main__":
        run_study(...)"""


class ScriptError(UserError, RuntimeError):
    """A script starts a run in a way that its workers would repeat."""


def refuse_repeated_script() -> None:
    """End a worker that imports a script which calls `run_study` as it is imported: the script would run for ever."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(NOT_GUARDED)


def start_server(threads: int) -> BaseContext:
    """The context to start workers from.

    On Linux they fork from a server that has loaded the libraries once and has started no thread of them. It starts
    now, beside whatever comes before the run. Elsewhere each worker is a fresh interpreter.
    """
    context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    if sys.platform == "linux":
        context.set_forkserver_preload(PRELOAD)
        with starting(threads):
            forkserver.ensure_running()
    return context


@contextmanager
def starting(threads: int, *, apart: bool = False) -> Iterator[None]:
    """Processes that are started inside have so many threads, and no signal reaches them before they ignore it.

    `apart`: they do not import the user's script or notebook, as those of multiprocessing otherwise do.
    """
    with ExitStack() as stack:
        stack.enter_context(_thread_settings(threads))
        stack.enter_context(_signals_held())
        if apart:
            stack.enter_context(_no_script())
        yield


def needs_script(trials: Sequence[Trial]) -> bool:
    """Whether trials have a class that the user's script defines, which workers then have to import."""
    return b"__main__" in pickle.dumps(trials)


def ignore_signals() -> None:
    """Of a worker: only the end or the will of its parent ends it."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


@contextmanager
def _thread_settings(threads: int) -> Iterator[None]:
    """Children inherit these thread counts: libraries read them once, when they load."""
    before = {name: os.environ.get(name) for name in THREAD_SETTINGS}
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _signals_held() -> Iterator[None]:
    """Children inherit what is held back here; the parent hears it at the end. Windows has nothing like it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else it starts inside, and lets signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _no_script() -> Iterator[None]:
    """A child imports the file that ``__main__`` says it came from: for this while it is said to come from none."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
