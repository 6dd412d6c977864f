"""What a reader of a comparison must know before trusting it, in sentences."""

from collections.abc import Iterable, Iterator, Sequence

from rungwise.comparison.differences import DataDifference
from rungwise.comparison.opened import Opened
from rungwise.comparison.outcome import ComparedNumber
from rungwise.evidence import origin
from rungwise.records.record import Record
from rungwise.words import counted


def apart(data: DataDifference) -> str:
    return (
        f"{data.chapter}: the data differ ({', '.join(data.files)}), so that the same seed means other images and "
        "pairing by seed is not valid. The intervals hold, as those of independent runs, but a difference may be one "
        "of the data."
    )


def unequal_origin(base: Opened, other: Opened) -> Iterator[str]:
    """Where the runs' records of the same seeds come from other code, machines or number formats.

    It is told and judged all the same: what a change of code or machine does is what two runs are compared for.
    """
    sides = {opened.name: _by_seed(opened.records.values()) for opened in (base, other)}
    found = [one for one in origin.differences(sides) if one.fact != "data"]
    yield from origin.warnings(found)
    if found:
        yield "So a difference of numbers need not be one of settings or models."


def _by_seed(records: Iterable[Record]) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = {}
    for record in records:
        if isinstance(seed := record.spec.get("seed"), int):
            found.setdefault(seed, []).append(record)
    return found


def unfinished(*runs: Opened) -> Iterator[str]:
    for opened in runs:
        if left := opened.planned - len(opened.records):
            failed, damaged = len(opened.failures), len(opened.found.damaged)
            states = {"failed": failed, "damaged": damaged, "not run": left - failed - damaged}
            told = [f"{count} {state}" for state, count in states.items() if count]
            yield (
                f"{opened.name}: {left} of {opened.planned} trials have no result ({', '.join(told)}); what rests on "
                "them is not compared."
            )


def unlisted(judged: Sequence[ComparedNumber], rows: Sequence[ComparedNumber]) -> Iterator[str]:
    """How many numbers of single classes are left out. `judged`: all numbers; `rows`: those that are listed."""
    kept = {(row.chapter, row.model, row.metric) for row in rows}
    out = [row for row in judged if (row.chapter, row.model, row.metric) not in kept and row.outcome != "identical"]
    if out:
        yield (
            f"{counted(len(out), 'number')} of single classes (recall, precision) not listed: they did not change "
            "beyond noise, corrected for their number, or one seed cannot say. --metric with the name of one lists it, "
            "and lets it decide."
        )


def unsaid(rows: Sequence[ComparedNumber]) -> Iterator[str]:
    """Where the numbers cannot say much, and why."""
    if rows and not any(row.decides for row in rows):
        yield (
            "No number here decides the exit code: counts without noise and metrics without a better direction never "
            "do, and times do with --times only."
        )
    if any(row.test == "McNemar" for row in rows):
        yield (
            "Where the runs have one seed in common, test accuracies were compared by McNemar's exact test on the test "
            "images: it speaks of the two fitted nets, and says nothing of another seed."
        )
    if few := sum(row.decides and row.outcome == "too few seeds" for row in rows):
        yield (
            f"{counted(few, 'number')} {'has' if few == 1 else 'have'} one seed in common and cannot be judged: "
            "nothing is known of noise. Run both with --seeds 5 or more."
        )
