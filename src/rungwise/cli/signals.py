"""What ends a command from outside: Ctrl-C, the end of its terminal, a request to end.

A command that keeps nothing ends at once. While one writes, the first signal unwinds it, so that workers are gone and
nothing is left half written; a second one ends it at once.
"""

import _thread
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SAYS = {"SIGINT": "interrupted", "SIGTERM": "told to end (SIGTERM)", "SIGHUP": "its terminal is gone (SIGHUP)"}
"""By name: a system has not all of them."""
SAYS |= {"SIGBREAK": "told to end (Ctrl-Break)"}
HEARD = {number: says for name, says in SAYS.items() if (number := getattr(signal, name, None)) is not None}
AGAIN_S = 0.05
"""How soon a signal comes again that was lost."""
SHOW_CURSOR = b"\x1b[?25h"
"""A live display hides it."""


class Stopped(KeyboardInterrupt):
    """A signal came while the command was writing."""

    def __init__(self, number: int) -> None:
        super().__init__(HEARD.get(number, HEARD[signal.SIGINT]))
        self.number = number

    @property
    def code(self) -> int:
        """The exit code, as a shell has it."""
        return exit_code(self.number)


def exit_code(number: int) -> int:
    """Of a command that a signal ends."""
    return 128 + number


def listen() -> None:
    """From now on a signal ends this process with one message."""
    _hear(_end)
    sys.unraisablehook = _unraisable


@contextmanager
def unwinding() -> Iterator[None]:
    """What writes stands in here: a signal raises `Stopped` where it is. Nothing changes where `listen` was not called,
    as in tests."""
    if sys.unraisablehook is not _unraisable:
        yield
        return
    _hear(_unwind)
    yield
    _hear(_end)  # where that was not reached, the command is ending already


def _hear(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in HEARD:
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup asks, and shells for background jobs
            signal.signal(number, handler)


def _end(number: int, _: FrameType | None) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"rungwise: {HEARD[number]}\n".encode())
    os._exit(exit_code(number))


def _unwind(number: int, _: FrameType | None) -> None:
    _hear(_end_at_once)
    raise Stopped(number)


def _end_at_once(number: int, _: FrameType | None) -> None:
    with contextlib.suppress(OSError):
        if os.isatty(2):
            os.write(2, SHOW_CURSOR)
    os._exit(exit_code(number))


def _unraisable(what: "sys.UnraisableHookArgs") -> None:
    """A signal that came where no error can be raised, as in a destructor, comes again when that is over."""
    if isinstance(what.exc_value, Stopped):
        _hear(_unwind)
        again = threading.Timer(AGAIN_S, _send, [what.exc_value.number])
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(what)


def _send(number: int) -> None:
    """Have the main thread hear a signal."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(signal.Signals(number))
