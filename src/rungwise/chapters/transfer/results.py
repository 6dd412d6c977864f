"""The chapter's records, read by model and seed, and what is measured of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rungwise.chapters.results import measurements
from rungwise.chapters.transfer.names import TRUNK, WAYS, model_name
from rungwise.chapters.transfer.settings import Settings, trials
from rungwise.evidence.estimate import Estimate, estimate, paired_difference
from rungwise.evidence.measure import Measurement, Metric
from rungwise.records.record import Record
from rungwise.training.settings import Fit


@dataclass(frozen=True, eq=False)
class Results:
    """What the chapter's statements, tables and figures are made from."""

    settings: Settings
    trials: dict[str, Fit]
    """One of each model, by its name."""
    runs: dict[str, dict[int, Record]]
    """By model and seed; only those that have finished."""
    planned: int

    @property
    def done(self) -> int:
        return sum(map(len, self.runs.values()))

    @property
    def most_seeds(self) -> int:
        return max(map(len, self.runs.values()))

    @property
    def task(self) -> str:
        """The name of the further task."""
        (name,) = self.settings.task
        return name

    @property
    def shares(self) -> tuple[float, ...]:
        return self.settings.shares

    def values(self, key: str, model: str) -> dict[int, float]:
        """One of the chapter's metrics of one model, by seed."""
        summaries = {seed: record.summary for seed, record in self.runs[model].items()}
        if key == "parameters_learnt":  # recorded of frozen nets alone: the others learn all their parameters
            return {seed: summary.get(key, summary["parameters"]) for seed, summary in summaries.items()}
        return {seed: summary[key] for seed, summary in summaries.items()}

    def estimate(self, key: str, model: str) -> Estimate | None:
        return estimate(self.values(key, model).values())

    def lead(self, model: str, other: str) -> Estimate | None:
        """By how much a model's test accuracy is above another's, paired by seed."""
        return paired_difference(self.values("test_accuracy", model), self.values("test_accuracy", other))

    def record_ids(self, *models: str) -> tuple[str, ...]:
        return tuple(record.id for model in models for record in self.runs[model].values())


def read_results(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Results:
    planned = trials(settings, seeds)
    runs: dict[str, dict[int, Record]] = {trial.label: {} for trial in planned}
    for trial in planned:
        if trial.id in records:
            runs[trial.label][trial.seed] = records[trial.id]
    return Results(settings, {trial.label: trial for trial in planned}, runs, len(planned))


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of every way with every share, and of the trunk."""
    models = tuple(model_name(way, share) for share in settings.shares for way in WAYS)
    says = "share of the test images that the final net classifies right on {}"
    return {
        "test_accuracy": Metric(says.format(*settings.task), models, "higher"),
        **{f"test_accuracy_{task}": Metric(says.format(task), (TRUNK,), "higher") for task in settings.tasks},
        "parameters_learnt": Metric("number of parameters that learn the further task", models, exact=True),
        "time_s": Metric(
            "training time, in seconds, without the trunk's before", (*models, TRUNK), "lower", timing=True
        ),
    }


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    results = read_results(settings, seeds, records)
    for key, metric in metrics(settings).items():
        for model in metric.models:
            ids = {seed: (record.id,) for seed, record in results.runs[model].items()}
            yield from measurements(settings.name, key, model, results.values(key, model), ids)
