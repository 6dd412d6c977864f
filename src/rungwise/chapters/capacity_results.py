"""The capacity chapter's records, read: one result per width and kind of labels, and how numbers scale with width."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rungwise.evidence.estimate import Estimate, estimate
from rungwise.records.record import Record
from rungwise.training.capacity import CapacityTrial

Labels = Literal["true", "random"]
HALF = -0.5
"""The slope on log-log axes of 1/sqrt(h)."""


@dataclass(frozen=True, eq=False)
class Result:
    """One width on one kind of labels with the records of its seeds."""

    name: str
    width: int
    labels: Labels
    planned: tuple[CapacityTrial, ...]
    records: dict[int, Record]
    """By seed; only those that have finished."""

    def values(self, key: str) -> dict[int, float]:
        """One of the chapter's metrics by seed; undefined values are left out."""
        found = {seed: _value(key, record) for seed, record in self.records.items()}
        return {seed: value for seed, value in found.items() if math.isfinite(value)}

    def estimate(self, key: str) -> Estimate | None:
        return estimate(self.values(key).values())

    def mean(self, key: str) -> float:
        """NaN where no seed has it."""
        found = self.estimate(key)
        return found.mean if found else math.nan

    @property
    def reached(self) -> dict[int, bool]:
        """By seed: whether training ended by the criterion, not by the limit of epochs."""
        wanted = self.planned[0].fit.stop_loss or 0.0
        return {seed: record.history["train_loss"][-1] < wanted for seed, record in self.records.items()}

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(record.id for record in self.records.values())


def _value(key: str, record: Record) -> float:
    match key:
        case "train_error" | "test_error":
            return 1 - record.summary[key.replace("error", "accuracy")]
        case _:
            return record.summary.get(key, math.nan)


def model_name(width: int, labels: Labels) -> str:
    return f"{labels} labels: h = {width}"


def read_results(planned: Sequence[CapacityTrial], records: Mapping[str, Record]) -> list[Result]:
    """One per name, in the order of the trials."""
    names: dict[str, list[CapacityTrial]] = {}
    for trial in planned:
        names.setdefault(trial.label, []).append(trial)
    results = []
    for name, own in names.items():
        done = {trial.seed: records[trial.id] for trial in own if trial.id in records}
        (width,), labels = own[0].net.hidden, own[0].data.labels
        results.append(Result(name, width, labels, tuple(own), done))
    return results


def of_labels(results: Sequence[Result], labels: Labels) -> list[Result]:
    """Those on one kind of labels that have a record, by width."""
    return [result for result in results if result.labels == labels and result.records]


def most_seeds(results: Sequence[Result]) -> int:
    return max((len(result.records) for result in results), default=0)


def slope(results: Sequence[Result], key: str) -> Estimate | None:
    """The least-squares slope of ln(number) over ln(h), one for each seed that has all widths.

    None for fewer than two widths, or where no seed has them all.
    """
    values = [result.values(key) for result in results]
    if len(values) < 2:
        return None
    x = np.log([result.width for result in results])
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in values)))
    seeds = [seed for seed in seeds if all(by_seed[seed] > 0 for by_seed in values)]
    return estimate(float(np.polyfit(x, np.log([by_seed[seed] for by_seed in values]), 1)[0]) for seed in seeds)


def first_fitted(results: Sequence[Result]) -> Result | None:
    """The narrowest net whose training error is 0 in every run."""
    return next((result for result in results if not any(result.values("train_error").values())), None)
