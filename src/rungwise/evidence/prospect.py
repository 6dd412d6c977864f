"""What seeds would show of one number of a claim, were its mean and scatter those of the seeds on record."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rungwise.evidence import ranges
from rungwise.evidence.decide import Count, Exact, Line, Median, Signs
from rungwise.evidence.estimate import Interval
from rungwise.evidence.medians import rank_of, seeds_needed_median, settles_median, sides
from rungwise.evidence.paired import LEVEL
from rungwise.evidence.power import MOST, POWER, least, settles
from rungwise.evidence.sample import Sample

ENDLESS = 10**9
"""Seeds that stand for as many as one likes."""
STUDIES = 200
"""Drawn for a count: the probability has a standard error of at most .035."""
Chance = Callable[[int], float]
"""The probability that a number of seeds settles it."""


def chance(sample: Sample, n: int, *, level: float = LEVEL) -> float | None:
    """The probability that n seeds settle whether the number lies in its region; None where nothing can be said.

    For the test that decides about the number (`Sample.test`): by the quadrature of `power.settles` on its scale, by
    the binomial distribution for a median, by seeds drawn from those on record for a count. Equal values are taken to
    stay equal. One seed settles nothing that has noise. `level`: of the test; where any of k numbers can refute a
    claim, .05 / k.
    """
    found = _chance(sample, level)
    if found is None or n > 1 or sample.exact:
        return None if found is None else found(n)
    return 0.0


def seeds_for(sample: Sample, *, level: float = LEVEL) -> int | None:
    """The least number of seeds that settles it four times in five; None where more than `MOST` would be needed, or
    nothing can be said."""
    if isinstance(sample.test, Exact):
        return 1
    if isinstance(sample.test, Median):
        return seeds_needed_median(_share(sample, sample.test), level=level)
    found = _chance(sample, level)
    return None if found is None else least(lambda n: found(n) >= POWER)


def half_width(sample: Sample, n: int) -> float | None:
    """Half of what the 95% interval of n seeds is expected to span, in the unit of the values; None where there is
    none, as of one seed."""
    found = _interval(sample, n)
    return None if found is None else (found[1] - found[0]) / 2


def limit(sample: Sample) -> str:
    """Why `seeds_for` says nothing, in words; empty where it does."""
    if unknown(sample) or seeds_for(sample) is not None:
        return ""
    ever = chance(sample, ENDLESS) if isinstance(sample.test, Line) else 0.0
    if ever is not None and ever >= POWER:
        return f"more than {MOST:,} seeds"
    if sample.test is not None and sample.test.centre in sample.bounds:
        return "no number of seeds: what is on record lies on the bound"
    return "no number of seeds; more images would" if sample.holds_for == "new images" else f"more than {MOST:,} seeds"


def unknown(sample: Sample) -> str:
    """Why nothing can be said of what seeds would show, in words; empty where something can."""
    if not sample.values:
        return "nothing on record"
    if len(sample.values) < 2 and not sample.exact:
        return "one seed on record says nothing of the scatter"
    if sample.test is not None:
        return ""
    if sample.holds_for == "new images" and not sample.ratio and sample.crossed is None:
        return "no answers to single images on record"
    return "nothing scatters among the seeds on record"


def _chance(sample: Sample, level: float) -> Chance | None:
    if unknown(sample):
        return None
    match sample.test:
        case Exact():
            return lambda n: 1.0
        case Line() as test:
            return functools.partial(_of_line, sample, test, level)
        case Median() as test:
            share = _share(sample, test)
            return lambda n: settles_median(share, n, level=level)
        case Signs() as test:
            return functools.partial(_of_signs, sample, test, level)
        case Count() as test:
            return functools.partial(_of_count, sample, test, level)
    return None


def _of_line(sample: Sample, test: Line, level: float, n: int) -> float:
    """A bound on an edge of the range, or beyond it, is one that no interval contains."""
    placed = (None if bound is None else test.on(bound) for bound in (sample.low, sample.high))
    low, high = (None if bound is None or math.isinf(bound) else bound for bound in placed)
    return settles(test.on(test.centre), test.line_at, n, low, high, sample.matters, level=level)


def _share(sample: Sample, test: Median) -> float:
    """Of the values, on the median's side of the bound that fewest of them are apart from."""
    return min(max(sides(test.values, bound)) for bound in sample.bounds) / len(test.values)


def _of_signs(sample: Sample, test: Signs, level: float, n: int) -> float:
    """Two seeds without any difference are enough not to support that there is one (`verdict`)."""
    if sample.difference and test.centre == 0 and not sample.contains(0.0):
        return 1.0
    return float(test.centre not in sample.bounds and n >= 1 - math.log2(level))


def _of_count(sample: Sample, test: Count, level: float, n: int) -> float:
    ends = [ranges.binomial(counts, trials, 1 - level) for counts, trials in _drawn(test, n)]
    return float(np.mean([not any(low <= bound <= high for bound in sample.bounds) for low, high in ends]))


class Clusters(NamedTuple):
    counts: tuple[float, ...]
    trials: tuple[int, ...]


def _drawn(test: Count, n: int) -> list[Clusters]:
    """Counts of n seeds, drawn from those on record; seeds that share what they count are one, however many."""
    if len(test.counts) < 2:
        return [Clusters(test.counts[:1], test.trials[:1])]
    if len(set(zip(test.counts, test.trials, strict=True))) == 1:
        return [Clusters(test.counts[:1] * n, test.trials[:1] * n)]
    picks = np.random.default_rng(0).integers(len(test.counts), size=(STUDIES, n))
    counts, trials = np.array(test.counts), np.array(test.trials)
    return [Clusters(tuple(counts[pick].tolist()), tuple(trials[pick].tolist())) for pick in picks]


def _interval(sample: Sample, n: int) -> Interval | None:
    """That n seeds are expected to give; of a count the median ends, of a median by the quantiles of the values."""
    if unknown(sample) or (n < 2 and not sample.exact):
        return None
    match sample.test:
        case Exact() as test:
            return test.interval
        case Line() as test:
            return ranges.around(test.centre, *test.at(n), test.scale, test.most)
        case Median() as test if rank := rank_of(n):
            tail = (rank - 0.5) / n
            low, high = np.quantile(test.values, [tail, 1 - tail], method="hazen")
            return float(low), float(high)
        case Signs() as test if n >= 1 - math.log2(LEVEL):
            return test.centre, test.centre
        case Count() as test:
            low, high = np.median([ranges.binomial(*clusters) for clusters in _drawn(test, n)], axis=0)
            return float(low), float(high)
    return None
