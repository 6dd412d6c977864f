"""The records of a family of nets, read: one result per net, and what is measured of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rungwise.chapters.family.settings import VIEWS, FamilySettings, net_trial
from rungwise.chapters.results import ModelResult, Results, measured_of
from rungwise.data.settings import Data
from rungwise.evidence.measure import Measurement, Metric
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
            case _:
                return known[key]


FamilyResults = Results[FamilySettings, NetResult]


def read_results(settings: FamilySettings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> FamilyResults:
    """One result per net, in the order of the study."""
    nets = []
    for name, net in settings.nets.items():
        planned = [net_trial(settings, name, seed) for seed in seeds]
        done = {trial.seed: records[trial.id] for trial in planned if trial.id in records}
        nets.append(NetResult(name, done, net, settings.data, settings.fit))
    return FamilyResults(settings, nets, len(nets) * len(seeds))


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


def measured(settings: FamilySettings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    return measured_of(read_results(settings, seeds, records), metrics(settings))
