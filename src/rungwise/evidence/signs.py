"""A bet on signs: whether a median, or the centre of any symmetric noise, lies above or below a bound, at every look.

Where `bound` is the median, a value lies above it as often as below, and who bets the share b of a stake of 1 on
"above" each time has prod(1 + b sign(x_i - bound)) after n values: a martingale, which reaches 1 / level with
probability at most `level`. The e-value here is the mean over both directions and over all b in (0, 1), uniformly. With
m values on one side and n - m on the other it is 2^n times the beta function of (m + 1, n - m + 1): with theta =
(1 + b) / 2 both directions together are the mean over theta in (0, 1) of 2^n theta^m (1 - theta)^(n - m) (Ville 1939;
Robbins 1970).

A value on the bound could count for either side. It is counted so that the e-value is smallest: were it assigned by the
toss of a coin that makes both sides equally likely, the product would be a martingale, and the smallest is below it.
So the bet holds for noise with ties, and for a median that many values share.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from rungwise.evidence.anytime import LARGEST, tolerance


def signs_e(values: Sequence[float] | np.ndarray, bound: float) -> float:
    """The e-value of the bet on signs against the median `bound`. values: (n,), by seed; 1 of no values."""
    array = np.asarray(values, dtype=float)
    if not len(array):
        return 1.0
    above, below = sides(array, bound)
    return math.exp(min(LARGEST, float(log_signs(above, below)[-1])))


def sides(values: np.ndarray, bound: float) -> tuple[np.ndarray, np.ndarray]:
    """How many values of each prefix lie above and below the bound by more than rounding errors: (..., n) each."""
    away, near = values - bound, tolerance(values, bound)
    return np.cumsum(away > near, axis=-1), np.cumsum(away < -near, axis=-1)


def log_signs(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """The logarithm of the e-value of each prefix, from `sides`; (..., n)."""
    n = np.arange(1, above.shape[-1] + 1)
    more = np.maximum(np.maximum(above, below), (n + 1) // 2)
    log: np.ndarray = n * math.log(2) + special.betaln(more + 1, n - more + 1)
    return log


def enough(level: float, most: int) -> np.ndarray:
    """(most,): of n = 1, 2, ..., `most` values, how many on one side reject; n + 1 where even all n are not enough."""
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, got {level}")
    n = np.arange(1, most + 1)[:, None]
    m = np.arange(1, most + 1)[None, :]
    log_e = n * math.log(2) + special.betaln(m + 1, np.maximum(n - m, 0) + 1)
    rejects = (2 * m > n) & (m <= n) & (log_e >= -math.log(level))
    return np.where(rejects.any(axis=1), rejects.argmax(axis=1) + 1, n[:, 0] + 1)


def earliest_signs(level: float) -> int:
    """The first n at which n equal signs reject: where 2^n / (n + 1) >= 1 / level."""
    n = 1
    while enough(level, n)[-1] > n:
        n += 1
    return n


def median_interval(values: Sequence[float] | np.ndarray, level: float) -> tuple[float, float] | None:
    """The medians that the bet on signs does not reject at this look; both ends belong to it.

    A median is rejected where at least `enough` values lie strictly to one side of it: the ends are order statistics.
    It contains the median at every look at once with probability 1 - level. None before `earliest_signs`. ValueError
    unless 0 < level < 1.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n = len(ordered)
    if not n or (needed := int(enough(level, n)[-1])) > n:
        return None
    return float(ordered[n - needed]), float(ordered[needed - 1])
