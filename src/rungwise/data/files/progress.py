"""Bars on the terminal: one per file while a download runs, one per step while own images are read."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from rungwise.data.files import contents


@contextmanager
def bars() -> Iterator[contents.Progress]:
    """Gives the function to pass as ``progress``; it draws on standard error, and only on a terminal."""
    with _bars(DownloadColumn()) as show:
        yield show


@contextmanager
def counts() -> Iterator[contents.Progress]:
    """As `bars`, for files or images instead of bytes. Nothing is shown of a step that has nothing to do."""
    with _bars(MofNCompleteColumn()) as show:
        yield show


@contextmanager
def _bars(amount: ProgressColumn) -> Iterator[contents.Progress]:
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn()
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as display:

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = display.add_task(name, total=total)
            display.update(tasks[name], completed=done)

        yield show
