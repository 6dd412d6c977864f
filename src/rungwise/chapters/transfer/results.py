"""The chapter's records, read by model and seed, and what is measured of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rungwise.chapters.by_class import class_metrics, task_metrics
from rungwise.chapters.class_counts import ClassCounts, class_counts
from rungwise.chapters.results import measurements, measures_of
from rungwise.chapters.transfer.names import TRUNK, WAYS, model_name
from rungwise.chapters.transfer.settings import Settings, trials
from rungwise.data.tasks import task_classes
from rungwise.evidence.estimate import Estimate
from rungwise.evidence.measure import Answers, Measurement, Metric
from rungwise.evidence.measures import Measures
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
    measures: Measures
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
        """One of the chapter's metrics of one model, by seed; undefined values are left out."""
        summaries = {seed: record.summary for seed, record in self.runs[model].items()}
        metric = self.measures.metrics[key]
        if metric.answers and metric.answers.statistic != "accuracy":
            read = {seed: self.measures.read(key, (record,)) for seed, record in self.runs[model].items()}
            return {seed: value for seed, value in read.items() if value is not None}
        if key == "parameters_learnt":  # recorded of frozen nets alone: the others learn all their parameters
            return {seed: summary.get(key, summary["parameters"]) for seed, summary in summaries.items()}
        return {seed: summary[key] for seed, summary in summaries.items()}

    def estimate(self, key: str, model: str) -> Estimate | None:
        return self.measures.estimate(key, self.values(key, model), self._records(model))

    def lead(self, model: str, other: str) -> Estimate | None:
        """By how much a model's test accuracy is above another's, paired by seed."""
        key, both = "test_accuracy", (self._records(model), self._records(other))
        return self.measures.difference(key, self.values(key, model), self.values(key, other), both)

    @property
    def counts(self) -> ClassCounts | None:
        """The test images of each class of the further task; None where no record has their labels."""
        (task,) = self.settings.task.values()
        runs = (self._records(model) for model in self.runs if model != TRUNK)
        return class_counts(task_classes(task, self.settings.data), runs, self.measures.reader)

    def _records(self, model: str) -> dict[int, tuple[Record]]:
        return {seed: (record,) for seed, record in self.runs[model].items()}

    def record_ids(self, *models: str) -> tuple[str, ...]:
        return tuple(record.id for model in models for record in self.runs[model].values())


def read_results(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Results:
    planned = trials(settings, seeds)
    runs: dict[str, dict[int, Record]] = {trial.label: {} for trial in planned}
    for trial in planned:
        if trial.id in records:
            runs[trial.label][trial.seed] = records[trial.id]
    measures = measures_of(settings, metrics(settings))
    return Results(settings, {trial.label: trial for trial in planned}, runs, measures, len(planned))


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of every way with every share, and of the trunk."""
    models = tuple(model_name(way, share) for share in settings.shares for way in WAYS)
    says = "share of the test images that the final net classifies right on {}"
    time = "training time, in seconds, without the trunk's before"

    def share(task: str, of: tuple[str, ...], answers: Answers) -> Metric:
        return Metric(says.format(task), of, "higher", answers=answers)

    (task,) = settings.task.values()
    parameters = "number of parameters that learn the further task"
    return {
        "test_accuracy": share(next(iter(settings.task)), models, Answers()),
        **{f"test_accuracy_{task}": share(task, (TRUNK,), Answers((task,))) for task in settings.tasks},
        "parameters_learnt": Metric(parameters, models, exact=True),
        "time_s": Metric(time, (*models, TRUNK), "lower", timing=True),
        **task_metrics(settings.tasks, dict.fromkeys(settings.tasks, (TRUNK,)), settings.data),
        **class_metrics(task_classes(task, settings.data), models),
    }


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    results = read_results(settings, seeds, records)
    for key, metric in metrics(settings).items():
        for model in metric.models:
            ids = {seed: (record.id,) for seed, record in results.runs[model].items()}
            yield from measurements(settings.name, key, model, results.values(key, model), ids)
