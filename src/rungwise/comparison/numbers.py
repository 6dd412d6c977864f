"""The numbers that two runs have in common, paired by seed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rungwise.evidence.judgement import McNemar
from rungwise.evidence.measure import Measurement, Metric
from rungwise.evidence.paired import mcnemar
from rungwise.records.record import Record

ROUNDING = 1e-6
"""Relative to the values: what 32-bit numbers lose (6e-8 each), with room; one image of 60,000 is far above it."""
TEST_ACCURACY = "test_accuracy"


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
    nets: Nets | None = None
    """Where there is one seed, and the number is a test accuracy whose predictions are kept."""

    @property
    def differences(self) -> tuple[float, ...]:
        """other - base."""
        return tuple(b - a for a, b in zip(self.base, self.other, strict=True))

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
        return float(np.ptp(self.differences)) <= ROUNDING * max(map(abs, (*self.base, *self.other)))


def paired(
    base: Iterable[Measurement], other: Iterable[Measurement], metrics: Mapping[str, Mapping[str, Metric]]
) -> list[Pair]:
    """Every number that both runs have for at least one same seed, in the order of the base.

    `metrics`: of the chapters to compare, by chapter and name. Numbers that are not finite are left out.
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
            Pair(*key, about, seeds, _values(sides[0]), _values(sides[1]), _trials(sides[0]), _trials(sides[1]))
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
    if len(pair.seeds) > 1 or not pair.metric.startswith(TEST_ACCURACY):
        return pair
    suffix = pair.metric.removeprefix(TEST_ACCURACY)
    ours, theirs = _answers(pair.base_trials, base, suffix), _answers(pair.other_trials, other, suffix)
    if ours is None or theirs is None:
        return pair
    (said, labels), (said_other, labels_other) = ours, theirs
    if not np.array_equal(labels, labels_other):
        return pair
    test = mcnemar(pair.seeds[0], said == labels, said_other == labels)
    return replace(pair, nets=Nets(test, len(labels)))


def _answers(trials: Sequence[str], records: Mapping[str, Record], suffix: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Predictions and labels, (images,) each, of the one net among the trials; None where there is no such net."""
    found = []
    for trial in trials:
        record = records[trial]
        tasks = record.spec.get("tasks")
        single = isinstance(tasks, dict) and len(tasks) == 1  # its arrays bear no task's name
        names = [f"{kind}{'' if single else suffix}" for kind in ("test_predictions", "test_labels")]
        try:
            found.append((record.arrays[names[0]], record.arrays[names[1]]))
        except (KeyError, FileNotFoundError):  # another kind of trial, or a record copied without its arrays
            continue
    return found[0] if len(found) == 1 else None
