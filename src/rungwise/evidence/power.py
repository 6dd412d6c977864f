"""How many seeds would settle a question: the power of the 95% t-interval of a mean."""

import functools

import numpy as np
from scipy import special, stats

MOST = 1000
"""No more seeds than this are ever advised."""


def settles(mean: float, sd: float, n: int, low: float | None, high: float | None, matters: float = 0) -> float:
    """The probability that n new values from Normal(mean, sd) settle whether their mean lies in (low, high).

    They do where the 95% t-interval contains neither bound (None: there is none on that side), or where it lies within
    (-matters, matters). By quadrature over the sample's standard deviation, given which the sample's mean is normal;
    good to about 1e-5. ValueError where n < 2, sd is not positive, or low is not below high.
    """
    if n < 2 or sd <= 0:
        raise ValueError(f"the power of a t-interval needs n >= 2 and a positive sd; got n = {n}, sd = {sd}")
    if low is not None and high is not None and low >= high:
        raise ValueError(f"a region needs its low bound below its high one; got {low} and {high}")
    quantiles, weights = _nodes()
    # s / sd is chi(n-1) / sqrt(n-1); in units of sd / sqrt(n), the interval's half-width is t s / sd.
    half = float(stats.t.ppf(0.975, n - 1)) * np.sqrt(2 * special.gammaincinv((n - 1) / 2, quantiles) / (n - 1))
    unit = sd / np.sqrt(n)
    bounds = [(bound - mean) / unit for bound in (low, high) if bound is not None]
    unsettled = _around(bounds, half, -np.inf, np.inf)
    if matters > 0:
        reach = matters / unit - half
        unsettled -= _around(bounds, half, -mean / unit - reach, -mean / unit + reach)
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
    mean: float, sd: float, low: float | None, high: float | None, matters: float = 0.0, *, power: float = 0.8
) -> int | None:
    """The smallest n that `settles` with at least the probability `power`.

    None where sd is 0, where more than `MOST` would be needed, and so where the mean lies on a bound and `matters`
    doesn't help. Among few seeds the power may fall as n grows, so these are tried one by one; beyond, it rises.
    """
    if sd <= 0:
        return None

    def enough(n: int) -> bool:
        return settles(mean, sd, n, low, high, matters) >= power

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
