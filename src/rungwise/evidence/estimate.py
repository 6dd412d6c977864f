"""A quantity measured once per seed: its mean and what is known of its noise."""

import math
from collections.abc import Iterable

import numpy as np
from pydantic import computed_field
from scipy import stats

from rungwise.settings import PlainData


class Estimate(PlainData):
    """Values of one quantity, one per seed. An interval that is undefined (n < 2) is absent, never 0."""

    values: tuple[float, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def n(self) -> int:
        return len(self.values)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def interval(self) -> tuple[float, float] | None:
        """The `t_interval` of the mean; None where n < 2."""
        if self.n < 2:
            return None
        low, high = t_interval(np.array(self.values))
        return float(low), float(high)


def t_interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two-sided 95% Student t-interval of the mean over the first axis: mean ± t(.975, n-1) s / sqrt(n).

    values: (n, ...), real, n >= 2. Both ends are (...).
    """
    n = len(values)
    half = stats.t.ppf(0.975, n - 1) * values.std(axis=0, ddof=1) / math.sqrt(n)
    mean = values.mean(axis=0)
    return mean - half, mean + half


def estimate(values: Iterable[float]) -> Estimate | None:
    """The estimate from one value per seed; None where no seed has run."""
    kept = tuple(float(value) for value in values)
    return Estimate(values=kept) if kept else None


def paired_difference(a: dict[int, float], b: dict[int, float]) -> Estimate | None:
    """a - b over the seeds that both have (seed -> value): the same split, subset and order on both sides."""
    return estimate(a[seed] - b[seed] for seed in sorted(a.keys() & b.keys()))
