"""The chapter's records, read by net, split and seed, and what is measured of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rungwise.chapters.by_class import class_metrics
from rungwise.chapters.class_counts import ClassCounts, class_counts
from rungwise.chapters.leak.settings import SPLITS, Settings, model_name, trials
from rungwise.chapters.results import measurements, measures_of
from rungwise.evidence.estimate import Estimate
from rungwise.evidence.measure import Answers, Measurement, Metric
from rungwise.evidence.measures import Measures
from rungwise.records.record import Record

Runs = Mapping[int, Record]
"""By seed."""


@dataclass(frozen=True, eq=False)
class Results:
    """What the chapter's statements, tables and figures are made from."""

    settings: Settings
    runs: dict[str, dict[int, Record]]
    """By model and seed; only those that have finished."""
    measures: Measures
    planned: int

    @property
    def done(self) -> int:
        return sum(map(len, self.runs.values()))

    @property
    def most_seeds(self) -> int:
        return max(map(len, self.runs.values()), default=0)

    @property
    def nets(self) -> list[str]:
        """Those that have a record for each way to split."""
        return [net for net in self.settings.nets if all(self.runs.get(model_name(net, by)) for by in SPLITS)]

    def values(self, key: str, model: str) -> dict[int, float]:
        """One of the chapter's metrics of a model by seed; of `flattery`, of a net, by the seeds that both splits
        have. Undefined values are left out."""
        if key != "flattery":
            found = {seed: self._value(key, record) for seed, record in self.runs.get(model, {}).items()}
            return {seed: value for seed, value in found.items() if value is not None}
        group, image = (self.values("test_accuracy", model_name(model, by)) for by in SPLITS)
        return {seed: image[seed] - group[seed] for seed in group if seed in image}

    def _value(self, key: str, record: Record) -> float | None:
        return record.summary[key] if key in record.summary else self.measures.read(key, (record,))

    @property
    def counts(self) -> ClassCounts | None:
        """The test images of each class where the split is by group; None where no record has their labels."""
        named = (model_name(net, "group") for net in self.settings.nets)
        runs = ({seed: (record,) for seed, record in self.runs.get(name, {}).items()} for name in named)
        return class_counts(self.settings.data.classes, runs, self.measures.reader)

    def estimate(self, key: str, model: str) -> Estimate | None:
        records = {seed: (record,) for seed, record in self.runs.get(model, {}).items()}
        return self.measures.estimate(key, self.values(key, model), records or None)

    def behind(self, net: str) -> dict[int, tuple[str, ...]]:
        """The ids of both trials of a net, by seed."""
        group, image = (self.runs.get(model_name(net, by), {}) for by in SPLITS)
        return {seed: (group[seed].id, image[seed].id) for seed in group if seed in image}


def read_results(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Results:
    planned = trials(settings, seeds)
    runs: dict[str, dict[int, Record]] = {trial.label: {} for trial in planned}
    for trial in planned:
        if trial.id in records:
            runs[trial.label][trial.seed] = records[trial.id]
    return Results(settings, runs, measures_of(settings, metrics(settings)), len(planned))


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of every net on both splits, and of the two together."""
    models = tuple(model_name(net, by) for net in settings.nets for by in SPLITS)
    share = "share of the {} images that the final net classifies right"
    return {
        "test_accuracy": Metric(share.format("test"), models, "higher", answers=Answers()),
        "train_accuracy": Metric(share.format("training"), models, "higher"),
        "flattery": Metric(
            "test accuracy where the split is by image less that where it is by group", tuple(settings.nets)
        ),
        **class_metrics(settings.data.classes, models),
    }


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    results = read_results(settings, seeds, records)
    for key, metric in metrics(settings).items():
        for model in metric.models:
            own = {seed: (record.id,) for seed, record in results.runs.get(model, {}).items()}
            ids = results.behind(model) if key == "flattery" else own
            yield from measurements(settings.name, key, model, results.values(key, model), ids)
