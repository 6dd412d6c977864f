"""Seeds whose value lies far from the others: a net that now and then collapses.

The interval of a mean cannot know of a collapse that it has not seen, and one that it has seen makes it wide. So such
seeds are named, and the median stands beside the mean.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from scipy import special

from rungwise.evidence.paired import ROUNDING
from rungwise.settings import PlainData

FEWEST = 4
"""Values below which none can be told from the others."""
ALARMS = 0.005
"""Per value, divided by n: sets of normal values with an alarm are then under 1% (`simulations/collapse.py`)."""


class Collapses(PlainData):
    """What there is beside a mean where some seeds lie far from the others, in the unit of the values."""

    n: int
    median: float
    far: tuple[int, ...]
    share: float
    """Of the seeds, the fraction that lies far."""
    others: tuple[float, float]
    """The least and the largest value of the other seeds."""


def collapses(
    values: Mapping[int, float], better: Literal["higher", "lower"] | None, *, unit: float | None = None
) -> Collapses | None:
    """The summary of values by seed; None without values. Arguments and errors are those of `far`."""
    if not values:
        return None
    apart = far(values, better, unit=unit)
    others = [value for seed, value in values.items() if seed not in apart]
    return Collapses(
        n=len(values),
        median=float(np.median(list(values.values()))),
        far=apart,
        share=len(apart) / len(values),
        others=(min(others), max(others)),
    )


def far(
    values: Mapping[int, float], better: Literal["higher", "lower"] | None, *, unit: float | None = None
) -> tuple[int, ...]:
    """The seeds that lie far from the others on the worse side, ascending; on either side where neither is better.

    The k worst lie far where each is too far below the n - k others to be one more of them: below the prediction
    interval (Student's t) of a new value at the level `ALARMS` / n. They are fewer than half, and the largest such k
    counts, so that two collapsed seeds do not hide each other. The others' standard deviation is taken to be at least
    one step, so that ties do not make one image look far.

    unit: the least step of the values, as 1 / images of an accuracy; by default the least difference among them. Then a
    single seed beside equal ones is never far, since the step may be as large. None is far among fewer than `FEWEST`.
    ValueError where a value is not finite.
    """
    seeds, given = list(values), np.array(list(values.values()), dtype=float)
    if not np.isfinite(given).all():
        raise ValueError(f"seeds are far from others by finite values; got {dict(values)}")
    signs = {"higher": (1.0,), "lower": (-1.0,), None: (1.0, -1.0)}[better]
    apart: set[int] = set()
    for sign in signs:
        count = int(fallen(sign * given, ALARMS / len(signs), unit))
        apart.update(seeds[place] for place in np.argsort(sign * given, kind="stable")[:count])
    return tuple(sorted(apart))


def fallen(values: np.ndarray, level: float, unit: float | None = None) -> np.ndarray:
    """How many of the least values lie far below the others; the rule of `far`, which is about one set.

    values: (..., n), each set in any order. Returns (...), int, less than n / 2. level: as `ALARMS`.
    """
    n = values.shape[-1]
    ascending = np.sort(values, axis=-1)
    step = _step(ascending, unit)
    count = np.zeros(values.shape[:-1], dtype=int)
    # Three others at least: two have too little scatter to tell anything from.
    for k in range(1, min((n - 1) // 2, n - 3) + 1):
        last, others = ascending[..., k - 1], ascending[..., k:]
        sd = np.maximum(others.std(axis=-1, ddof=1), step)
        reach = special.stdtrit(n - k - 1, 1 - level / n) * sd * np.sqrt(1 + 1 / (n - k))
        # A value that ties with the least of the others is not apart from them, however many those are.
        apart = (others.mean(axis=-1) - last > reach) & (others[..., 0] - last >= step / 2)
        count = np.where(apart, k, count)
    return count


def _step(ascending: np.ndarray, unit: float | None) -> np.ndarray:
    """(...): the least step of each set: `unit`, or the least difference that is more than what 32 bits lose."""
    dust = ROUNDING * np.abs(ascending).max(axis=-1, initial=0)
    if unit is not None:
        return np.asarray(np.maximum(dust, unit))
    steps = np.diff(ascending, axis=-1)
    least = np.where(steps > dust[..., None], steps, np.inf).min(axis=-1, initial=np.inf)
    return np.asarray(np.where(np.isfinite(least), least, dust))
