"""Claims in words and tables: what every form of the report tells of them."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import get_args

from rungwise.evidence.judgement import Judgement, Number, Verdict
from rungwise.evidence.paired import LEVEL, McNemar
from rungwise.findings import Cell, Column, Table
from rungwise.report.cells import printed, span
from rungwise.report.document import Document
from rungwise.words import listed

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
SYMBOLS: Mapping[Verdict, str] = {
    "supported": "✓",
    "not supported": "≈",
    "refuted": "✗",
    "not distinguishable": "?",
    "not judged": "–",
    "not run": "○",
}
"""Beside the word, so that neither colour nor reading is needed to tell verdicts apart."""


# Words ---------------------------------------------------------------------------------------------------------


def told_counts(claims: Sequence[Judgement]) -> str:
    """How many claims there are of each verdict, as "Of 3 claims 2 are supported and 1 not run."; empty for none."""
    counts = Counter(claim.verdict for claim in claims)
    parts = [(counts[verdict], verdict) for verdict in VERDICTS if counts[verdict]]
    if not parts:
        return ""
    if len(claims) == 1:
        return f"The one claim is {claims[0].verdict}."
    first, *others = (f"{count} {verdict}" for count, verdict in parts)
    count, verdict = parts[0]
    first = f"{'all' if not others else count} {'is' if count == 1 else 'are'} {verdict}"
    return f"Of {len(claims)} claims {listed([first, *others])}."


def told_multiplicity(claims: Sequence[Judgement]) -> str:
    """What judging many claims does to the chance of error; empty where nothing was tested.

    By linearity of expectation: the bound needs no independence of the claims.
    """
    tested = sum(claim.verdict != "not run" for claim in claims)
    if not tested:
        return ""
    controlled = [claim.survives for claim in claims if claim.survives is not None]
    if controlled:
        kept = sum(controlled)
        return (
            f"The {tested} claims that were tested were judged together too: {kept} of the {len(controlled)} verdicts "
            f"that were decided {'survives' if kept == 1 else 'survive'}."
        )
    if tested == 1:
        return "It is judged at the 5% level: a verdict is wrong by chance in at most 1 of 20 studies like this one."
    return (
        f"Each claim is judged by itself at the 5% level, so that of the {tested} claims that were tested some "
        f"verdicts may be wrong by chance: on average over studies like this one at most {LEVEL:g} × {tested} = "
        f"{LEVEL * tested:.3g}, as far as the tests' assumptions hold."
    )


def told_p(p: float) -> str:
    """``p = 0.0312``, ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3g}"


def told_test(claim: Judgement) -> str:
    """``n = 5, paired t``; empty where nothing was tested."""
    return ", ".join([f"n = {claim.n}"] * (claim.n > 0) + [claim.test] * bool(claim.test))


def told_extent(claim: Judgement) -> str:
    """What its fold holds, as ``3 numbers, 1 warning, 15 trials``; empty where that is nothing."""
    held = {"number": claim.numbers, "warning": claim.warnings, "note": claim.note, "trial": claim.trials}
    counts = {noun: len(part) if isinstance(part, tuple) else int(bool(part)) for noun, part in held.items()}
    return ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items() if count)


def tests(number: Number) -> tuple[tuple[str, str], ...]:
    """Every test of a number that has a p, as ("Holm", "p = 0.031")."""
    found = (("t", number.p), ("Holm", number.p_holm), ("Wilcoxon", number.p_wilcoxon))
    return tuple((name, told_p(p)) for name, p in found if p is not None and math.isfinite(p))


def centre_and_interval(number: Number) -> tuple[str, str]:
    """The mean or the median, and the interval that decides or nothing, with decimals that show two significant digits
    of the interval's half. An interval without width is not worth reporting."""
    assert number.estimate is not None
    centre = number.estimate.mean if number.centre is None else number.centre
    ends = decides(number) or (centre, centre)
    digits = digits_of(ends)
    if digits is None:
        return printed(centre, None), ""
    return printed(centre, digits), span(ends, digits)


def decides(number: Number) -> tuple[float, float] | None:
    """The interval that the verdict goes by, else that of the seeds; None where looks have excluded no value yet, for
    an interval of a fixed number of seeds does not hold there."""
    fixed = None if number.looks or number.estimate is None else number.estimate.interval
    return number.interval or fixed


def other_interval(number: Number) -> str:
    """The interval for the images that the verdict is not about, in words; empty where there is none."""
    found = number.estimate
    if found is None or number.holds_for is None or number.median is not None:
        return ""
    other, says = (found.interval, "these images") if number.holds_for == "new images" else (found.new, "new images")
    digits = None if other is None or other == number.interval else digits_of(other)
    return "" if other is None or digits is None else f"{says} {span(other, digits)}"


def digits_of(interval: tuple[float, float]) -> int | None:
    """Decimals that show two significant digits of its half; None where it has no width."""
    half = (interval[1] - interval[0]) / 2
    if not half > 1e-9 * max(map(abs, interval)) or not math.isfinite(half):
        return None
    return min(9, max(0, 1 - math.floor(math.log10(half))))


def told_about(claim: Judgement) -> str:
    """Which images the verdict is about, how its seeds came about, and whether it survives among all claims."""
    found = []
    if claim.holds_for and claim.verdict != "not run":
        found.append(f"The verdict is about {claim.holds_for}.")
    if claim.design == "settled" and claim.verdict != "not run":
        found.append("Seeds were added with a look after each, by a rule that is valid at every look.")
    if claim.survives is not None:
        found.append(f"It {'survives' if claim.survives else 'does not survive'} control over all claims of the study.")
    return " ".join(found)


def effect(number: Number) -> tuple[str, str]:
    """The standardised effect and its interval, or nothing."""
    if number.effect is None:
        return "", ""
    return printed(number.effect.size, 2), span(number.effect.interval, 2) if number.effect.interval else ""


def told_mcnemar(test: McNemar) -> str:
    """The test of one pair of nets, in a phrase."""
    right = f"{test.first_only:,} images right with the first net alone, {test.second_only:,} with the second"
    return f"seed {test.seed}: {right}, {told_p(test.p)}"


def facts(number: Number) -> tuple[str, ...]:
    """All that is known of a number beside its name and verdict, in phrases."""
    found = [f"claimed {number.claimed}"]
    if number.estimate is not None:
        centre, interval = centre_and_interval(number)
        about = f" for {number.holds_for}" if number.holds_for == "new images" else ""
        interval = f" (95% interval{about} {interval})" if interval else ""
        what = "mean" if number.median is None else "median"
        found.append(f"{what} {centre}{interval}, n = {number.estimate.n}")
        found += [f"95% interval for {other}"] if (other := other_interval(number)) else []
    if number.far:
        found.append(f"far from the others: {listed([f'seed {seed}' for seed in number.far])}")
    if number.looks:
        found.append(f"looked at {len(number.looks)} times, with {number.looks[0].n} to {number.looks[-1].n} seeds")
    found += [f"{name} {p}" if name != "t" else p for name, p in tests(number)]
    size, interval = effect(number)
    if size:
        found.append(f"effect size {size}" + (f" (95% interval {interval})" if interval else ""))
    if number.seeds_needed is not None:
        found.append(f"{number.seeds_needed:,} seeds to settle it")
    return tuple(found)


# Tables --------------------------------------------------------------------------------------------------------


def claims_table(document: Document) -> Table:
    """Every claim of the report, for download and for Markdown."""
    names = ("claim", "chapter", "says", "verdict", "holds_for", "design", "why", "n", "test", "p", "survives")
    looked = any(claim.cautions for claim in document.claims)
    rows: list[tuple[Cell, ...]] = [
        (
            *(c.id, chapter.title, c.says, c.verdict, c.holds_for, c.design, c.why, c.n, c.test, c.p),
            *(None if c.survives is None else str(c.survives).lower(), c.seeds_needed, c.note),
            *((" ".join(caution.told for caution in c.cautions),) if looked else ()),
        )
        for chapter in document.chapters
        for c in chapter.claims
    ]
    return _table("claims", (*names, "seeds_needed", "note", *(("images",) if looked else ())), rows)


def numbers_table(claim: Judgement) -> Table:
    """The numbers that a claim rests on; p-values and effects are absent where they are undefined."""
    tested = ("p", "p_holm", "p_wilcoxon", "effect", "effect_low", "effect_high", "seeds_needed")
    rows: list[tuple[Cell, ...]] = []
    for x in claim.numbers:
        low, high = (x.effect.interval if x.effect else None) or (None, None)
        size = x.effect.size if x.effect else None
        p_values = (x.p, x.p_holm, x.p_wilcoxon)
        about = (x.holds_for, *(x.interval or (None, None)), x.median)
        p_and_effect = (*p_values, size, low, high, x.seeds_needed)
        rows.append((claim.id, x.says, x.claimed, x.verdict, x.estimate, *about, *p_and_effect))
    decides = ("holds_for", "decides_low", "decides_high", "median")
    names = ("claim", "number", "claimed", "verdict", "value", *decides, *tested)
    return _table(f"claim-{_slug(claim.id)}-numbers", names, rows)


def mcnemar_table(claim: Judgement) -> Table:
    """McNemar's tests of a claim, a row per number and seed."""
    names = ("claim", "number", "seed", "first_only", "second_only", "p")
    rows: list[tuple[Cell, ...]] = [
        (claim.id, number.says, test.seed, test.first_only, test.second_only, test.p)
        for number in claim.numbers
        for test in number.mcnemar
    ]
    return _table(f"claim-{_slug(claim.id)}-mcnemar", names, rows)


def _table(name: str, columns: Sequence[str], rows: Sequence[tuple[Cell, ...]]) -> Table:
    return Table(id=name, caption="", columns=tuple(Column(key=key, label=key) for key in columns), rows=tuple(rows))


# Places --------------------------------------------------------------------------------------------------------


def anchors(document: Document) -> dict[tuple[int, int], str]:
    """Where a page shows each claim: an id that is unique, by the numbers of chapter and claim from 0."""
    found: dict[tuple[int, int], str] = {}
    taken: set[str] = set()
    for i, chapter in enumerate(document.chapters):
        for j, claim in enumerate(chapter.claims):
            name = f"claim-{_slug(claim.id)}"
            while name in taken:
                name += "-"
            taken.add(name)
            found[i, j] = name
    return found


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)
