"""Claims in words and tables: what every form of the report tells of them."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import get_args

from rungwise.evidence.estimate import Estimate
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


def mean_and_interval(estimate: Estimate) -> tuple[str, str]:
    """The mean, and the interval or nothing, with decimals that show two significant digits of the interval's half.

    Equal values have no interval worth telling: theirs has no width.
    """
    low, high = estimate.interval or (estimate.mean, estimate.mean)
    half = (high - low) / 2
    rounding = 1e-9 * max(abs(low), abs(high))
    if not half > rounding or not math.isfinite(half):
        return printed(estimate.mean, None), ""
    digits = min(9, max(0, 1 - math.floor(math.log10(half))))
    return printed(estimate.mean, digits), span((low, high), digits)


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
        mean, interval = mean_and_interval(number.estimate)
        interval = f" (95% interval {interval})" if interval else ""
        found.append(f"mean {mean}{interval}, n = {number.estimate.n}")
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
    names = ("claim", "chapter", "says", "verdict", "why", "n", "test", "seeds_needed", "note")
    rows: list[tuple[Cell, ...]] = [
        (c.id, chapter.title, c.says, c.verdict, c.why, c.n, c.test, c.seeds_needed, c.note)
        for chapter in document.chapters
        for c in chapter.claims
    ]
    return _table("claims", names, rows)


def numbers_table(claim: Judgement) -> Table:
    """The numbers that a claim rests on; p-values and effects are absent where they are undefined."""
    tested = ("p", "p_holm", "p_wilcoxon", "effect", "effect_low", "effect_high", "seeds_needed")
    rows: list[tuple[Cell, ...]] = []
    for x in claim.numbers:
        low, high = (x.effect.interval if x.effect else None) or (None, None)
        size = x.effect.size if x.effect else None
        p_values = (x.p, x.p_holm, x.p_wilcoxon)
        rows.append((claim.id, x.says, x.claimed, x.verdict, x.estimate, *p_values, size, low, high, x.seeds_needed))
    names = ("claim", "number", "claimed", "verdict", "value", *tested)
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
