"""Tables as text: how a number reads, and the CSV that a reader downloads."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from rungwise.evidence.estimate import Estimate
from rungwise.findings import Cell, Column, Table

BY_COUNT = " (binomial)"
"""After an interval that is made from counts, not from the scatter of seeds."""


@dataclass(frozen=True)
class CellText:
    """A cell as text."""

    main: str
    interval: str = ""
    n: int = 0
    """Values behind the interval; 0 where there is none."""
    new: str = ""
    """The interval for new images, where it is known."""
    text: bool = False
    """Words, aligned left; numbers are aligned right."""


def printed(value: float, digits: int | None) -> str:
    """``digits`` decimals, or, without, whole numbers as they are and others to four significant digits.

    Thousands are separated by commas and a minus is a true minus sign. What is not finite is a dash.
    """
    if not math.isfinite(value):
        return "–"
    if digits is None:
        whole = float(value).is_integer() and abs(value) < 1e15
        text = f"{int(value):,}" if whole else f"{value:,.4g}"
    else:
        text = f"{value:,.{digits}f}"
    zero = not any(character in "123456789" for character in text)
    return text.replace("-", "" if zero and text.startswith("-") else "−")


def shown(cell: Cell, column: Column) -> CellText:
    """How a cell of that column reads."""
    match cell:
        case None:
            return CellText("")
        case str():
            return CellText(cell, text=True)
        case Estimate():
            main = printed(cell.mean, column.digits)
            new = "" if cell.new is None else span(cell.new, column.digits)
            if cell.interval is None:
                return CellText(main, new=new)
            counted = BY_COUNT if cell.basis == "trials" else ""
            return CellText(main, span(cell.interval, column.digits) + counted, cell.n, new)
        case int() if column.digits is not None:
            return CellText(printed(cell, 0))
        case _:
            return CellText(printed(cell, column.digits))


def span(interval: tuple[float, float], digits: int | None) -> str:
    """``0.981–0.989``; with "to" between numbers where a dash would read as a minus."""
    low, high = (printed(end, digits) for end in interval)
    return f"{low} to {high}" if "−" in low + high else f"{low}–{high}"


def is_numeric(table: Table, index: int) -> bool:
    """Whether a column holds numbers only."""
    cells = [row[index] for row in table.rows if row[index] is not None]
    return not any(isinstance(cell, str) for cell in cells) and (bool(cells) or table.columns[index].digits is not None)


def shared_n(table: Table) -> int:
    """The n of every interval in the table; 0 where they differ or there are none."""
    found = {cell.n for row in table.rows for cell in row if isinstance(cell, Estimate) and cell.n >= 2}
    return found.pop() if len(found) == 1 else 0


def about_intervals(table: Table, where: str) -> str:
    """What the intervals in a table are, in a sentence or two; empty where it has none. `where`: they stand there."""
    found = [cell for row in table.rows for cell in row if isinstance(cell, Estimate) and cell.n >= 2]
    if not found:
        return ""
    n = shared_n(table)
    says = f"Mean over seeds{f' (n = {n})' if n else ''}; {where} the 95% interval for other seeds"
    if any(cell.basis == "splits" for cell in found):
        says += ", made wider for the images that the seeds' splits share"
    says += "; after it that for new images too." if any(cell.new for cell in found) else "."
    if any(cell.basis == "trials" for cell in found):
        says += f" {BY_COUNT.strip()}: by what was counted in every seed, as a binomial share: the seeds do not differ."
    return says


def table_csv(table: Table) -> str:
    """The table as CSV, numbers unrounded.

    An estimate spreads into ``x_mean``, ``x_low``, ``x_high`` and ``x_n``, and ``x_new_low`` and ``x_new_high`` where
    the column knows of new images.
    """
    parts = [_parts([row[index] for row in table.rows]) for index in range(len(table.columns))]
    heading: list[str] = []
    for column, names in zip(table.columns, parts, strict=True):
        heading += [f"{column.key}_{name}" for name in names] or [column.key]
    rows = [
        [text for cell, names in zip(row, parts, strict=True) for text in _fields(cell, names)] for row in table.rows
    ]
    return _csv([heading, *rows])


def _parts(cells: Sequence[Cell]) -> tuple[str, ...]:
    """What a column of estimates spreads into; nothing where it has none."""
    estimates = [cell for cell in cells if isinstance(cell, Estimate)]
    if not estimates:
        return ()
    return ("mean", "low", "high", "n", *(("new_low", "new_high") if any(cell.new for cell in estimates) else ()))


def _fields(cell: Cell, names: Sequence[str]) -> list[str]:
    if not isinstance(cell, Estimate):
        return [_plain(cell), *[""] * (len(names) - 1)]
    low, high = cell.interval or (None, None)
    ends = cell.new or (None, None)
    return [*map(_plain, (cell.mean, low, high)), str(cell.n), *map(_plain, ends)][: len(names)]


def _plain(cell: Cell) -> str:
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return ""
    return repr(cell) if isinstance(cell, float) else str(cell)


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
