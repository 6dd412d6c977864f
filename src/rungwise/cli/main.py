"""Where a command begins: before anything is imported that takes a while, its streams, surroundings and signals are in
order."""

import io
import os
import sys
from pathlib import Path
from typing import Any

from rungwise.cli import signals
from rungwise.cli.exits import STDOUT, one_message
from rungwise.files import naming

NARROWEST, WIDEST = 20, 1000
"""Characters of a line, in the variable COLUMNS: others are taken for a mistake."""
COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Variables that libraries read as a count, and complain of, each in its own way, where they are none."""


def main() -> None:
    """Run the command of ``sys.argv``; ends by SystemExit."""
    signals.listen()
    open_streams()
    mend_environment()
    with one_message():
        check_folder()
        from rungwise.cli.app import app

        app()


def open_streams() -> None:
    """Standard streams that were closed lead nowhere: else a file that is opened later would take their numbers, and
    whatever is printed would be written into it. Characters that an encoding lacks are written as escapes.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
        stream = getattr(sys, name)
        if name == "stdout" and not stream.isatty():  # a console of Windows is no plain file
            raw = io.BufferedWriter(_Output(number, "w", closefd=False))
            stream = io.TextIOWrapper(raw, stream.encoding, line_buffering=stream.line_buffering)
            setattr(sys, name, stream)
        stream.reconfigure(errors="backslashreplace")


class _Output(io.FileIO):
    """Standard output whose errors say what it is, as those of other files do."""

    def write(self, data: Any, /) -> int:
        with naming(Path(STDOUT)):
            return super().write(data)


def mend_environment() -> None:
    """Take variables away that make no sense, as COLUMNS=0, for which nothing would be shown at all."""
    width = os.environ.get("COLUMNS", "")
    if not (width.isdecimal() and len(width) < 6 and NARROWEST <= int(width) <= WIDEST):
        os.environ.pop("COLUMNS", None)
    for name in COUNTS:
        value = os.environ.get(name, "1")
        if not all(part.strip().isdecimal() and int(part) > 0 for part in value.split(",")):
            del os.environ[name]


def check_folder() -> None:
    """Raises UserError where the working directory has been deleted."""
    from rungwise.errors import UserError

    try:
        os.getcwd()  # noqa: PTH109 (pathlib takes longer to load)
    except FileNotFoundError:
        raise UserError("the working directory has been deleted; change to another folder (cd)") from None
