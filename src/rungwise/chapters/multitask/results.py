"""The multi-task chapter's records, read: every model's numbers by seed, and the fixed weights that were tuned."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from rungwise.chapters.multitask.models import Model, Role, models
from rungwise.chapters.multitask.settings import Settings
from rungwise.chapters.multitask.weights import (
    TOGETHER,
    is_equal,
)
from rungwise.chapters.sentences import measurements
from rungwise.evidence.measure import Measurement, Metric
from rungwise.records.record import Record

if TYPE_CHECKING:
    from rungwise.chapters.multitask.settings import Settings

SAVED = {"parameters_saved": "parameters", "time_saved": "time_s"}
"""What is saved, by the metric of its share."""
RATIOS = {"step_time_ratio": "step_ms", "memory_ratio": "step_memory_mb"}
"""What is compared to plain training, by the metric of the ratio."""

Runs = dict[int, tuple[Record, ...]]
"""By seed."""
Values = dict[int, float]
"""By seed; undefined values are left out."""


class Results:
    """The chapter's records by model and seed; some may be missing."""

    def __init__(self, settings: "Settings", seeds: tuple[int, ...], records: Mapping[str, Record]) -> None:
        self.settings, self.tasks = settings, tuple(settings.tasks)
        self.models = {model.name: model for model in models(settings, seeds)}
        self.runs: dict[str, Runs] = {
            name: {s: (records[t.id],) for s, t in model.trials.items() if t.id in records}
            for name, model in self.models.items()
        }
        self.single = {model.task: name for name, model in self.models.items() if model.role == "single"}
        self.planned = sum(len(model.trials) for model in self.models.values())
        self.ids = tuple(r.id for runs in self.runs.values() for own in runs.values() for r in own)
        self.most_seeds = max(map(len, self.runs.values()))
        everywhere = sorted(set.intersection(*(set(self.runs[name]) for name in self.single.values())))
        self.runs[TOGETHER] = {s: tuple(self.runs[name][s][0] for name in self.single.values()) for s in everywhere}

    def of(self, *roles: Role) -> list[Model]:
        """The models of these roles that have a record."""
        return [model for name, model in self.models.items() if model.role in roles and self.runs[name]]

    def record_ids(self, *names: str) -> tuple[str, ...]:
        return tuple(r.id for name in names for own in self.runs[name].values() for r in own)

    # Numbers ---------------------------------------------------------------------------------------------------

    def values(self, key: str, model: str) -> Values:
        """One of the chapter's metrics of one model."""
        found = {seed: self._value(key, model, seed) for seed in self.runs[model]}
        return {seed: value for seed, value in found.items() if math.isfinite(value)}

    def trials(self, key: str, model: str) -> dict[int, tuple[str, ...]]:
        """The ids of the trials behind `values`, by seed."""
        others = []
        if key in SAVED or key == "gain_on_single":
            others = [TOGETHER]
        elif key == "gain_on_tuned" and self.tuned:
            others = [self.tuned.name]
        elif key == "gain_on_equal" and self.equal:
            others = [self.equal.name]
        elif key in RATIOS:
            others = [plain.name for plain in self.of("fixed")]
        return {
            seed: tuple(dict.fromkeys(r.id for name in (model, *others) for r in self.runs[name].get(seed, ())))
            for seed in self.runs[model]
        }

    def _value(self, key: str, model: str, seed: int) -> float:
        """NaN where it is undefined."""
        runs = self.runs[model][seed]
        for part in ("test_accuracy_", "validation_accuracy_", "dominance_"):
            if key.startswith(part):
                return self._of_task(part.removesuffix("_"), key.removeprefix(part), model, seed)
        match key:
            case "mean_test_accuracy":
                return self._mean_accuracy("test_accuracy", model, seed)
            case "gain_on_single":
                return self.gain(model, TOGETHER, seed)
            case "gain_on_tuned":
                return self.gain(model, self.tuned.name, seed) if self.tuned else math.nan
            case "gain_on_equal":
                return self.gain(model, self.equal.name, seed) if self.equal else math.nan
            case "step_ms":
                steps = runs[0].summary.get("steps", math.nan)
                return 1000 * runs[0].summary["time_s"] / steps
            case "step_memory_mb":
                return runs[0].summary.get("step_bytes", math.nan) / 1e6
        if key in RATIOS:
            plain = [v[seed] for m in self.of("fixed") if seed in (v := self.values(RATIOS[key], m.name))]
            return self._value(RATIOS[key], model, seed) * len(plain) / sum(plain) if plain else math.nan
        if key in SAVED:
            other = self.values(SAVED[key], TOGETHER).get(seed)
            return 1 - self._value(SAVED[key], model, seed) / other if other else math.nan
        return sum(record.summary[key] for record in runs)

    def _of_task(self, what: str, task: str, model: str, seed: int) -> float:
        """An accuracy, or AU after the last epoch, of one task; of all single-task nets together, its own net's."""
        place = self.tasks.index(task) if model == TOGETHER else 0
        record = self.runs[model][seed][place]
        alone = model == TOGETHER or self.models[model].role == "single"
        if what == "dominance":
            return record.history.get(f"dominance_{task}", [math.nan])[-1]
        return record.summary.get(what if alone else f"{what}_{task}", math.nan)

    def _mean_accuracy(self, what: str, model: str, seed: int) -> float:
        return sum(self._of_task(what, task, model, seed) for task in self.tasks) / len(self.tasks)

    def gain(self, model: str, on: str, seed: int) -> float:
        """By how many percent the model's test accuracy is above another's, averaged over the tasks.

        NaN where the other has no such run, or gets no image right.
        """
        if seed not in self.runs[on] or seed not in self.runs[model]:
            return math.nan
        shares = []
        for task in self.tasks:
            own, other = (self._of_task("test_accuracy", task, name, seed) for name in (model, on))
            shares.append((own - other) / other if other else math.nan)
        return 100 * sum(shares) / len(shares)

    def gains(self, model: str, on: str) -> Values:
        found = {seed: self.gain(model, on, seed) for seed in self.runs[model]}
        return {seed: value for seed, value in found.items() if math.isfinite(value)}

    def last_weights(self, model: str, task: str) -> list[float]:
        """What a method gave a task, mean over the last epoch, one per seed; none where it gives no weights."""
        curves = [runs[0].history.get(f"weight_{task}", [math.nan]) for runs in self.runs[model].values()]
        return [curve[-1] for curve in curves if math.isfinite(curve[-1])]

    # Fixed weights ---------------------------------------------------------------------------------------------

    @property
    def choosing(self) -> str:
        """What the fixed weights are chosen by: the images set aside where there are any, else the test images."""
        return "validation_accuracy" if self.settings.data.validation_images else "test_accuracy"

    @cached_property
    def tuned(self) -> Model | None:
        """The fixed weights with the highest accuracy, averaged over tasks and seeds."""
        return self._best(lambda name, seed: self._mean_accuracy(self.choosing, name, seed))

    @property
    def equal(self) -> Model | None:
        """The fixed weights that are equal, where they are in the study and have run."""
        return next((m for m in self.of("fixed") if is_equal(m.weights)), None)

    def best(self, task: str) -> Model | None:
        """The fixed weights with the highest accuracy on one task."""
        return self._best(lambda name, seed: self._of_task(self.choosing, task, name, seed))

    def _best(self, accuracy: Callable[[str, int], float]) -> Model | None:
        """The fixed weights with the highest mean over the seeds that all of them have; the first of equals."""
        ran = self.of("fixed")
        seeds = set.intersection(*(set(self.runs[model.name]) for model in ran)) if ran else set()
        if not seeds:
            return None
        return max(ran, key=lambda model: math.fsum(accuracy(model.name, seed) for seed in seeds))


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of single-task nets, of all of them together, and of the nets of several tasks."""
    known = models(settings, (0,))
    single = {model.task: model.name for model in known if model.role == "single"}
    multi = tuple(model.name for model in known if model.role != "single")
    every = (*single.values(), *multi, TOGETHER)
    parts = ("test", "validation") if settings.data.validation_images else ("test",)
    accuracies = {
        f"{part}_accuracy_{task}": Metric(
            f"share of the {part} images classified right on {task}", (name, *multi), "higher"
        )
        for part in parts
        for task, name in single.items()
    }
    less = f"share of the {{}} of the {TOGETHER} that the multi-task net does without"
    equal = any(map(is_equal, settings.weights))
    gain = "by how many percent test accuracy is above that of {}, averaged over the tasks"
    plain = "times that of plain training, the mean over the fixed weights"
    return {
        **accuracies,
        "mean_test_accuracy": Metric("test accuracy, averaged over the tasks", (*multi, TOGETHER), "higher"),
        "gain_on_single": Metric(gain.format("the single-task nets"), multi, "higher"),
        "gain_on_tuned": Metric(gain.format("the net with the tuned fixed weights"), multi, "higher"),
        **({"gain_on_equal": Metric(gain.format("the net with equal weights"), multi, "higher")} if equal else {}),
        "parameters": Metric("number of parameters", every, exact=True),
        "time_s": Metric("training time, in seconds", every, "lower", timing=True),
        "parameters_saved": Metric(less.format("parameters"), multi, "higher", exact=True),
        "time_saved": Metric(less.format("training time"), multi, "higher", timing=True),
        "step_ms": Metric("training time of one step, in milliseconds", multi, "lower", timing=True),
        "step_time_ratio": Metric(f"training time of one step, {plain}", multi, "lower", timing=True),
        "step_memory_mb": Metric("most memory that tensors take in a step, the net's left out, in MB", multi, "lower"),
        "memory_ratio": Metric(f"most memory that tensors take in a step, {plain}", multi, "lower"),
        **{
            f"dominance_{task}": Metric(f"AU of {task} after the last epoch (squared step per parameter)", multi)
            for task in settings.tasks
        },
    }


def measured(settings: Settings, seeds: Sequence[int], records: Mapping[str, Record]) -> Iterator[Measurement]:
    results = Results(settings, tuple(seeds), records)
    for key, metric in metrics(settings).items():
        for model in metric.models:
            yield from measurements(settings.name, key, model, results.values(key, model), results.trials(key, model))
