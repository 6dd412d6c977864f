"""Looks at claims that seeds were added for, in tables: what was known after how many seeds."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rungwise.evidence.judgement import Judgement, Look, Number, Verdict
from rungwise.findings import Cell, Column, Table
from rungwise.report.cells import printed, span
from rungwise.report.claims import digits_of

SHORT, EVERY = 8, 5
"""So many looks at a number are shown; of more, the first, the last, and those after each so many seeds."""
KEYS = ("claim", "number", "n", "estimate", "low", "high", "e", "verdict")


class LookRow(NamedTuple):
    """One look as pages show it."""

    says: str
    n: int
    estimate: str
    interval: str
    e: str
    verdict: Verdict


def look_rows(claim: Judgement) -> tuple[LookRow, ...]:
    """The looks at each number, as many as are worth showing; none where its number of seeds was fixed."""
    return tuple(row for number in claim.numbers for row in _rows(number))


def looks_table(claim: Judgement, name: str) -> Table:
    """Every look at every number, for download. `name`: the table's id."""
    rows: list[tuple[Cell, ...]] = [
        (claim.id, number.says, look.n, look.mean, *(look.interval or (None, None)), look.e, look.verdict)
        for number in claim.numbers
        for look in number.looks
    ]
    return Table(id=name, caption="", columns=tuple(Column(key=key, label=key) for key in KEYS), rows=tuple(rows))


def _rows(number: Number) -> Iterator[LookRow]:
    for look in _shown(number.looks):
        digits = _digits(look)
        interval = "any value" if look.interval is None else span(look.interval, digits)
        yield LookRow(number.says, look.n, printed(look.mean, digits), interval, f"{look.e:.3g}", look.verdict)


def _shown(looks: Sequence[Look]) -> list[Look]:
    if len(looks) <= SHORT:
        return list(looks)
    return [look for look in looks if look in (looks[0], looks[-1]) or look.n % EVERY == 0]


def _digits(look: Look) -> int | None:
    """As many decimals as the interval is known to; None: as many as the number has."""
    return None if look.interval is None else digits_of(look.interval)
