"""A quantity measured once per seed: its mean and what is known of its noise."""

import math
from collections.abc import Iterable

import numpy as np
from pydantic import BaseModel, ConfigDict, computed_field
from scipy import stats


class Estimate(BaseModel):
    """Values of one quantity, one per seed. An interval that is undefined (n < 2) is absent, never 0."""

    model_config = ConfigDict(frozen=True)

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
        """The two-sided 95% Student t-interval of the mean: mean ± t(.975, n-1) s / sqrt(n)."""
        if self.n < 2:
            return None
        half = float(stats.t.ppf(0.975, self.n - 1)) * float(np.std(self.values, ddof=1)) / math.sqrt(self.n)
        return self.mean - half, self.mean + half


def estimate(values: Iterable[float]) -> Estimate | None:
    """The estimate from one value per seed; None where no seed has run."""
    kept = tuple(float(value) for value in values)
    return Estimate(values=kept) if kept else None


def paired_difference(a: dict[int, float], b: dict[int, float]) -> Estimate | None:
    """a - b over the seeds that both have (seed -> value): the same split, subset and order on both sides."""
    return estimate(a[seed] - b[seed] for seed in sorted(a.keys() & b.keys()))
