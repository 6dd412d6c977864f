"""A quantity measured once per seed: its mean and what is known of its noise."""

import functools
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
from pydantic import Field, computed_field

from rungwise.evidence import ranges
from rungwise.evidence.paired import ROUNDING, equal
from rungwise.evidence.pool import factor
from rungwise.evidence.ranges import Scale
from rungwise.settings import PlainData

Interval = tuple[float, float]
Basis = Literal["seeds", "splits", "trials"]
"""What an interval is made from: the scatter of seeds on one test part; that of seeds which split one pool anew, made
wider for what the splits share; or a count of images or other things, by the binomial distribution."""


class Estimate(PlainData):
    """Values of one quantity, one per seed. An interval that is undefined (n < 2) is absent, never 0."""

    values: tuple[float, ...]
    scale: Scale = Field("plain", exclude_if=lambda scale: scale == "plain")
    """On which the interval is made, so that it stays inside the quantity's range."""
    most: float = Field(1.0, exclude_if=lambda most: most == 1.0)
    """The largest value, where the scale has one."""
    ratio: float = Field(0.0, exclude_if=lambda ratio: ratio == 0.0)
    """Test images over those left to learn from, where the seeds split one pool (`evidence.pool`); else 0."""
    trials: int | None = Field(None, exclude_if=lambda trials: trials is None)
    """Of a share: how many images, or other things, one value counts."""
    counted: bool = Field(False, exclude_if=lambda counted: not counted)
    """Whether the trials are so few that the interval is that of a count, whatever the values."""
    rounding: float = Field(0.0, exclude_if=lambda rounding: rounding == 0.0)
    """Values that scatter by no more than this are equal: what recording in 32 bits may have lost."""
    new: Interval | None = Field(None, exclude_if=lambda new: new is None)
    """The 95% interval for new seeds and new images together; None where the answers to single images are not known."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def n(self) -> int:
        return len(self.values)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @property
    def equal(self) -> bool:
        """Whether the values agree as far as records can tell."""
        return max(self.values) - min(self.values) <= self.rounding or equal(self.values)

    @property
    def basis(self) -> Basis | None:
        """What the interval is made from; None where there is none."""
        if self.n < 2:
            return None
        edge = self.scale == "share" and self.mean in (0.0, self.most)
        if self.counted or self.equal or edge:
            return "trials" if self.trials and self.scale == "share" else None
        return "splits" if self.ratio else "seeds"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def interval(self) -> Interval | None:
        """The 95% interval of the mean for other seeds (`basis`); None where n < 2 or nothing can be said."""
        return self._interval

    @functools.cached_property
    def _interval(self) -> Interval | None:
        match self.basis:
            case None:
                return None
            case "trials":
                return ranges.binomial(*self.tally)
            case _:
                return ranges.interval(self.values, self.scale, self.most, factor(self.n, self.ratio))

    @property
    def tally(self) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """Of a share: the counts of the seeds and their trials. Seeds that split one pool count the same images again,
        so that they are taken as one."""
        trials = self.trials or 0
        values = (self.mean,) if self.ratio else self.values
        return tuple(value * trials for value in values), (trials,) * len(values)


def estimate(values: Iterable[float], scale: Scale = "plain", *, ratio: float = 0.0) -> Estimate | None:
    """The estimate from one value per seed; None where no seed has run. `scale`, `ratio`: as of `Estimate`."""
    kept = tuple(float(value) for value in values)
    return Estimate(values=kept, scale=scale, ratio=ratio) if kept else None


def paired_difference(a: Mapping[int, float], b: Mapping[int, float], *, ratio: float = 0.0) -> Estimate | None:
    """a - b over the seeds that both have (seed -> value): the same split, subset and order on both sides."""
    seeds = sorted(a.keys() & b.keys())
    scale = max((abs(each[seed]) for each in (a, b) for seed in seeds), default=0.0)
    if not seeds:
        return None
    return Estimate(values=tuple(a[s] - b[s] for s in seeds), ratio=ratio, rounding=ROUNDING * scale)
