"""What rungwise answers to a command, and whether that is an answer at all."""

import faulthandler
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from rungwise.cli.app import app
from stress.tally import Tally

LIMIT_S = 30
"""Of a command that computes nothing."""
GIVE_UP_S = 20 * 60
"""After which a process that no longer hears signals ends itself."""
MEMORY_BYTES = 8 * 2**30
"""What a command may want at most: beyond it, it is refused, and would say so by a traceback."""
CODES = frozenset({0, 1, 2, 3, 130, 141, 143})
"""Documented exit codes (`rungwise.cli.exits`)."""


@dataclass(frozen=True)
class Answer:
    """Of one command."""

    words: Sequence[str]
    code: int | None
    """None where it did not end in time."""
    out: str
    err: str
    error: str
    """The traceback; empty where there was none."""
    seconds: float


class Hang(BaseException):
    """The time is over."""


def ask(*words: str | Path) -> Answer:
    """The answer of a command in this process."""
    told, started = [str(word) for word in words], time.monotonic()
    code: int | None = None
    out = err = error = ""
    try:
        with _within(LIMIT_S):
            result = CliRunner().invoke(app, told)
        code, out, err = result.exit_code, result.stdout, result.stderr
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            error = "".join(traceback.format_exception(result.exception)[-6:])
    except Hang:
        error = ""
    except BaseException as raised:
        error = "".join(traceback.format_exception(raised)[-6:])
    return Answer(told, code, out, err, error, time.monotonic() - started)


def ask_process(*words: str | Path, env: dict[str, str], **settings: Any) -> Answer:
    """The answer of a command in a process of its own, with these variables; `settings` are those of `subprocess`."""
    told, started = [str(word) for word in words], time.monotonic()
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings}
    process = subprocess.Popen([sys.executable, "-m", "rungwise", *told], env=env, start_new_session=True, **settings)
    try:
        out, err = process.communicate(timeout=4 * LIMIT_S)  # importing takes most of it where the machine is busy
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        code = None
    said, complained = ((text or b"").decode(errors="replace") for text in (out, err))
    error = complained[complained.index("Traceback") :] if "Traceback" in complained else ""
    return Answer(told, code, said, complained, error, time.monotonic() - started)


def judge(answer: Answer, name: str, tally: Tally) -> None:
    """What every answer must be: in time, with a documented code, by a message and not by a traceback."""
    command = " ".join(answer.words)[:300]
    if answer.error:
        tally.fault(name, f"`{command}`: {answer.error[-1500:]}")
    elif answer.code is None:
        tally.fault(name, f"`{command}` was not done after {answer.seconds:.0f} s")
    elif answer.code not in CODES:
        tally.fault(name, f"`{command}` ended with {answer.code}: {answer.err[-500:]}")
    elif "Traceback" in answer.out + answer.err:
        tally.fault(name, f"`{command}` shows a traceback: {(answer.out + answer.err)[-1500:]}")
    elif answer.code == 2 and not (answer.err + answer.out).strip():
        tally.fault(name, f"`{command}` ended with 2 and said nothing")


@contextmanager
def limits() -> Iterator[None]:
    """While it lasts, this process has no more than so much memory, and cannot hang for ever."""
    faulthandler.dump_traceback_later(GIVE_UP_S, repeat=True)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
        faulthandler.cancel_dump_traceback_later()


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
