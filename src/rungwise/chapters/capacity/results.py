"""The capacity chapter's records, read: one result per width and kind of labels, and how numbers scale with width."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rungwise.chapters.capacity.settings import Labels, Settings, trials
from rungwise.chapters.capacity.trial import CapacityTrial
from rungwise.chapters.sentences import measurements
from rungwise.evidence.estimate import Estimate, estimate
from rungwise.evidence.measure import Measurement, Metric
from rungwise.records.record import Record

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


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of every net."""
    nets = tuple(trial.label for trial in trials(settings, (0,)))

    def term(source: str) -> Metric:
        return Metric(f"what the capacity in the bound of {source} grows with, constants left out", nets)

    return {
        "train_error": Metric("share of the training images that the final net classifies wrong", nets, "lower"),
        "test_error": Metric("share of the test images that the final net classifies wrong", nets, "lower"),
        "epochs": Metric("epochs until training ended, by the criterion or at the limit", nets, "lower"),
        "unit_capacity": Metric("mean over the hidden units of the distance of their weights from their start", nets),
        "unit_impact": Metric("mean over the hidden units of the norm of their outgoing weights", nets),
        "measure": term("Neyshabur et al. 2018 (Theorem 2)"),
        "bound": Metric("capacity in the bound of Neyshabur et al. 2018, constants included", nets),
        "gamma": Metric("margin that 5% of the training images lie below", nets, "higher"),
        "measure_l1": term("Bartlett and Mendelson 2002"),
        "measure_frobenius": term("Neyshabur et al. 2015"),
        "measure_spectral": term("Bartlett et al. 2017"),
        "measure_pac_bayes": term("Neyshabur et al. 2018 (PAC-Bayes, arXiv 1707.09564)"),
        "parameters": Metric("number of parameters", nets, exact=True),
        "time_s": Metric("training time, in seconds", nets, "lower", timing=True),
    }


def measured(settings: Settings, seeds: Sequence[int], records: Mapping[str, Record]) -> Iterator[Measurement]:
    results = read_results(trials(settings, seeds), records)
    for key in metrics(settings):
        for result in results:
            ids = {seed: (record.id,) for seed, record in result.records.items()}
            yield from measurements(settings.name, key, result.name, result.values(key), ids)
