"""What the chapters on families of nets (MLPs, CNNs) share: one fit per net and seed, and what is measured of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rungwise.chapters.family.settings import VIEWS, FamilySettings, net_trial
from rungwise.chapters.sentences import measurements, seed_warnings
from rungwise.data.settings import Data
from rungwise.evidence.estimate import Estimate, estimate
from rungwise.evidence.measure import Measurement, Metric
from rungwise.evidence.methodology import STEADY_EPOCHS, unsteadiness
from rungwise.records.record import Record
from rungwise.training.settings import Recipe


@dataclass(frozen=True)
class Result:
    """One net of the family with the records of its seeds."""

    name: str
    net: Any
    data: Data
    fit: Recipe
    planned: int
    records: dict[int, Record]
    """By seed; only those that have finished."""

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
            case _:
                return known[key]

    def estimate(self, key: str) -> Estimate | None:
        return estimate(self.values(key).values())

    def measured(self, key: str) -> Estimate:
        """`estimate` of a net that has a record."""
        found = self.estimate(key)
        assert found is not None
        return found

    def mean(self, key: str) -> float:
        return self.measured(key).mean

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(record.id for record in self.records.values())


def collect(settings: FamilySettings, seeds: Sequence[int], records: Mapping[str, Record]) -> list[Result]:
    """The nets in the order of the study, each with the records it has."""
    results = []
    for name, net in settings.nets.items():
        planned = [net_trial(settings, name, seed) for seed in seeds]
        done = {trial.seed: records[trial.id] for trial in planned if trial.id in records}
        results.append(Result(name, net, settings.data, settings.fit, len(planned), done))
    return results


# Measurements --------------------------------------------------------------------------------------------------


def metrics(settings: FamilySettings) -> dict[str, Metric]:
    """What is measured of every net."""
    nets = tuple(settings.nets)

    def lower(says: str, *, timing: bool = False) -> Metric:
        return Metric(says, nets, "lower", timing=timing)

    known = {
        "train_accuracy": Metric("share of the training images that the final net classifies right", nets, "higher"),
        "test_accuracy": Metric("share of the test images that the final net classifies right", nets, "higher"),
        "train_loss": lower("mean cross-entropy of the final net on the training images, in nats"),
        "test_loss": lower("mean cross-entropy of the final net on the test images, in nats"),
        "gap": lower("training minus test accuracy"),
        "time_s": lower("training time, in seconds", timing=True),
        "epoch_s": lower("training time per epoch, in seconds", timing=True),
        "epoch_s_per_million": lower("training time per epoch and million parameters, in seconds", timing=True),
        "image_us": lower("training time per image and epoch, in microseconds", timing=True),
        "parameters": Metric("number of parameters", nets, exact=True),
        "accuracy_per_million": Metric("test accuracy per million parameters", nets, "higher"),
    }
    if settings.fit.test_views != "one":
        says = f"share of the test images that the final net classifies right from {VIEWS[settings.fit.test_views]}"
        known["views_accuracy"] = Metric(says, nets, "higher")
    if settings.fit.stop_loss is not None:
        known["epochs"] = Metric("epochs until training ended", nets)
    if settings.fit.evaluate == "epochs" and settings.fit.epochs >= STEADY_EPOCHS:
        says = "mean absolute change of test accuracy from epoch to epoch, over the second half of training"
        known["unsteadiness"] = lower(says)
    return known


def measured(settings: FamilySettings, seeds: Sequence[int], records: Mapping[str, Record]) -> Iterator[Measurement]:
    results = collect(settings, seeds, records)
    for key in metrics(settings):
        for result in results:
            ids = {seed: (record.id,) for seed, record in result.records.items()}
            yield from measurements(settings.name, key, result.name, result.values(key), ids)


# What both chapters tell ---------------------------------------------------------------------------------------


def warnings(results: Sequence[Result]) -> tuple[str, ...]:
    planned, done = sum(r.planned for r in results), sum(len(r.records) for r in results)
    return seed_warnings(most_seeds(results), planned, done)


def most_seeds(results: Sequence[Result]) -> int:
    return max((len(result.records) for result in results), default=0)
