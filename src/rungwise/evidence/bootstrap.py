"""Intervals by resampling, for what is not a mean: a median, a rank correlation."""

import math
import warnings
from collections.abc import Callable

import numpy as np
from scipy import stats


def bootstrap(
    values: np.ndarray, statistic: Callable[[np.ndarray], float], *, seed: int = 0, resamples: int = 9999
) -> tuple[float, float] | None:
    """The 95% BCa interval (bias-corrected and accelerated; Efron 1987) of a statistic; repeatable for a `seed`.

    values: (n,), or (n, k) whose rows are resampled whole. None where n < 3, where the statistic is the same in all
    resamples, or where it is undefined in one of them. It cannot leave the range that resamples reach: the interval of
    a largest value or a range ends at the one seen.
    """
    array = np.asarray(values, dtype=float)
    if len(array) < 3:
        return None

    def of_rows(rows: np.ndarray) -> float:
        return float(statistic(array[rows.astype(int)]))

    with warnings.catch_warnings():
        # What is degenerate is returned as None; a statistic's own warnings speak of resamples, not of the values.
        warnings.simplefilter("ignore")
        found = stats.bootstrap(
            (np.arange(len(array)),),
            of_rows,
            vectorized=False,
            n_resamples=resamples,
            method="BCa",
            random_state=np.random.default_rng(seed),
        )
    low, high = float(found.confidence_interval.low), float(found.confidence_interval.high)
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None
