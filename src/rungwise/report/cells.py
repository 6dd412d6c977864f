"""Tables as text: how a number reads, and the CSV that a reader downloads."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from rungwise.evidence.estimate import Estimate
from rungwise.findings import Cell, Column, Table


@dataclass(frozen=True)
class CellText:
    """A cell as text."""

    main: str
    interval: str = ""
    n: int = 0
    """Values behind the interval; 0 where there is none."""
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
            if cell.interval is None:
                return CellText(main)
            return CellText(main, span(cell.interval, column.digits), cell.n)
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


def has_intervals(table: Table) -> bool:
    return any(isinstance(cell, Estimate) and cell.n >= 2 for row in table.rows for cell in row)


def table_csv(table: Table) -> str:
    """The table as CSV, numbers unrounded; an estimate spreads into ``x_mean``, ``x_low``, ``x_high`` and ``x_n``."""
    spread = [any(isinstance(row[index], Estimate) for row in table.rows) for index in range(len(table.columns))]
    heading: list[str] = []
    for column, wide in zip(table.columns, spread, strict=True):
        heading += [f"{column.key}_{end}" for end in ("mean", "low", "high", "n")] if wide else [column.key]
    rows = [
        [text for cell, wide in zip(row, spread, strict=True) for text in _fields(cell, wide)] for row in table.rows
    ]
    return _csv([heading, *rows])


def _fields(cell: Cell, wide: bool) -> list[str]:
    if not wide:
        return [_plain(cell)]
    if isinstance(cell, Estimate):
        low, high = cell.interval or (None, None)
        return [_plain(cell.mean), _plain(low), _plain(high), str(cell.n)]
    return [_plain(cell), "", "", ""]


def _plain(cell: Cell) -> str:
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return ""
    return repr(cell) if isinstance(cell, float) else str(cell)


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
