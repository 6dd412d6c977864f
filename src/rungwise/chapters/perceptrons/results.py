"""The perceptrons' records, read: one result per pair of classes, and what is measured of it."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rungwise.chapters.many import short
from rungwise.chapters.perceptrons.settings import Settings, pair_name, trials
from rungwise.chapters.results import ModelResult, Results, measured_of, measures_of
from rungwise.evidence.measure import Answers, Measurement, Metric
from rungwise.records.record import Record

LAST = 50
"""Iterations over which the report looks at how the last iterate moves."""
SHOWN = 10
"""Pairs that a figure or a sentence shows at most; the tables have all."""


@dataclass(frozen=True, eq=False)
class PairResult(ModelResult):
    """One pair of classes with the records of its seeds."""

    positive: int
    negative: int
    short: str
    """The name, with long ones of classes cut, for a figure."""

    def values(self, key: str) -> dict[int, float]:
        """One of the chapter's metrics, or ``late_peak``, by seed; undefined values are left out."""
        if key in ("range", "late_peak"):
            return {seed: _unrest(curve)[key] for seed, curve in self.unsettled.items()}
        return {seed: _value(key, record) for seed, record in self.records.items()}

    def most(self, key: str) -> float:
        return max(self.values(key).values())

    @property
    def unsettled(self) -> dict[int, list[float]]:
        """The error curves, by seed, of the runs that were stopped before they reached the tolerance."""
        return {s: record.history["error"] for s, record in self.records.items() if not record.summary["converged"]}

    @property
    def converged(self) -> int:
        """The number of seeds that reached the tolerance."""
        return int(sum(self.values("converged").values()))

    @property
    def first(self) -> Record:
        """The record of the first seed that has one."""
        return next(iter(self.records.values()))


def _value(key: str, record: Record) -> float:
    match key:
        case "gap":
            return record.summary["train_accuracy"] - record.summary["test_accuracy"]
        case "fit_s":
            return record.timings["fit_s"]
        case _:
            return record.summary[key]


def _unrest(curve: list[float]) -> dict[str, float]:
    """How the last iterate moves; where it reached the tolerance it is settled, and this means nothing."""
    return {"range": float(np.ptp(curve[-LAST:])), "late_peak": max(curve[len(curve) // 2 :])}


PerceptronResults = Results[Settings, PairResult]


def read_results(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> PerceptronResults:
    """One result per pair, in the order of the study."""
    planned, pairs, names = trials(settings, seeds), [], settings.data.classes
    measures = measures_of(settings, metrics(settings))
    for (positive, negative), group in itertools.groupby(planned, lambda trial: (trial.positive, trial.negative)):
        own = list(group)
        done = {trial.seed: records[trial.id] for trial in own if trial.id in records}
        cut = pair_name(short(names[positive]), short(names[negative]))
        pairs.append(PairResult(own[0].label, done, measures, positive, negative, cut))
    return PerceptronResults(settings, pairs, len(planned))


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of every pair of classes."""
    pairs = tuple(trial.label for trial in trials(settings, (0,)))
    unrest = f"range of the training error over the last {LAST} iterations of runs that did not converge"
    iterations = "iterations until training stopped"
    converged = "whether the training error reached the tolerance: 1 or 0"

    def share(part: str, answers: Answers | None = None) -> Metric:
        says = f"share of the pair's {part} images classified right"
        return Metric(says, pairs, "higher", answers=answers)

    return {
        "train_accuracy": share("training"),
        "test_accuracy": share("test", Answers()),
        "gap": Metric("training minus test accuracy", pairs, "lower"),
        "iterations": Metric(iterations, pairs, most=settings.iterations),
        "converged": Metric(converged, pairs, "higher", trials=1, counted=True),
        "range": Metric(unrest, pairs, "lower"),
        "fit_s": Metric("time of fitting, in seconds", pairs, "lower", timing=True),
    }


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    return measured_of(read_results(settings, seeds, records), metrics(settings))
