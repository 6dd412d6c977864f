"""What the claims of a study could show, in the terminal and as JSON."""

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rungwise.judging.prospects import ClaimProspect, NumberProspect, settled
from rungwise.runs.display import PLAIN_WIDTH
from rungwise.study.study import Study

SHOWN = 5
"""Numbers of one claim that the table has; the rest are counted in one line."""
FEW = 5
"""Seeds of a pilot below which its scatter is known badly."""
COLUMNS = ("claim", "number", "claimed")
FIGURES = ("pilot", "mean", "sd", "planned", "±", "chance", "seeds for 80%")


def power_json(study: Study, pilot: str, claims: Sequence[ClaimProspect]) -> dict[str, Any]:
    """The claims with their numbers, schema 1."""
    return {
        "schema": 1,
        "title": study.title,
        "pilot": pilot,
        "claims": [claim.model_dump(mode="json") for claim in claims],
    }


def print_power(pilot: str, claims: Sequence[ClaimProspect], console: Console | None = None) -> None:
    """A table on standard output: each claim, and its hardest numbers first."""
    out = console or Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    table = Table(box=None, header_style="bold")
    for name in COLUMNS:
        table.add_column(name, overflow="fold")
    for name in FIGURES:
        table.add_column(name, justify="right", overflow="fold")
    for claim in claims:
        _add(table, claim)
    out.print(table)
    out.print(_summary(pilot, claims), markup=False)


def _add(table: Table, claim: ClaimProspect) -> None:
    head = f"[bold]{escape(claim.id)}[/]"
    together = (_chance(claim.chance), _needed(claim.seeds_needed, claim.note))
    if len(claim.numbers) == 1:
        table.add_row(head, *_cells(claim.numbers[0])[:-2], *together)
        return
    about = f"{len(claim.numbers)} numbers" if claim.numbers else escape(claim.says)
    blank = ("", "", "", str(claim.planned), "") if claim.numbers else ("",) * 5
    table.add_row(head, about, "", *blank, *together)
    for number in claim.numbers[:SHOWN]:
        table.add_row("", *_cells(number))
    if rest := claim.numbers[SHOWN:]:
        least = min(-1.0 if number.chance is None else number.chance for number in rest)
        easier = "" if least < 0.01 else f" with a chance of {least:.0%} or more" if least < 0.99 else " with over 99%"
        table.add_row("", f"and {len(rest)} more{easier}", *[""] * (len(FIGURES) + 1))


def _cells(number: NumberProspect) -> tuple[str, ...]:
    mean, sd, half = map(_amount, (number.mean, number.sd, number.half_width))
    return (
        escape(number.says),
        number.claimed,
        str(number.pilot),
        mean,
        sd,
        str(number.planned),
        half,
        _chance(number.chance),
        _needed(number.seeds_needed, number.note),
    )


def _amount(value: float | None) -> str:
    """Sums of shares that cancel leave a rest of about 1e-17, which is no number to show."""
    return "" if value is None else f"{0.0 if abs(value) < 1e-12 else value:.4g}"


def _chance(chance: float | None) -> str:
    """As a share: 0% and 100% are exact."""
    if chance is None:
        return ""
    if 0 < chance < 0.01:
        return "< 1%"
    return "> 99%" if 0.99 < chance < 1 else f"{chance:.0%}"


def _needed(seeds: int | None, note: str) -> str:
    return note if seeds is None else f"{seeds:,}"


def _summary(pilot: str, claims: Sequence[ClaimProspect]) -> str:
    known = [claim for claim in claims if claim.chance is not None]
    fewest = min((n.pilot for claim in claims for n in claim.numbers if n.pilot > 1 and not n.exact), default=FEW)
    told = (
        f"From the pilot {pilot}: {settled(claims)} of {len(known)} claims have a chance of 80% or more to be settled "
        "with the planned seeds, were mean and scatter as they are there. ±: half of what the 95% interval is expected "
        "to span."
    )
    if fewest < FEW:
        told += f" {fewest} seeds say little of the scatter: take the numbers of seeds as rough."
    return told
