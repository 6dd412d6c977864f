"""Tests on values paired by seed (differences, mostly) against a bound, and what goes with them.

A difference of two accuracies that are equal on paper is often not equal in floating point. Wherever equality counts
(no variance, ties, a value on the bound), values that agree to about 9 significant digits are therefore taken as equal.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import optimize, stats

from rungwise.settings import PlainData

LEVEL = 0.05
"""Of every test, two-sided: that of the 95% interval."""
RESOLUTION = 2.0**-30
"""Relative: far above rounding (about 1e-12 of a difference of two accuracies), far below what 32-bit records hold."""
ROUNDING = 1e-6
"""Relative to the values that differences are taken of: what 32-bit records lose (6e-8 each), with room; one image of
60,000 is far above it."""


class Effect(PlainData):
    """A standardised difference: the mean over the standard deviation of the values, with its 95% interval."""

    size: float
    interval: tuple[float, float] | None


class McNemar(PlainData):
    """The exact test on the test images of two fitted nets: it speaks of these two nets, and of no others."""

    seed: int
    first_only: int
    """Images that only the first net classifies right."""
    second_only: int
    p: float


def _deviations(values: Sequence[float] | np.ndarray, bound: float) -> np.ndarray:
    """(n,): values - bound on a grid of `RESOLUTION`, in units of the largest of |values| and |bound|."""
    array = np.asarray(values, dtype=float)
    scale = max(float(np.abs(array).max(initial=0)), abs(bound)) or 1.0
    # The grid is a power of two: on a decimal one, shares of the test images could lie halfway between two points,
    # where rounding errors would part what is equal.
    return np.round((array - bound) / (scale * RESOLUTION))


def without_rounding(differences: Sequence[float], scale: float) -> tuple[float, ...]:
    """Differences that scatter by no more than 32 bits lose are equal, and 0 where they may be.

    `scale`: the largest absolute value of what was subtracted.
    """
    error = ROUNDING * scale
    if not differences or max(differences) - min(differences) > error:
        return tuple(differences)
    return (0.0 if abs(differences[0]) <= error else differences[0],) * len(differences)


def equal(values: Sequence[float]) -> bool:
    """Whether all values are the same, but for rounding."""
    return len(values) < 2 or float(np.ptp(_deviations(values, 0.0))) == 0


def _t(values: Sequence[float], bound: float) -> float | None:
    """Student's t of the mean against the bound; None where n < 2 or the values don't vary."""
    if len(values) < 2 or equal(values):
        return None
    return (float(np.mean(values)) - bound) / (float(np.std(values, ddof=1)) / math.sqrt(len(values)))


def t_p(values: Sequence[float], bound: float) -> float | None:
    """Two-sided p of the one-sample t-test that the mean is `bound`: on differences, the paired t-test.

    None where n < 2 or the values don't vary.
    """
    t = _t(values, bound)
    return None if t is None else 2 * float(stats.t.sf(abs(t), len(values) - 1))


def tost_p(values: Sequence[float], low: float, high: float) -> float | None:
    """The p of the two one-sided t-tests (Schuirmann 1987) that the mean lies outside (low, high): the larger one.

    None as for `t_p`.
    """
    above, below = _t(values, low), _t(values, high)
    if above is None or below is None:
        return None
    return max(float(stats.t.sf(above, len(values) - 1)), float(stats.t.cdf(below, len(values) - 1)))


def sign_p(values: Sequence[float], bound: float) -> float | None:
    """Two-sided p of the exact sign test that the median is `bound`; values on the bound are dropped.

    None where no value is left. Unlike the t-test, it is defined where all values are equal: 2^(1-n).
    """
    deviations = _deviations(values, bound)
    above, below = int((deviations > 0).sum()), int((deviations < 0).sum())
    return float(stats.binomtest(above, above + below).pvalue) if above + below else None


def wilcoxon_p(values: Sequence[float], bound: float) -> float | None:
    """Two-sided p of Wilcoxon's signed-rank test that the values lie symmetrically about `bound`; always exact.

    Ties have their mean rank, and the null distribution is that of the ranks as they are, each with a random sign; so
    it stays exact with ties, where scipy's table doesn't hold. Values on the bound are ranked, then dropped (Pratt
    1959): were they dropped first, the p could rise by moving every value further above the bound.
    None where every value is on the bound.
    """
    deviations = _deviations(values, bound)
    signed = deviations != 0
    if not signed.any():
        return None
    doubled = np.round(2 * stats.rankdata(np.abs(deviations)))[signed].astype(int)
    positive = int(doubled[deviations[signed] > 0].sum())
    extreme = min(positive, int(doubled.sum()) - positive)
    return min(1.0, 2 * float(_sums(doubled)[: extreme + 1].sum()))


def _sums(ranks: np.ndarray) -> np.ndarray:
    """(sum + 1,): the probability of each sum of `ranks` (whole numbers), each one in the sum with probability 1/2."""
    chances = np.zeros(int(ranks.sum()) + 1)
    chances[0] = 1.0
    for rank in ranks:
        shifted = np.zeros_like(chances)
        shifted[rank:] = chances[:-rank]
        chances = (chances + shifted) / 2
    return chances


def wilcoxon_floor(n: int) -> float:
    """The least p that `wilcoxon_p` of n values can reach, where all have one sign: 5 cannot come below .0625."""
    return min(1.0, 2.0 ** (1 - n))


def mcnemar_p(first_only: int, second_only: int) -> float:
    """Two-sided p of McNemar's test, exact: binomial over the images that only one of the two nets has right."""
    discordant = first_only + second_only
    return float(stats.binomtest(first_only, discordant).pvalue) if discordant else 1.0


def mcnemar(seed: int, first_correct: np.ndarray, second_correct: np.ndarray) -> McNemar:
    """McNemar's test of two fitted nets; (images,) each, bool: whether a net has an image of the test set right.

    ValueError where the two are not about the same number of images.
    """
    if first_correct.shape != second_correct.shape:
        raise ValueError(
            "McNemar's test needs both nets' answers to the same test images; "
            f"got {first_correct.shape} and {second_correct.shape} for seed {seed}"
        )
    first, second = first_correct.astype(bool), second_correct.astype(bool)
    first_only, second_only = int((first & ~second).sum()), int((second & ~first).sum())
    return McNemar(seed=seed, first_only=first_only, second_only=second_only, p=mcnemar_p(first_only, second_only))


def holm(ps: Sequence[float]) -> list[float]:
    """Adjusted p-values after Holm (1979), in the order given: the family-wise error stays at the level tested."""
    adjusted, largest = [0.0] * len(ps), 0.0
    for step, index in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        largest = max(largest, min(1.0, (len(ps) - step) * ps[index]))
        adjusted[index] = largest
    return adjusted


def effect(values: Sequence[float], bound: float = 0.0) -> Effect | None:
    """The standardised difference d_z = (mean - bound) / s with its 95% interval (Cumming and Finch 2001).

    None where n < 2 or the values don't vary.
    """
    t = _t(values, bound)
    if t is None:
        return None
    root = math.sqrt(len(values))
    low, high = _noncentrality(abs(t), len(values) - 1)
    ends = (low / root, high / root) if t >= 0 else (-high / root, -low / root)
    return Effect(size=t / root, interval=ends)


def _noncentrality(t: float, df: int) -> tuple[float, float]:
    """The noncentralities at which `t` >= 0 is the .975 and the .025 quantile of the noncentral t.

    With U = sqrt(chi2(df) / df) and a standard normal Z they are the .025 and .975 quantiles of t U - Z. That brackets
    them: below by u(.0125) t - z(.9875) and u(.95) t, above by u(.05) t and u(.9875) t + z(.9875). Beyond t = 1e4, Z is
    nothing beside t U and scipy's noncentral t loses digits: the quantiles of t U alone are returned.
    """
    u = {q: t * math.sqrt(float(stats.chi2.ppf(q, df)) / df) for q in (0.0125, 0.025, 0.05, 0.95, 0.975, 0.9875)}
    if t > 1e4:
        return u[0.025], u[0.975]
    z = float(stats.norm.ppf(0.9875))

    def excess(noncentrality: float, share: float) -> float:
        return float(stats.nct.cdf(t, df, noncentrality)) - share

    return (
        float(optimize.brentq(excess, u[0.0125] - z, u[0.05], args=(0.975,))),
        float(optimize.brentq(excess, u[0.95], u[0.9875] + z, args=(0.025,))),
    )


def slope(values: Sequence[float] | np.ndarray, places: Sequence[float] | None = None) -> float:
    """The least-squares slope of k values over k places, k >= 2 and not all places equal.

    Without places, over the ranks 0 ... k-1: the linear contrast of ordered conditions.
    """
    x = range(len(values)) if places is None else places
    middle = math.fsum(x) / len(values)
    arms = [place - middle for place in x]
    # Less the first value, so that equal values have a slope of exactly 0. The sums are correctly rounded: those of a
    # matrix product depend on the processor's kernels, and a report is the same wherever it is made.
    rise = math.fsum(arm * (float(value) - float(values[0])) for arm, value in zip(arms, values, strict=True))
    return rise / math.fsum(arm * arm for arm in arms)
