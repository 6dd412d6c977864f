"""The median over seeds: an exact interval and test, whatever the values' distribution, and the seeds that it takes."""

from collections.abc import Sequence

import numpy as np
from scipy import special

from rungwise.evidence.paired import LEVEL, RESOLUTION


def median_interval(values: Sequence[float] | np.ndarray) -> tuple[float, float] | None:
    """The 95% interval of the median between two order statistics: x(k) to x(n + 1 - k), ends included.

    values: n independent values of one distribution. k is the largest with 2 P(Binomial(n, 1/2) < k) <= .05, so the
    interval covers at least 95%, with ties too, and no value far off moves it (Thompson 1936; Conover 1999, 3.2). None
    where n < 6: even from the least to the largest value it would cover less.
    """
    ascending = np.sort(np.asarray(values, dtype=float))
    rank = rank_of(len(ascending))
    return (float(ascending[rank - 1]), float(ascending[-rank])) if rank else None


def rank_of(n: int, level: float = LEVEL) -> int:
    """The k of `median_interval`, at another level too; 0 where there is none."""
    tails = special.bdtr(np.arange(n // 2 + 1), n, 0.5) if n else np.ones(1)
    return int((2 * tails <= level).sum())


def sides(values: Sequence[float] | np.ndarray, bound: float) -> tuple[int, int]:
    """How many values lie above and below the bound; those that agree with it to about 9 digits are neither."""
    array = np.asarray(values, dtype=float)
    dust = RESOLUTION * max(float(np.abs(array).max(initial=0)), abs(bound))
    return int((array - bound > dust).sum()), int((bound - array > dust).sum())


def median_p(values: Sequence[float] | np.ndarray, bound: float) -> float | None:
    """Two-sided p of the exact test that the median is `bound`; None without values.

    At most .05 exactly where `median_interval` leaves the bound out. A value on the bound speaks for it: the sign test
    (`paired.sign_p`) drops such values, and would find a median other than 0 where six of twenty differences lie above
    0 and all others are 0. Without them the two are the same.
    """
    n, most = len(values), max(sides(values, bound))
    return min(1.0, 2 * float(special.bdtr(n - most, n, 0.5))) if n else None


def settles_median(share: float, n: int, *, level: float = LEVEL) -> float:
    """The probability that n seeds settle on which side of a bound the median lies, on the right side.

    share: of the distribution, in [0, 1], on the side of the bound that the median is on; a value on the bound is on
    neither. 0 where no interval has so few, n < 6 at 95%. ValueError where the share is outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1; got {share}")
    rank = rank_of(n, level)
    return float(special.bdtr(rank - 1, n, 1 - share)) if rank else 0.0


def seeds_needed_median(share: float, *, power: float = 0.8, most: int = 1000, level: float = LEVEL) -> int | None:
    """The smallest n at which `settles_median` has at least this power; None beyond `most` or where share <= 1/2.

    The power is a saw: it falls a little wherever another seed is needed on the right side. So each n is tried.
    """
    if share <= 0.5:
        return None
    return next((n for n in range(6, most + 1) if settles_median(share, n, level=level) >= power), None)
