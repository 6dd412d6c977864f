"""What a person sees while a study runs: a live display on a terminal, plain lines elsewhere. All on standard error."""

import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from rungwise.engine.engine import Event
from rungwise.records.container import memory_limit
from rungwise.study.memory import amount
from rungwise.study.plan import PlannedTrial, summary
from rungwise.trial import Trial

WIDE = 100
"""Columns of a terminal that has room for bars."""
PLAIN_WIDTH = 400
"""Characters of a plan's table where there is no terminal: no line is broken."""


class Display:
    """Takes the engine's events; ``with Display(...) as show: engine.run(..., show)``."""

    def __init__(self, cost_s: Mapping[str, float], console: Console, quiet: bool = False) -> None:
        self.cost_s = dict(cost_s)
        """Estimated seconds by trial id, of all trials of the run."""
        self.console, self.quiet = console, quiet
        self.total, self.finished, self.failed = len(cost_s), 0, 0
        self.left_s, self.worked_s = sum(cost_s.values()), 0.0
        self.started = time.monotonic()
        self.running: dict[str, TaskID] = {}
        self.progress = Progress(
            *_columns(console.width),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=True,
        )
        self.whole = self.progress.add_task("[bold]study", total=self.left_s or 1.0, told="")

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def __call__(self, event: Event) -> None:
        trial = event.trial
        if event.what == "started":
            self._forget(trial)  # it may have begun before, with others
            beside = int(event.values.get("beside", 0))
            name = f"{trial.label} · seed {trial.seed}" + f" and {beside} more" * (beside > 0)
            self.running[trial.id] = self.progress.add_task(name, total=max(1, trial.epochs), told="")
        elif event.what == "progress" and trial.id in self.running:
            values = event.values
            epoch = min(values.get("epoch", 0), max(1, trial.epochs))
            self.progress.update(self.running[trial.id], completed=epoch, told=_told(values, trial))
        elif event.what in ("found", "finished", "failed"):
            self._end(event)
        self._tell_whole()

    def _end(self, event: Event) -> None:
        trial = event.trial
        if trial.id not in self.cost_s:  # it has ended before
            return
        self._forget(trial)
        cost = self.cost_s.pop(trial.id)
        self.left_s = max(0.0, self.left_s - cost)
        if event.what == "found":
            self.total -= 1
            return
        self.finished += 1
        self.worked_s += cost
        self.failed += event.what == "failed"
        if self.quiet:
            return
        head = f"[{self.finished}/{self.total}] {trial.label} · seed {trial.seed}: "
        if event.what == "failed":
            self._line(head + "failed: " + event.error)
        elif not self.console.is_terminal:
            self._line(head + _result(event.values) + f" · {self._time_left()}")

    def _forget(self, trial: Trial) -> None:
        task = self.running.pop(trial.id, None)
        if task is not None:
            self.progress.remove_task(task)

    def _line(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=not self.console.is_terminal)

    def _tell_whole(self) -> None:
        told = f"{self.finished} of {self.total} trials · {self._time_left()}"
        if self.failed:
            told += f" · {self.failed} failed"
        self.progress.update(self.whole, completed=self.worked_s, total=(self.worked_s + self.left_s) or 1.0, told=told)

    def _time_left(self) -> str:
        """From the estimates, corrected by how the finished trials' estimates compared with the clock."""
        if not self.worked_s:
            return f"about {duration(self.left_s)} of work left"
        pace = (time.monotonic() - self.started) / self.worked_s
        return f"{duration(self.left_s * pace)} left" if self.cost_s else "done"


def _columns(width: int) -> list[ProgressColumn]:
    """What a line of the live display shows; on a narrow terminal words alone, broken where they do not fit."""
    if width < WIDE:
        wrapped = Column(no_wrap=False, overflow="fold")
        return [TextColumn("{task.description} {task.fields[told]}", table_column=wrapped)]
    return [
        TextColumn("{task.description}", table_column=Column(no_wrap=False, overflow="fold")),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    ]


def print_plan(rows: Sequence[PlannedTrial]) -> None:
    """The plan as a table on standard output, seeds of one model folded into a line."""
    table = Table(box=None, header_style="bold")
    for name in ("chapter", "model", "data", "images"):
        table.add_column(name, overflow="fold")
    for name in ("epochs", "parameters", "seeds", "done", "memory", "GFLOP", "time"):
        table.add_column(name, justify="right", overflow="fold")
    groups: dict[tuple[str, str], list[PlannedTrial]] = {}
    for row in rows:
        groups.setdefault((row.chapter, row.label), []).append(row)
    for (chapter, label), group in groups.items():
        row = group[0]
        parameters = "" if row.parameters is None else f"{row.parameters:,}"
        flops = sum(one.flops for one in group) / 1e9
        table.add_row(
            *(
                chapter,
                label,
                row.data,
                f"{row.train_images:,}",
                "≤ " * row.stops + str(row.epochs or ""),
                parameters,
                str(len(group)),
            ),
            *(
                str(sum(one.done for one in group)),
                amount(max(one.memory_bytes for one in group)),
                f"{flops:,.0f}",
                duration(sum(one.time_s for one in group)),
            ),
        )
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    console.print(table)
    total = summary(rows)
    about = "at most" if any(row.stops or row.prunes for row in rows) else "about"
    console.print(
        f"{total['left']:.0f} of {total['trials']:.0f} trials left: {total['flops'] / 1e12:,.1f} TFLOP, {about} "
        f"{duration(total['time_s'])} one after the other on this machine."
    )
    large = [row for row in rows if not row.done and row.memory_bytes > memory_limit()]
    if large:
        console.print(
            f"{len(large)} of them do not fit into the memory of this machine, {amount(memory_limit())}: "
            f"{', '.join(dict.fromkeys(row.label for row in large))}."
        )


def _told(values: Mapping[str, float], trial: Trial) -> str:
    parts = []
    if trial.epochs:
        parts.append(f"epoch {min(int(values.get('epoch', 0)) + 1, trial.epochs)}/{trial.epochs}")
    parts += [f"{key} {values[key]:.4f}" for key in ("loss", "accuracy") if key in values]
    return " · ".join(parts)


def _result(values: Mapping[str, float]) -> str:
    """The test accuracies and the time of a finished trial."""
    accuracies = [f"{key.replace('_', ' ')} {value:.4f}" for key, value in values.items() if "test_accuracy" in key]
    time_s = [f"{values['time_s']:.1f} s"] if "time_s" in values else []
    return ", ".join([*accuracies, *time_s]) or "done"


def duration(seconds: float) -> str:
    """ "70 s", "12 min", "3.5 h"."""
    seconds = max(0, round(seconds))
    if seconds < 90:
        return f"{seconds} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
