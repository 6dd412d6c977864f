"""Intervals that stay inside the range of what is measured: shares in [0, most], positive quantities above 0.

The t-interval is computed on a line without ends, by the delta method, and mapped back: on the logit of a share, on the
logarithm of a loss, a time or a count.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import special

from rungwise.evidence.paired import equal

Scale = Literal["plain", "share", "positive"]
"""share: from 0 to `most`, as an accuracy (most 1) or a count that has a maximum. positive: above 0. plain: any."""


def to_line(scale: Scale, value: float, most: float = 1.0) -> float:
    """log(value / (most - value)) of a share, log(value) of a positive quantity, else the value itself.

    Infinite on an edge of the range; NaN outside it.
    """
    if scale == "share":
        return float(special.logit(value / most))
    if scale == "positive":
        return math.nan if value < 0 else float(special.xlogy(1.0, value))
    return float(value)


def from_line(scale: Scale, place: float, most: float = 1.0) -> float:
    """The value at a place on the line: the inverse of `to_line`."""
    if scale == "share":
        return most * float(special.expit(place))
    return math.exp(place) if scale == "positive" else float(place)


def derivative(scale: Scale, value: float, most: float = 1.0) -> float:
    """The derivative of `to_line` at a value inside the range: most / (value (most - value)), 1 / value, or 1."""
    if scale == "share":
        return most / (value * (most - value))
    return 1 / value if scale == "positive" else 1.0


def inside(scale: Scale, values: Sequence[float], most: float = 1.0) -> bool:
    """Whether no value lies outside the range; the edges belong to it."""
    if scale == "plain":
        return True
    return min(values) >= 0 and (scale == "positive" or max(values) <= most)


def interval(
    values: Sequence[float], scale: Scale, most: float = 1.0, factor: float | None = None
) -> tuple[float, float] | None:
    """The 95% interval of the mean of one value per seed, inside the range of the scale.

    factor: what the values' variance is multiplied by to be that of their mean; 1/n without it, 1/n + n_test/n_train
    where splits share one pool (`pool.factor`). Values of which one lies outside the range get the plain t-interval:
    the range that was declared is wrong, and the caller can tell so (`inside`). None where n < 2, where all values are
    equal or where their mean lies on an edge of the range: the seeds then say nothing of the noise.
    """
    n = len(values)
    if n < 2 or equal(values):
        return None
    se = float(np.std(values, ddof=1)) * math.sqrt(1 / n if factor is None else factor)
    used = scale if inside(scale, values, most) else "plain"
    return around(float(np.mean(values)), se, n - 1, used, most)


def around(mean: float, se: float, df: float, scale: Scale, most: float = 1.0) -> tuple[float, float] | None:
    """The 95% t-interval of a mean that has a standard error and degrees of freedom, inside the range of the scale.

    The delta method: to_line(mean) ± t(.975, df) se derivative(mean), mapped back. None where se is 0, and where the
    mean lies on an edge of the range or outside it.
    """
    if se == 0 or not (scale == "plain" or (mean > 0 and (scale == "positive" or mean < most))):
        return None
    place = to_line(scale, mean, most)
    # Beyond 700 a double overflows; an interval as wide as that has the whole range.
    half = float(special.stdtrit(df, 0.975)) * se * derivative(scale, mean, most)
    ends = (place - half, place + half) if scale == "plain" else (max(place - half, -700.0), min(place + half, 700.0))
    return from_line(scale, ends[0], most), from_line(scale, ends[1], most)


def binomial(counts: Sequence[float], trials: Sequence[int], level: float = 0.95) -> tuple[float, float]:
    """The exact binomial interval of a share whose trials come in clusters, one per seed (Korn and Graubard 1998).

    counts: of each of k seeds, what came true among its trials; trials: how many it had, at least 1. The interval is
    that of Clopper and Pearson (1934) with the effective number of trials n* = p (1 - p) / var, where var is the
    variance of p by the scatter of the seeds, times (t(N-1) / t(k-1))^2, as that scatter has k - 1 degrees of freedom.
    It is at most N, the number of all trials. Where the seeds do not scatter, p (1 - p) / var is taken as N. One seed:
    N trials as they are. ValueError where counts and trials do not fit.
    """
    given, of = np.asarray(counts, dtype=float), np.asarray(trials, dtype=float)
    if given.shape != of.shape or given.size == 0 or (of < 1).any() or (given < 0).any() or (given > of).any():
        raise ValueError(f"needs a count from 0 to the number of trials for each seed; got {counts} of {trials}")
    total, share = float(of.sum()), float(given.sum() / of.sum())
    effective = total if given.size == 1 else _effective(given, of, level)
    tail = (1 - level) / 2
    right, wrong = share * effective, (1 - share) * effective
    low = float(special.betaincinv(right, wrong + 1, tail)) if given.any() else 0.0
    high = float(special.betaincinv(right + 1, wrong, 1 - tail)) if (given < of).any() else 1.0
    return low, high


def _effective(counts: np.ndarray, trials: np.ndarray, level: float) -> float:
    """n*, of at least 2 clusters; the variance of p is that of a ratio estimate, as clusters may differ in size."""
    k, total = counts.size, float(trials.sum())
    share = float(counts.sum()) / total
    residuals = counts - share * trials
    variance = k / (k - 1) * math.fsum(residuals * residuals) / total**2
    # Seeds that all have the same share differ by rounding here, of about 1e-16 of a trial each.
    effective = share * (1 - share) / variance if variance > (1e-9 / total) ** 2 else total
    tail = (1 + level) / 2
    effective *= float(special.stdtrit(total - 1, tail) / special.stdtrit(k - 1, tail)) ** 2
    # Trials of one net cannot agree less than by chance: where n* exceeds N, the seeds agree by chance, in a quarter of
    # studies of five seeds. Untruncated, about 90% of the intervals of those studies hold the share (simulated).
    return min(effective, total)
