"""How many seeds would settle a question: the power of the 95% t-interval of a mean."""

import functools
import math
from collections.abc import Callable

import numpy as np
from scipy import special, stats

from rungwise.evidence.decide import At
from rungwise.evidence.paired import LEVEL

MOST = 1000
"""No more seeds than this are ever advised."""
POWER = 0.8
"""The probability with which an advised number of seeds settles a question."""


def independent(sd: float) -> At:
    """Of independent values with that standard deviation. ValueError where it is not positive."""
    if sd <= 0:
        raise ValueError(f"the power of a t-interval needs n >= 2 and a positive sd; got sd = {sd}")
    return lambda n: (sd / math.sqrt(n), n - 1)


def settles(
    mean: float,
    at: At,
    n: int,
    low: float | None,
    high: float | None,
    matters: float = 0,
    *,
    level: float = LEVEL,
) -> float:
    """The probability that n seeds settle whether the true mean lies in (low, high).

    They do where the t-interval, of 95% unless `level` is another, contains neither bound (None: there is none on that
    side), or where it lies within (-matters, matters). The sample's mean is taken to be normal, with the standard error
    and the degrees of freedom that `at` says. By quadrature over the sample's standard error; good to about 1e-5.
    ValueError where n < 2 or low is not below high.
    """
    if n < 2:
        raise ValueError(f"the power of a t-interval needs n >= 2 and a positive sd; got n = {n}")
    if low is not None and high is not None and low >= high:
        raise ValueError(f"a region needs its low bound below its high one; got {low} and {high}")
    se, df = at(n)
    quantiles, weights = _nodes()
    # The estimated over the true standard error is chi(df) / sqrt(df); half-widths are in units of the true one.
    half = float(stats.t.ppf(1 - level / 2, df)) * np.sqrt(2 * special.gammaincinv(df / 2, quantiles) / df)
    bounds = [(bound - mean) / se for bound in (low, high) if bound is not None]
    unsettled = _around(bounds, half, -np.inf, np.inf)
    if matters > 0:
        reach = matters / se - half
        unsettled -= _around(bounds, half, -mean / se - reach, -mean / se + reach)
    return float(np.clip(1 - weights @ unsettled, 0, 1))


def _around(bounds: list[float], half: np.ndarray, start: np.ndarray | float, end: np.ndarray | float) -> np.ndarray:
    """Per half-width, the probability that a standard normal lies between start and end and within it of a bound."""
    total = np.zeros_like(half)
    covered = np.full_like(half, -np.inf)
    for bound in sorted(bounds):
        left, right = np.maximum(np.maximum(bound - half, covered), start), np.minimum(bound + half, end)
        total += np.maximum(special.ndtr(right) - special.ndtr(left), 0)
        covered = bound + half
    return total


@functools.cache
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes on (0, 1) and their weights, which sum to 1: to average over quantiles."""
    nodes, weights = special.roots_legendre(200)
    return (nodes + 1) / 2, weights / 2


def seeds_needed(
    mean: float,
    at: At,
    low: float | None,
    high: float | None,
    matters: float = 0.0,
    *,
    power: float = POWER,
    level: float = LEVEL,
) -> int | None:
    """The smallest n that `settles` with at least the probability `power`.

    None where more than `MOST` would be needed, and so where the mean lies on a bound and `matters` doesn't help, or
    where the standard error does not fall as far as it must, however many seeds there are.
    """
    return least(lambda n: settles(mean, at, n, low, high, matters, level=level) >= power)


def least(enough: Callable[[int], bool]) -> int | None:
    """The smallest n from 2 to `MOST` that is enough; None where there is none.

    Among few seeds a power may fall as n grows, so these are tried one by one; beyond, it is taken to rise.
    """
    for n in range(2, 17):
        if enough(n):
            return n
    if not enough(MOST):
        return None
    short, long = 16, 32
    while not enough(long):
        short, long = long, min(2 * long, MOST)
    while long - short > 1:
        middle = (short + long) // 2
        short, long = (short, middle) if enough(middle) else (middle, long)
    return long
