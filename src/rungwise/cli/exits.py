"""How a command ends: its exit codes, and the message of what the user did wrong."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

FAILED, USAGE, INCOMPLETE, INTERRUPTED = 1, 2, 3, 130
"""Exit codes beside 0: failed; wrong use; done, with failed trials or damaged records; interrupted."""


@contextmanager
def user_errors() -> Iterator[None]:
    """What the user did wrong is told in one message; what a signal ends, ends with its code."""
    from rungwise.errors import UserError

    try:
        yield
    except UserError as error:
        _stop(str(error), USAGE)
    except KeyboardInterrupt:
        _stop("interrupted; the same command goes on where this one stopped", INTERRUPTED)


def _stop(message: str, code: int) -> NoReturn:
    typer.echo(f"rungwise: {message}", err=True)
    sys.exit(code)
