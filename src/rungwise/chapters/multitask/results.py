"""The chapter's records, read: every model's numbers by seed, and the fixed weights that were tuned."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from rungwise.chapters.class_counts import ClassCounts, class_counts
from rungwise.chapters.multitask.metrics import metrics
from rungwise.chapters.multitask.models import ModelRole, PlannedModel, models
from rungwise.chapters.multitask.settings import Settings
from rungwise.chapters.multitask.weights import SINGLE_NETS, is_equal
from rungwise.chapters.results import measurements, measures_of
from rungwise.data.tasks import task_classes
from rungwise.evidence.estimate import Estimate
from rungwise.evidence.measure import Measurement
from rungwise.evidence.measures import Measures
from rungwise.records.record import Record

SAVED = {"parameters_saved": "parameters", "time_saved": "time_s"}
"""What is saved, by the metric of its share."""
RATIOS = {"step_time_ratio": "step_ms", "memory_ratio": "step_memory_mb"}
"""What is compared to plain training, by the metric of the ratio."""

MOST_SHOWN = 4
"""Tasks that are shown; of more, those on which nets differ most."""

Runs = dict[int, tuple[Record, ...]]
"""By seed."""
Values = dict[int, float]
"""By seed; undefined values are left out."""


@dataclass(frozen=True, eq=False)
class Results:
    """What the chapter's statements, tables and figures are made from."""

    settings: Settings
    models: dict[str, PlannedModel]
    """By name, in the order of the tables."""
    runs: dict[str, Runs]
    """Of each model the record of each seed that has finished; of `SINGLE_NETS` one record for each task."""
    measures: Measures

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(self.settings.tasks)

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """The tasks that sentences and figures are about: all, or of more than `MOST_SHOWN` those on which the nets of
        several tasks differ most. Tables have all."""
        if len(self.tasks) <= MOST_SHOWN:
            return self.tasks
        spread = {}
        for task in self.tasks:
            found = [self.estimate(f"test_accuracy_{task}", m.name) for m in self.of("fixed", "adaptive", "sharing")]
            means = [estimate.mean for estimate in found if estimate]
            spread[task] = max(means, default=0.0) - min(means, default=0.0)
        most = sorted(self.tasks, key=lambda task: -spread[task])[:MOST_SHOWN]
        return tuple(task for task in self.tasks if task in most)

    @property
    def of_shown(self) -> str:
        """What a caption says where not all are shown; else ""."""
        left = len(self.shown) < len(self.tasks)
        return f" Of {len(self.tasks)} tasks, the {MOST_SHOWN} on which the nets differ most are shown." if left else ""

    @property
    def single(self) -> dict[str, str]:
        """The names of the single-task nets, by task."""
        return {model.task: name for name, model in self.models.items() if model.role == "single"}

    @property
    def planned(self) -> int:
        return sum(len(model.trials) for model in self.models.values())

    @property
    def done(self) -> int:
        return sum(len(self.runs[name]) for name in self.models)

    @property
    def most_seeds(self) -> int:
        return max(len(self.runs[name]) for name in self.models)

    @cached_property
    def counts(self) -> dict[str, ClassCounts]:
        """The test images of each class, by task; without those whose labels no record has."""
        found = {
            name: class_counts(task_classes(task, self.settings.data), self.runs.values(), self.measures.reader, name)
            for name, task in self.settings.tasks.items()
        }
        return {name: counts for name, counts in found.items() if counts is not None}

    def of(self, *roles: ModelRole) -> list[PlannedModel]:
        """The models of these roles that have a record."""
        return [model for name, model in self.models.items() if model.role in roles and self.runs[name]]

    def plans(self, *roles: ModelRole) -> bool:
        """Whether the study has models of these roles, be they done or not."""
        return any(model.role in roles for model in self.models.values())

    def lacks(self, *roles: ModelRole) -> bool:
        """Whether some model of these roles has no record."""
        return any(model.role in roles and not self.runs[name] for name, model in self.models.items())

    def record_ids(self, *names: str) -> tuple[str, ...]:
        return tuple(r.id for name in names for own in self.runs[name].values() for r in own)

    def values(self, key: str, model: str) -> Values:
        """One of the chapter's metrics of one model."""
        found = {seed: self._value(key, model, seed) for seed in self.runs[model]}
        return {seed: value for seed, value in found.items() if math.isfinite(value)}

    def estimate(self, key: str, model: str) -> Estimate | None:
        """Of one of the chapter's metrics of one model; None where no seed has it."""
        return self.measures.estimate(key, self.values(key, model), self.runs[model])

    def gain_estimate(self, model: str, on: str) -> Estimate | None:
        """Of `gains`."""
        return self.measures.of(self.gains(model, on).values())

    def lead(self, key: str, model: str, other: str) -> Estimate | None:
        """By how much a metric of a model is above another's, paired by seed."""
        both = (self.runs[model], self.runs[other])
        return self.measures.difference(key, self.values(key, model), self.values(key, other), both)

    def trials(self, key: str, model: str) -> dict[int, tuple[str, ...]]:
        """The ids of the trials behind `values`, by seed."""
        others = []
        if key in SAVED or key == "gain_on_single":
            others = [SINGLE_NETS]
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
        runs, metric = self.runs[model][seed], self.measures.metrics.get(key)
        if metric and metric.answers and metric.answers.statistic != "accuracy":
            found = self.measures.read(key, runs)
            return math.nan if found is None else found
        for part in ("test_accuracy_", "validation_accuracy_", "dominance_"):
            if key.startswith(part):
                return self._of_task(part.removesuffix("_"), key.removeprefix(part), model, seed)
        match key:
            case "mean_test_accuracy":
                return self._mean_accuracy("test_accuracy", model, seed)
            case "gain_on_single":
                return self.gain(model, SINGLE_NETS, seed)
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
            other = self.values(SAVED[key], SINGLE_NETS).get(seed)
            return 1 - self._value(SAVED[key], model, seed) / other if other else math.nan
        return sum(record.summary[key] for record in runs)

    def _of_task(self, what: str, task: str, model: str, seed: int) -> float:
        """An accuracy, or AU after the last epoch, of one task; of all single-task nets together, its own net's."""
        place = self.tasks.index(task) if model == SINGLE_NETS else 0
        record = self.runs[model][seed][place]
        alone = model == SINGLE_NETS or self.models[model].role == "single"
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

    def dominance_shares(self, model: str) -> dict[str, Estimate]:
        """Each task's share of the sum of all tasks' AU after the last epoch."""
        each = {task: self.values(f"dominance_{task}", model) for task in self.tasks}
        seeds = [seed for seed in self.runs[model] if all(seed in values for values in each.values())]
        sums = {seed: sum(values[seed] for values in each.values()) for seed in seeds}
        shares = {
            task: self.measures.of((own[seed] / sums[seed] for seed in seeds if sums[seed]), "share")
            for task, own in each.items()
        }
        return {task: share for task, share in shares.items() if share}

    def last_weights(self, model: str, task: str) -> list[float]:
        """What a method gave a task, mean over the last epoch, one per seed; none where it gives no weights."""
        curves = [runs[0].history.get(f"weight_{task}", [math.nan]) for runs in self.runs[model].values()]
        return [curve[-1] for curve in curves if math.isfinite(curve[-1])]

    @property
    def choosing(self) -> str:
        """What the fixed weights are chosen by: the images set aside where there are any, else the test images."""
        return "validation_accuracy" if self.settings.data.aside else "test_accuracy"

    @property
    def tuned_apart(self) -> bool:
        """Whether weights were chosen by other images than those that their accuracy is reported on."""
        return self.choosing != "test_accuracy"

    @cached_property
    def tuned(self) -> PlannedModel | None:
        """The fixed weights with the highest accuracy, averaged over tasks and seeds."""
        return self._best(lambda name, seed: self._mean_accuracy(self.choosing, name, seed))

    @property
    def equal(self) -> PlannedModel | None:
        """The fixed weights that are equal, where they are in the study and have run."""
        return next((m for m in self.of("fixed") if is_equal(m.weights)), None)

    def best(self, task: str) -> PlannedModel | None:
        """The fixed weights with the highest accuracy on one task."""
        return self._best(lambda name, seed: self._of_task(self.choosing, task, name, seed))

    def _best(self, accuracy: Callable[[str, int], float]) -> PlannedModel | None:
        """The fixed weights with the highest mean over the seeds that all of them have; the first of equals."""
        ran = self.of("fixed")
        seeds = set.intersection(*(set(self.runs[model.name]) for model in ran)) if ran else set()
        if not seeds:
            return None
        return max(ran, key=lambda model: math.fsum(accuracy(model.name, seed) for seed in seeds))


def read_results(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Results:
    planned = {model.name: model for model in models(settings, seeds)}
    runs: dict[str, Runs] = {
        name: {seed: (records[trial.id],) for seed, trial in model.trials.items() if trial.id in records}
        for name, model in planned.items()
    }
    single = [name for name, model in planned.items() if model.role == "single"]
    everywhere = sorted(set.intersection(*(set(runs[name]) for name in single)))
    runs[SINGLE_NETS] = {seed: tuple(runs[name][seed][0] for name in single) for seed in everywhere}
    return Results(settings, planned, runs, measures_of(settings, metrics(settings)))


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    results = read_results(settings, seeds, records)
    for key, metric in metrics(settings).items():
        for model in metric.models:
            yield from measurements(settings.name, key, model, results.values(key, model), results.trials(key, model))
