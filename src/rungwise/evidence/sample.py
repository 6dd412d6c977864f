"""What a claim says of one quantity, the values that were measured of it, and the test that goes with them."""

import functools
from dataclasses import dataclass

from rungwise.evidence.decide import Count, Exact, Line, Median, Signs, Test, line_of_images, line_of_seeds
from rungwise.evidence.design import HoldsFor
from rungwise.evidence.estimate import Estimate, Interval
from rungwise.evidence.images import Crossed
from rungwise.evidence.ranges import Scale


@dataclass(frozen=True)
class Sample:
    """Values of one quantity, one per seed, and the region in which a claim says that it lies."""

    says: str
    values: tuple[float, ...]
    """As recorded."""
    low: float | None = None
    high: float | None = None
    """One of the two bounds may be absent."""
    matters: float = 0
    """Of a difference, the smallest that matters; 0: any does."""
    difference: bool = False
    """Whether 0 means that two models are equal."""
    exact: bool = False
    """Without noise: one seed is enough."""
    scale: Scale = "plain"
    most: float = 1.0
    ratio: float = 0.0
    trials: int | None = None
    counted: bool = False
    rounding: float = 0.0
    """These are as of `Estimate`."""
    crossed: Crossed | None = None
    """By seed and image, where the answers to single images are known."""
    holds_for: HoldsFor | None = None
    """What the verdict is about; None: the quantity is not one of single images."""
    median: bool = False
    """Whether the claim is about the median."""

    @property
    def bounds(self) -> tuple[float, ...]:
        return tuple(bound for bound in (self.low, self.high) if bound is not None)

    def contains(self, value: float) -> bool:
        """Whether a value lies in the region; the ends of a region with two bounds belong to it."""
        if self.low is not None and self.high is not None:
            return self.low <= value <= self.high
        return value > self.low if self.low is not None else value < (self.high or 0.0)

    @functools.cached_property
    def estimate(self) -> Estimate | None:
        """With the interval for these images and that for new ones; None without values."""
        if not self.values:
            return None
        return Estimate(
            values=self.values,
            scale=self.scale,
            most=self.most,
            ratio=self.ratio,
            trials=self.trials,
            counted=self.counted,
            rounding=self.rounding,
            new=None if self.crossed is None else new_images(self.crossed, self.scale, self.most, self.trials),
        )

    @functools.cached_property
    def tested(self) -> tuple[float, ...]:
        """The values as tests take them: what 32 bits may have lost parts none of them."""
        found = self.estimate
        if found is None or not found.equal:
            return self.values
        return (0.0 if abs(self.values[0]) <= self.rounding else self.values[0],) * len(self.values)

    @functools.cached_property
    def test(self) -> Test | None:
        """What decides about it; None where nothing can."""
        found = self.estimate
        if found is None:
            return None
        if self.exact:
            return Exact(self.tested[0])
        if self.median:
            return Median(self.tested)
        if self.holds_for == "new images" and not self.ratio:
            return None if self.crossed is None else line_or_count(self.crossed, self.scale, self.most, self.trials)
        if found.basis == "trials":
            return Count(*found.tally)
        if found.equal:
            return None if self.ratio or found.n < 2 else Signs(self.tested)
        return line_of_seeds(self.values, self.scale, self.most, self.ratio)


def line_or_count(crossed: Crossed, scale: Scale, most: float = 1.0, trials: int | None = None) -> Line | Count | None:
    """The test for new seeds and new images. Where every answer is right, or wrong, it is that of a count of images,
    which all seeds share; a difference that never varies has none. `trials`: how many are counted; all without it."""
    if scale == "share" and crossed.mean in (0.0, most):
        of = trials or crossed.m
        return Count((crossed.mean * of,), (of,))
    return line_of_images(crossed, scale, most)


def new_images(crossed: Crossed, scale: Scale, most: float = 1.0, trials: int | None = None) -> Interval | None:
    """The 95% interval for new seeds and new images together; None where nothing varies. `trials`: as above."""
    test = line_or_count(crossed, scale, most, trials)
    return None if test is None else test.interval
