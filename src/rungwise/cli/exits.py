"""How a command ends: its exit codes, and the one message of what was wrong."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TextIO

import typer

from rungwise.cli.signals import Stopped

if TYPE_CHECKING:
    from rungwise.runs.run import Run

FAILED, USAGE, INCOMPLETE, INTERRUPTED, NOT_READ = 1, 2, 3, 130, 141
"""Exit codes beside 0: failed; wrong use; done, with failed trials or damaged records; interrupted; nobody read the
output to its end. Other signals end with 128 and their number: 143 for SIGTERM, 129 for SIGHUP."""
STDOUT = "standard output"
"""Its name in errors."""
GOES_ON = "the same command goes on where this one stopped"
REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), f"Make room there; {GOES_ON}"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "Give access to it, or use another folder"),
}
"""What to do about an error of the system, by its number."""


@contextmanager
def user_errors() -> Iterator[None]:
    """What a command does stands in here: what is wrong, from its surroundings on, is said as `one_message` does."""
    from rungwise.dates import source_date

    with one_message():
        source_date()
        yield


@contextmanager
def one_message() -> Iterator[None]:
    """What was wrong is said in one message; what a signal ends, ends with its code; that nobody reads is no error."""
    from rungwise.errors import UserError

    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # here and not at the end of Python, which reports an error by a traceback
    except UserError as error:
        _stop(str(error), USAGE)
    except BrokenPipeError:
        _end_unread()
    except SystemExit as end:  # libraries that write to the terminal turn the error into an exit code of their own
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        _end_unread()
    except OSError as error:
        if error.filename == STDOUT:
            _discard(sys.stdout)
        _stop(_told(error), FAILED)
    except Stopped as stopped:
        _stop(f"{stopped}; {GOES_ON}", stopped.code)
    except KeyboardInterrupt:
        _stop(f"interrupted; {GOES_ON}", INTERRUPTED)


def _told(error: OSError) -> str:
    """What the system refuses, and of which file."""
    why = error.strerror or str(error) or type(error).__name__
    where = f"{error.filename}: " if error.filename is not None else ""
    remedy = REMEDIES.get(error.errno or 0, "")
    return f"{where}{why}" + f". {remedy}" * bool(remedy)


def _discard(stream: TextIO) -> None:
    """Have what is in a stream, and what comes, go nowhere: Python would complain at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _end_unread() -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        _discard(stream)
    sys.exit(NOT_READ)


def _stop(message: str, code: int) -> NoReturn:
    try:
        print(f"rungwise: {message}", file=sys.stderr, flush=True)
    except OSError:  # nobody can be told
        _discard(sys.stderr)
    sys.exit(code)


def tell_unreported(run: "Run") -> None:
    from rungwise.study.folder import unreported

    for note in unreported(run.study, run.store):
        typer.echo(f"rungwise: {note}", err=True)


def end_if_damaged(run: "Run") -> None:
    """Name the records that were left out since they are damaged, and end with the code for that."""
    damaged = run.damaged
    tell_damage(f"{run.store.root / why}" for why in damaged.values())
    if damaged:
        raise typer.Exit(INCOMPLETE)


def tell_damage(damaged: Iterable[str]) -> None:
    for why in damaged:
        typer.echo(f"rungwise: a damaged record was left out: {why}", err=True)
