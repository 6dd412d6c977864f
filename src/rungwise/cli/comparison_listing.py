"""A comparison on the terminal: what differs, then the numbers, the most important first."""

import sys
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from rungwise.comparison.outcome import ComparedNumber
from rungwise.comparison.result import Compared, Comparison
from rungwise.comparison.words import headline, ordered, possible_losses, tally, told_fact, told_models, told_setting
from rungwise.words import counted

PLAIN_WIDTH = 400
"""Characters where there is no terminal: nothing is left out, and only a very long line is broken."""
MOST_ROWS = 40
"""Rows on a terminal; those that got worse are all shown."""
STYLES = {"worse": "bold red", "better": "green", "differs": "yellow", "within margin": "yellow"}

TerminalColumn = tuple[str, bool, Callable[[ComparedNumber], str]]
"""Heading, whether it holds numbers, and the cell of a row."""
COLUMNS: tuple[TerminalColumn, ...] = (
    ("outcome", False, lambda row: row.outcome),
    ("chapter", False, lambda row: row.chapter),
    ("model", False, lambda row: row.model),
    ("metric", False, lambda row: row.metric),
    ("base", True, lambda row: f"{row.base.mean:.5g}"),
    ("other", True, lambda row: f"{row.other.mean:.5g}"),
    ("difference", True, lambda row: f"{row.difference.mean:+.4g}" if row.difference.mean else "0"),
    ("95% interval", True, lambda row: _interval(row)),
    ("n", True, lambda row: str(row.difference.n)),
    ("p", True, lambda row: "" if row.p is None else f"{row.p:.2g}"),
    ("p (Holm)", True, lambda row: "" if row.p_holm is None else f"{row.p_holm:.2g}"),
    ("decides", False, lambda row: "yes" if row.decides else "no"),
)
FIRST_TO_GO = ("p", "base", "other", "decides", "n", "95% interval", "p (Holm)")
"""Columns that make room where a terminal is too narrow for all."""


def show(compared: Compared) -> None:
    """Print the comparison on standard output."""
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    for comparison in compared.comparisons:
        _differences(console, comparison, compared.base)
        rows = ordered(comparison.rows)
        shown = rows[: max(MOST_ROWS, comparison.summary.outcomes["worse"])] if console.is_terminal else rows
        console.print(_table(shown, console, compared.base, comparison.run))
        if len(shown) < len(rows):
            left = counted(len(rows) - len(shown), "more number")
            console.print(f"... and {left}, less important than these; --json or a pipe shows all.", style="dim")
        console.print()
        for warning in comparison.warnings:
            console.print(f"Note: {escape(warning)}")
        console.print(escape(tally(comparison)))
        losses = possible_losses(comparison)
        if losses and not comparison.worse:
            console.print(escape(f"The 95% intervals still allow a loss of {'; '.join(losses)}."))
        style = "bold red" if comparison.worse else "bold"
        console.print(escape(headline(comparison, compared.base)), style=style)
        console.print()


def _differences(console: Console, comparison: Comparison, base: str) -> None:
    console.print(f"[bold]{escape(comparison.run)}[/] against [bold]{escape(base)}[/]")
    table = Table(box=None, header_style="bold")
    for heading in ("what differs", base, comparison.run):
        table.add_column(escape(heading), overflow="fold")
    for setting in comparison.settings:
        table.add_row(*map(escape, (setting.path, *told_setting(setting))))
    only = told_models(comparison.models, "base"), told_models(comparison.models, "other")
    if any(only):
        table.add_row("models that only one has", *map(escape, only))
    for fact in comparison.environment:
        table.add_row(*map(escape, told_fact(fact)))
    for data in comparison.data:
        table.add_row(escape(f"data of {data.chapter}"), "", escape(f"others: {', '.join(data.files)}"))
    console.print(table if table.row_count else "No setting, machine or data differs.")
    console.print()


def _table(rows: Sequence[ComparedNumber], console: Console, base: str, other: str) -> Table:
    """All columns, less those of `FIRST_TO_GO` for which there is no room."""
    gone = 0
    while True:
        columns = [column for column in COLUMNS if column[0] not in FIRST_TO_GO[:gone]]
        table = Table(box=None, header_style="bold")
        for heading, numeric, _ in columns:
            name = {"base": base, "other": other}.get(heading, heading)
            table.add_column(escape(name), justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            style = STYLES.get(row.outcome, "dim") if row.decides or row.outcome == "differs" else "dim"
            table.add_row(*(escape(cell(row)) for _, _, cell in columns), style=style)
        needed = Measurement.get(console, console.options.update(width=PLAIN_WIDTH), table).maximum
        if gone == len(FIRST_TO_GO) or needed <= console.width:
            return table
        gone += 1


def _interval(row: ComparedNumber) -> str:
    if row.interval is None:
        return ""
    low, high = row.interval
    return f"{low:+.3g} to {high:+.3g}"
