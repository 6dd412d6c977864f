"""The numbers that two runs have in common, paired by seed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rungwise.evidence.answers import Reader, compare_nets
from rungwise.evidence.estimate import Estimate, paired_difference
from rungwise.evidence.measure import Measurement, Metric
from rungwise.evidence.paired import ROUNDING, McNemar, equal, without_rounding
from rungwise.records.record import Record


@dataclass(frozen=True)
class Nets:
    """McNemar's test of the two nets of a single seed."""

    mcnemar: McNemar
    """First: the base's net."""
    images: int


@dataclass(frozen=True)
class Pair:
    """One number of the base and of the other run, over the seeds that both have."""

    chapter: str
    model: str
    metric: str
    about: Metric
    seeds: tuple[int, ...]
    base: tuple[float, ...]
    """One value per seed; so is `other`."""
    other: tuple[float, ...]
    base_trials: tuple[str, ...]
    other_trials: tuple[str, ...]
    ratio: float = 0.0
    """Test images over those left to learn from, where the seeds split one pool of images (`evidence.pool`); else 0."""
    nets: Nets | None = None
    """Where there is one seed, and the number is a test accuracy whose predictions are kept."""

    @property
    def difference(self) -> Estimate:
        """other - base."""
        found = paired_difference(dict(enumerate(self.other)), dict(enumerate(self.base)), ratio=self.own_ratio)
        assert found is not None
        return found

    @property
    def own_ratio(self) -> float:
        """That of the numbers: times and counts do not depend on the split."""
        return 0.0 if self.about.timing or self.about.exact else self.ratio

    @property
    def differences(self) -> tuple[float, ...]:
        """other - base, equal where rounding alone may tell them apart."""
        found = self.difference
        return without_rounding(found.values, found.rounding / ROUNDING)

    @property
    def gain(self) -> float:
        """The mean difference, positive where the other run is better; NaN where neither way is better."""
        sign = {"higher": 1.0, "lower": -1.0, None: math.nan}[self.about.better]
        return sign * float(np.mean(self.differences))

    @property
    def identical(self) -> bool:
        return self.base == self.other

    @property
    def steady(self) -> bool:
        """Whether every seed differs by the same amount, as accuracies of few test images may by chance: there is no
        scatter then that a t-test could go by."""
        return equal(self.differences)


def paired(
    base: Iterable[Measurement],
    other: Iterable[Measurement],
    metrics: Mapping[str, Mapping[str, Metric]],
    ratios: Mapping[str, float],
) -> list[Pair]:
    """Every number that both runs have for at least one same seed, in the order of the base.

    `metrics`: of the chapters to compare, by chapter and name; `ratios`: theirs (`Pair.ratio`). Numbers that are not
    finite are left out.
    """
    ours, theirs = _by_name(base), _by_name(other)
    pairs = []
    for key, values in ours.items():
        chapter, _, metric = key
        about = metrics.get(chapter, {}).get(metric)
        seeds = tuple(sorted(values.keys() & theirs.get(key, {}).keys()))
        if about is None or not seeds:
            continue
        sides = [values[seed] for seed in seeds], [theirs[key][seed] for seed in seeds]
        pairs.append(
            Pair(
                *(*key, about, seeds),
                base=_values(sides[0]),
                other=_values(sides[1]),
                base_trials=_trials(sides[0]),
                other_trials=_trials(sides[1]),
                ratio=ratios.get(chapter, 0.0),
            )
        )
    return pairs


def _values(measurements: Sequence[Measurement]) -> tuple[float, ...]:
    return tuple(one.value for one in measurements)


def _trials(measurements: Sequence[Measurement]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(trial for one in measurements for trial in one.trials))


def _by_name(measurements: Iterable[Measurement]) -> dict[tuple[str, str, str], dict[int, Measurement]]:
    found: dict[tuple[str, str, str], dict[int, Measurement]] = {}
    for one in measurements:
        if math.isfinite(one.value):
            found.setdefault((one.chapter, one.model, one.metric), {})[one.seed] = one
    return found


# Two fitted nets ------------------------------------------------------------------------------------------------


def with_nets(pair: Pair, base: Mapping[str, Record], other: Mapping[str, Record]) -> Pair:
    """The pair with McNemar's test, where one seed is all there is and both nets judged the same test images."""
    if not len(pair.seeds) == len(pair.base_trials) == len(pair.other_trials) == 1:
        return pair
    nets = [base[pair.base_trials[0]]], [other[pair.other_trials[0]]]
    found = compare_nets(pair.seeds[0], *nets, pair.about.answers, Reader())
    return replace(pair, nets=Nets(*found)) if found else pair
