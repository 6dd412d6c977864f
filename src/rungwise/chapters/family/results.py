"""The records of a family of nets, read: one result per net, and what is measured of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rungwise.chapters.by_class import class_metrics
from rungwise.chapters.class_counts import ClassCounts, class_counts
from rungwise.chapters.family.settings import VIEWS, FamilySettings, net_trial
from rungwise.chapters.results import ModelResult, Results, measured_of, measures_of
from rungwise.data.settings import Data
from rungwise.evidence.measure import Answers, Measurement, Metric
from rungwise.evidence.methodology import STEADY_EPOCHS, unsteadiness
from rungwise.records.record import Record
from rungwise.training.settings import Recipe


@dataclass(frozen=True, eq=False)
class NetResult(ModelResult):
    """One net of the family with the records of its seeds."""

    net: Any
    data: Data
    fit: Recipe

    def values(self, key: str) -> dict[int, float]:
        """One of `metrics` by seed; undefined values are left out."""
        found = {seed: self._value(key, record) for seed, record in self.records.items()}
        return {seed: value for seed, value in found.items() if value is not None}

    def _value(self, key: str, record: Record) -> float | None:
        known = record.summary
        millions, epoch_s = known["parameters"] / 1e6, known["time_s"] / known.get("epochs", self.fit.epochs)
        match key:
            case "gap":
                return known["train_accuracy"] - known["test_accuracy"]
            case "epoch_s":
                return epoch_s
            case "epoch_s_per_million":
                return epoch_s / millions
            case "image_us":
                return 1e6 * epoch_s / self.data.size
            case "accuracy_per_million":
                return known["test_accuracy"] / millions
            case "unsteadiness":
                return unsteadiness(record.history["test_accuracy"])
            case _ if key in known:
                return known[key]
            case _:
                return self.measures.read(key, (record,))


FamilyResults = Results[FamilySettings, NetResult]


def read_results(settings: FamilySettings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> FamilyResults:
    """One result per net, in the order of the study."""
    nets, measures = [], measures_of(settings, metrics(settings))
    for name, net in settings.nets.items():
        planned = [net_trial(settings, name, seed) for seed in seeds]
        done = {trial.seed: records[trial.id] for trial in planned if trial.id in records}
        nets.append(NetResult(name, done, measures, net, settings.data, settings.fit))
    return FamilyResults(settings, nets, len(nets) * len(seeds))


def counts_of(results: FamilyResults) -> ClassCounts | None:
    """The test images of each class; None where no record has their labels."""
    runs = ({seed: (record,) for seed, record in net.records.items()} for net in results.models)
    return class_counts(results.settings.data.classes, runs, results.models[0].measures.reader)


def metrics(settings: FamilySettings) -> dict[str, Metric]:
    """What is measured of every net."""
    nets = tuple(settings.nets)

    def time(says: str) -> Metric:
        return Metric(says, nets, "lower", timing=True)

    def loss(part: str) -> Metric:
        says = f"mean cross-entropy of the final net on the {part} images, in nats"
        return Metric(says, nets, "lower")

    def share(says: str, answers: Answers | None = None) -> Metric:
        return Metric(says, nets, "higher", answers=answers)

    known = {
        "train_accuracy": share("share of the training images that the final net classifies right"),
        "test_accuracy": share("share of the test images that the final net classifies right", Answers()),
        "train_loss": loss("training"),
        "test_loss": loss("test"),
        "gap": Metric("training minus test accuracy", nets, "lower"),
        "time_s": time("training time, in seconds"),
        "epoch_s": time("training time per epoch, in seconds"),
        "epoch_s_per_million": time("training time per epoch and million parameters, in seconds"),
        "image_us": time("training time per image and epoch, in microseconds"),
        "parameters": Metric("number of parameters", nets, exact=True),
        "accuracy_per_million": Metric("test accuracy per million parameters", nets, "higher"),
    }
    if settings.fit.test_views != "one":
        views = VIEWS[settings.fit.test_views]
        known["views_accuracy"] = share(f"share of the test images that the final net classifies right from {views}")
    if settings.data.aside:
        known["validation_accuracy"] = share("share of the images set aside that the final net classifies right")
        known["validation_loss"] = loss("validation")
    if settings.fit.stops:
        known["epochs"] = Metric("epochs until training ended", nets, most=settings.fit.epochs)
    if settings.fit.stop is not None:
        says = "the epoch that was best on the images set aside, whose weights were kept"
        known["best_epoch"] = Metric(says, nets, most=settings.fit.epochs)
    if settings.fit.evaluate == "epochs" and settings.fit.epochs >= STEADY_EPOCHS:
        says = "mean absolute change of test accuracy from epoch to epoch, over the second half of training"
        known["unsteadiness"] = Metric(says, nets, "lower")
    return known | class_metrics(settings.data.classes, nets)


def measured(settings: FamilySettings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    return measured_of(read_results(settings, seeds, records), metrics(settings))
