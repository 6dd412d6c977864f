"""The chapter's records, read: one result per width and kind of labels, how numbers scale with width, and what is
measured."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rungwise.chapters.capacity.settings import Labels, Settings, trials
from rungwise.chapters.capacity.trial import CapacityTrial
from rungwise.chapters.results import ModelResult, Results, measured_of, measures_of
from rungwise.evidence.estimate import Estimate
from rungwise.evidence.measure import Answers, Measurement, Metric
from rungwise.evidence.paired import slope as least_squares
from rungwise.records.record import Record

KINDS: tuple[Labels, ...] = ("true", "random")
HALF = -0.5
"""The slope on log-log axes of 1/sqrt(h)."""


@dataclass(frozen=True, eq=False)
class WidthResult(ModelResult):
    """The nets of one width on one kind of labels, with the records of their seeds."""

    width: int
    labels: Labels
    trial: CapacityTrial
    """That of the first seed; the others differ in the seed alone."""

    def values(self, key: str) -> dict[int, float]:
        """One of the chapter's metrics by seed; undefined values are left out."""
        found = {seed: _value(key, record) for seed, record in self.records.items()}
        return {seed: value for seed, value in found.items() if math.isfinite(value)}

    @property
    def reached(self) -> dict[int, bool]:
        """By seed: whether training ended by the criterion, not by the limit of epochs."""
        wanted = self.trial.fit.stop_loss or 0.0
        return {seed: record.history["train_loss"][-1] < wanted for seed, record in self.records.items()}


def _value(key: str, record: Record) -> float:
    match key:
        case "train_error" | "test_error":
            return 1 - record.summary[key.replace("error", "accuracy")]
        case _:
            return record.summary.get(key, math.nan)


CapacityResults = Results[Settings, WidthResult]


def read_results(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> CapacityResults:
    """One result per kind of labels and width, in the order of the trials."""
    planned = trials(settings, seeds)
    names: dict[str, list[CapacityTrial]] = {}
    for trial in planned:
        names.setdefault(trial.label, []).append(trial)
    found, measures = [], measures_of(settings, metrics(settings))
    for name, own in names.items():
        done = {trial.seed: records[trial.id] for trial in own if trial.id in records}
        (width,), labels = own[0].net.hidden, own[0].data.labels
        found.append(WidthResult(name, done, measures, width, labels, own[0]))
    return CapacityResults(settings, found, len(planned))


def of_labels(results: CapacityResults, labels: Labels) -> list[WidthResult]:
    """Those on one kind of labels that have a record, by width."""
    return [result for result in results.ran if result.labels == labels]


def slope(own: Sequence[WidthResult], key: str) -> Estimate | None:
    """The least-squares slope of ln(number) over ln(h), one for each seed that has all widths.

    None for fewer than two widths, or where no seed has them all.
    """
    values = [result.values(key) for result in own]
    if len(values) < 2:
        return None
    x = [math.log(result.width) for result in own]
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in values)))
    seeds = [seed for seed in seeds if all(by_seed[seed] > 0 for by_seed in values)]
    return own[0].measures.of(least_squares([math.log(by_seed[seed]) for by_seed in values], x) for seed in seeds)


def first_fitted(own: Sequence[WidthResult]) -> WidthResult | None:
    """The narrowest net whose training error is 0 in every run."""
    return next((result for result in own if not any(result.values("train_error").values())), None)


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of every net."""
    nets = tuple(trial.label for trial in trials(settings, (0,)))

    def amount(says: str) -> Metric:
        return Metric(says, nets)

    def term(source: str) -> Metric:
        return amount(f"what the capacity in the bound of {source} grows with, constants left out")

    def wrong(part: str, answers: Answers | None = None) -> Metric:
        says = f"share of the {part} images that the final net classifies wrong"
        return Metric(says, nets, "lower", answers=answers)

    epochs = "epochs until training ended, by the criterion or at the limit"
    return {
        "train_error": wrong("training"),
        "test_error": wrong("test", Answers(wrong=True)),
        "epochs": Metric(epochs, nets, "lower", most=settings.fit.epochs),
        "unit_capacity": amount("mean over the hidden units of the distance of their weights from their start"),
        "unit_impact": amount("mean over the hidden units of the norm of their outgoing weights"),
        "measure": term("Neyshabur et al. 2018 (Theorem 2)"),
        "bound": amount("capacity in the bound of Neyshabur et al. 2018, constants included"),
        "gamma": Metric("margin that 5% of the training images lie below", nets, "higher"),
        "measure_l1": term("Bartlett and Mendelson 2002"),
        "measure_frobenius": term("Neyshabur et al. 2015"),
        "measure_spectral": term("Bartlett et al. 2017"),
        "measure_pac_bayes": term("Neyshabur et al. 2018 (PAC-Bayes, arXiv 1707.09564)"),
        "parameters": Metric("number of parameters", nets, exact=True),
        "time_s": Metric("training time, in seconds", nets, "lower", timing=True),
    }


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    return measured_of(read_results(settings, seeds, records), metrics(settings))
