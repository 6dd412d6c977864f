"""The test that decides about one number: its interval, and the p of any value that the number is claimed to have."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from scipy import optimize, stats

from rungwise.evidence import ranges
from rungwise.evidence.estimate import Interval
from rungwise.evidence.images import Crossed
from rungwise.evidence.medians import median_interval, median_p
from rungwise.evidence.paired import sign_p
from rungwise.evidence.pool import factor
from rungwise.evidence.ranges import Scale

At = Callable[[float], tuple[float, float]]
"""The standard error and the degrees of freedom that a number of seeds would be expected to give."""


class Test(Protocol):
    """What a verdict goes by."""

    @property
    def centre(self) -> float:
        """The estimate: a mean, or a median."""

    @property
    def interval(self) -> Interval | None:
        """The 95% interval; None where the values allow none."""

    def p(self, bound: float) -> float | None:
        """Two-sided, that the truth is `bound`; at most .05 where the interval leaves the bound out."""


class Line(NamedTuple):
    """Student's t on a scale without ends: that of the values, or their logit or logarithm (`ranges`)."""

    centre: float
    se: float
    """Of the mean, on the scale of the values; positive."""
    df: float
    at: At
    """For another number of seeds, on the scale of the values."""
    scale: Scale = "plain"
    most: float = 1.0

    def on(self, value: float) -> float:
        """A value on the scale of the test; infinite on an edge of the range, and beyond it."""
        if self.scale != "plain" and value <= 0:
            return -math.inf
        if self.scale == "share" and value >= self.most:
            return math.inf
        return ranges.to_line(self.scale, value, self.most)

    @property
    def change(self) -> float:
        """By how much the scale of the test moves for a step on that of the values."""
        return ranges.derivative(self.scale, self.centre, self.most)

    def line_at(self, n: float) -> tuple[float, float]:
        """As `at`, on the scale of the test."""
        se, df = self.at(n)
        return se * self.change, df

    @property
    def interval(self) -> Interval | None:
        return ranges.around(self.centre, self.se, self.df, self.scale, self.most)

    def p(self, bound: float) -> float:
        t = (self.on(self.centre) - self.on(bound)) / (self.se * self.change)
        return 2 * float(stats.t.sf(abs(t), self.df))


def line_of_seeds(
    values: Sequence[float], scale: Scale = "plain", most: float = 1.0, ratio: float = 0.0
) -> Line | None:
    """The test by the scatter of seeds; `ratio` as of `pool`. None where n < 2, nothing scatters, or the mean is on the
    edge of its range."""
    n = len(values)
    if n < 2 or min(values) == max(values):
        return None
    scale, mean = scale if ranges.inside(scale, values, most) else "plain", math.fsum(values) / n
    if scale != "plain" and (mean <= 0 or (scale == "share" and mean >= most)):
        return None
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))

    def at(count: float) -> tuple[float, float]:
        return sd * math.sqrt(factor(count, ratio)), count - 1

    return Line(mean, *at(n), at, scale, most)


def line_of_images(crossed: Crossed, scale: Scale = "plain", most: float = 1.0) -> Line | None:
    """The test by the scatter of seeds and images. None where nothing scatters, or the mean is on its edge.

    Where images add next to no scatter, their degrees of freedom alone could make it surer of new images than the seeds
    are of these. So it is never narrower than the test by the scatter of the seeds.
    """
    if crossed.se == 0 or (scale == "share" and not 0 < crossed.mean < most):
        return None

    def at(count: float) -> tuple[float, float]:
        of_seeds = math.sqrt(crossed.seeds / (count * crossed.m)), count - 1
        return max(crossed.at(count), of_seeds, key=lambda found: float(stats.t.ppf(0.975, found[1])) * found[0])

    return Line(crossed.mean, *at(crossed.n), at, scale, most)


class Count(NamedTuple):
    """The exact binomial test of a share that is a count, clustered by seed (`ranges.binomial`)."""

    counts: tuple[float, ...]
    trials: tuple[int, ...]

    @property
    def centre(self) -> float:
        return sum(self.counts) / sum(self.trials)

    @property
    def interval(self) -> Interval:
        return ranges.binomial(self.counts, self.trials)

    def p(self, bound: float) -> float:
        """The level at which the interval ends at the bound."""
        if bound == self.centre:
            return 1.0
        end = 0 if bound < self.centre else 1

        def beyond(level: float) -> float:
            return (ranges.binomial(self.counts, self.trials, 1 - level)[end] - bound) * (1 - 2 * end)

        least, most = 1e-12, 0.99
        if beyond(least) > 0:
            return least
        return 1.0 if beyond(most) < 0 else float(optimize.brentq(beyond, least, most))


class Signs(NamedTuple):
    """The exact sign test of equal values, which have no scatter to go by: six of them settle a question."""

    values: tuple[float, ...]

    @property
    def centre(self) -> float:
        return self.values[0]

    @property
    def interval(self) -> Interval | None:
        return None if median_interval(self.values) is None else (self.centre, self.centre)

    def p(self, bound: float) -> float | None:
        return sign_p(self.values, bound)


class Median(NamedTuple):
    """The exact sign test of a median, and its interval from order statistics."""

    values: tuple[float, ...]

    @property
    def centre(self) -> float:
        ordered, middle = sorted(self.values), len(self.values) // 2
        return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2

    @property
    def interval(self) -> Interval | None:
        return median_interval(self.values)

    def p(self, bound: float) -> float | None:
        return median_p(self.values, bound)


class Exact(NamedTuple):
    """A number without noise: there is nothing to test."""

    centre: float

    @property
    def interval(self) -> Interval:
        return self.centre, self.centre

    def p(self, bound: float) -> None:
        return None
