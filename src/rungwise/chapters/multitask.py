"""Multi-task: several tasks in one net; a sweep of the loss weights; single-task nets as the baseline."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.common import compared, heading, measurements, seed_warnings, told, told_fit, told_pairs
from rungwise.data.source import Data
from rungwise.data.tasks import Task, check_task
from rungwise.evidence.estimate import Estimate, estimate, paired_difference
from rungwise.evidence.measure import Measurement, Metric
from rungwise.findings import (
    Bars,
    Column,
    Figure,
    Findings,
    Formula,
    Level,
    Lines,
    Panel,
    Series,
    Statement,
    Table,
)
from rungwise.models.multitask import SharedSettings
from rungwise.records.record import Record
from rungwise.training.trial import Fit, Recipe

Weights = tuple[float, ...]


def _one_group_each(task: Task, info: ValidationInfo) -> Task:
    if isinstance(info.data.get("data"), Data):
        check_task(task, info.data["data"].classes)
    return task


def _on_simplex(weights: Weights, info: ValidationInfo) -> Weights:
    tasks = info.data.get("tasks", weights)  # absent where they are wrong themselves, which is told already
    if len(weights) != len(tasks):
        raise ValueError(f"{len(tasks)} tasks need {len(tasks)} weights, got {list(weights)}")
    if not (min(weights) >= 0 and math.isclose(sum(weights), 1, abs_tol=1e-6)):
        raise ValueError(f"loss weights must be at least 0 and sum to 1, got {list(weights)}")
    return weights


class Settings(ChapterSettings):
    kind: Literal["multitask"] = "multitask"
    fit: Recipe
    net: SharedSettings
    tasks: dict[str, Annotated[Task, AfterValidator(_one_group_each)]] = Field(min_length=2)
    """By name: "labels", or groups of labels by name."""
    weights: tuple[Annotated[Weights, AfterValidator(_on_simplex)], ...] = Field(min_length=1)
    """The loss weights to try, one number per task, summing to 1. For two tasks, one number w stands for (w, 1 - w)."""

    @field_validator("weights", mode="before")
    @classmethod
    def _pairs(cls, weights: Any, info: ValidationInfo) -> Any:
        if not isinstance(weights, list | tuple) or len(info.data.get("tasks", "ab")) != 2:
            return weights
        return [(w, 1 - w) if isinstance(w, int | float) else w for w in weights]

    @field_validator("weights")
    @classmethod
    def _once(cls, weights: tuple[Weights, ...]) -> tuple[Weights, ...]:
        names = [_multi_name(w) for w in weights]
        twice = next((w for i, w in enumerate(weights) if names[i] in names[:i]), None)
        if twice is not None:
            raise ValueError(f"the weights {list(twice)} are listed twice, as {_told_weights(twice)}; list each once")
        return weights


def trials(settings: Settings, seeds: tuple[int, ...]) -> tuple[Fit, ...]:
    single = tuple(_single(settings, name, seed) for name in settings.tasks for seed in seeds)
    return (*single, *(_multi(settings, weights, seed) for weights in settings.weights for seed in seeds))


def _single(settings: Settings, task: str, seed: int) -> Fit:
    return Fit(
        label=_single_name(task),
        data=settings.data,
        seed=seed,
        net=settings.net,
        fit=settings.fit,
        tasks={task: settings.tasks[task]},
    )


def _multi(settings: Settings, weights: Weights, seed: int) -> Fit:
    return Fit(
        label=_multi_name(weights),
        data=settings.data,
        seed=seed,
        net=settings.net,
        fit=settings.fit,
        tasks=settings.tasks,
        loss_weights=weights,
    )


def _single_name(task: str) -> str:
    return f"single: {task}"


def _multi_name(weights: Weights) -> str:
    return f"multi: {_told_weights(weights)}"


def _told_weights(weights: Weights) -> str:
    """λ alone for two tasks, else all weights."""
    return f"λ = {weights[0]:g}" if len(weights) == 2 else "w = " + ", ".join(f"{w:g}" for w in weights)


TOGETHER = "single-task nets together"
"""What the metrics call one single-task net for each task, as a whole."""
SAVED = {"parameters_saved": "parameters", "time_saved": "time_s"}
"""What is saved, by the metric of its share."""


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of single-task nets, of all of them together, and of the multi-task net at each weight."""
    single = {task: _single_name(task) for task in settings.tasks}
    multi = tuple(map(_multi_name, settings.weights))
    accuracies = {
        f"test_accuracy_{task}": Metric(
            f"share of the test images classified right on {task}", (name, *multi), "higher"
        )
        for task, name in single.items()
    }
    every = (*single.values(), *multi, TOGETHER)
    less = f"share of the {{}} of the {TOGETHER} that the multi-task net does without"
    return {
        **accuracies,
        "parameters": Metric("number of parameters", every, exact=True),
        "time_s": Metric("training time, in seconds", every, "lower", timing=True),
        "parameters_saved": Metric(less.format("parameters"), multi, "higher", exact=True),
        "time_saved": Metric(less.format("training time"), multi, "higher", timing=True),
    }


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    results = _Results(settings, seeds, records)
    for key, metric in metrics(settings).items():
        for model in metric.models:
            yield from measurements(settings.name, key, model, results.values(key, model), results.trials(key, model))


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = _Results(settings, seeds, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Multi-task learning"),
        question="Can one net learn several tasks at once as well as one net for each, and at what weights?",
        method=_method(settings),
        formulas=(
            Formula(
                latex=r"L = \sum_{k=1}^{K} w_k L_k, \qquad w_k \ge 0, \quad \sum_k w_k = 1",
                says=(
                    "The loss of $K$ tasks: $L_k$ is the cross-entropy of task $k$. For two tasks "
                    r"$w = (\lambda, 1 - \lambda)$."
                ),
            ),
        ),
        statements=(*results.best_weights(), *results.against_single(), *results.savings()),
        tables=(results.table(),),
        figures=results.figures(),
        warnings=(
            *seed_warnings(results.most_seeds(), len(trials(settings, seeds)), len(results.ids())),
            *results.chosen_on_test(),
        ),
        seeds=results.most_seeds(),
    )


def _method(settings: Settings) -> tuple[str, ...]:
    net = settings.net
    tasks = "; ".join(_told_task(name, task, settings.data.classes) for name, task in settings.tasks.items())
    shared = f", then shared dense layers of {', '.join(map(str, net.shared))} units" if net.shared else ""
    own = f"dense layers of {', '.join(map(str, net.head))} units and its logits" if net.head else "its logits"
    return (
        f"The tasks: {tasks}.",
        f"All tasks share convolutions of {', '.join(map(str, net.filters))} filters of {net.kernel} × {net.kernel}"
        f"{shared}; each task adds {own}. A single-task net is the same net with one task.",
        f"Every net was fitted on {settings.data.size:,} training images of {settings.data.source}, "
        f"{told_fit(settings.fit)}. Accuracies are those of the last epoch on the test images. No other images were "
        "set aside to choose the weights by.",
    )


def _told_task(name: str, task: Task, classes: tuple[str, ...]) -> str:
    if task == "labels":
        return f"{name}, the {len(classes)} classes"
    groups = ", ".join(f"{group} ({', '.join(classes[label] for label in labels)})" for group, labels in task.items())
    return f"{name}, {len(task)} groups: {groups}"


class _Results:
    """The chapter's records by role and seed."""

    def __init__(self, settings: Settings, seeds: Sequence[int], records: Mapping[str, Record]) -> None:
        self.settings, self.tasks = settings, tuple(settings.tasks)
        single = {task: {s: _single(settings, task, s).id for s in seeds} for task in self.tasks}
        multi = {weights: {s: _multi(settings, weights, s).id for s in seeds} for weights in settings.weights}
        self.single = {task: _present(ids, records) for task, ids in single.items()}
        self.multi = {weights: _present(ids, records) for weights, ids in multi.items()}

        self.runs = {
            **{_single_name(task): _each(runs) for task, runs in self.single.items()},
            **{_multi_name(weights): _each(runs) for weights, runs in self.multi.items()},
            TOGETHER: _together(list(self.single.values())),
        }
        """Every model's records by name and seed."""

    def values(self, key: str, model: str) -> dict[int, float]:
        """One of `metrics` of one model, by seed; undefined values are left out."""
        if key in SAVED:
            own, other = self.values(SAVED[key], model), self.values(SAVED[key], TOGETHER)
            return {seed: 1 - value / other[seed] for seed, value in own.items() if other.get(seed)}
        if key.startswith("test_accuracy_"):
            task = key.removeprefix("test_accuracy_")
            by_name = {_multi_name(weights): weights for weights in self.multi}
            return self.accuracy(by_name[model], task) if model in by_name else self.baseline(task)
        return {seed: sum(record.summary[key] for record in runs) for seed, runs in self.runs[model].items()}

    def trials(self, key: str, model: str) -> dict[int, tuple[str, ...]]:
        """The ids of the trials behind `values`, by seed."""
        other = self.runs[TOGETHER] if key in SAVED else {}
        return {
            seed: tuple(record.id for record in (*runs, *other.get(seed, ())))
            for seed, runs in self.runs[model].items()
        }

    def ids(self) -> tuple[str, ...]:
        groups = (*self.single.values(), *self.multi.values())
        return tuple(record.id for group in groups for record in group.values())

    def most_seeds(self) -> int:
        return max(len(group) for group in (*self.single.values(), *self.multi.values()))

    def accuracy(self, weights: Weights, task: str) -> dict[int, float]:
        return {seed: record.summary[f"test_accuracy_{task}"] for seed, record in self.multi[weights].items()}

    def baseline(self, task: str) -> dict[int, float]:
        return {seed: record.summary["test_accuracy"] for seed, record in self.single[task].items()}

    def table(self) -> Table:
        columns = (
            Column(key="model", label="Model"),
            Column(key="weights", label="λ" if len(self.tasks) == 2 else "Weights"),
            *(Column(key=f"{task}_accuracy", label=_title(task), digits=4) for task in self.tasks),
            Column(key="parameters", label="Parameters"),
            Column(key="time_s", label="Training time (s)", digits=1),
        )
        rows = []
        for task, runs in self.single.items():
            accuracies = [estimate(self.baseline(task).values()) if other == task else None for other in self.tasks]
            rows.append((_single_name(task), None, *accuracies, _parameters(runs), self._time(_single_name(task))))
        for weights, runs in self.multi.items():
            accuracies = [estimate(self.accuracy(weights, task).values()) for task in self.tasks]
            rows.append(("multi", _short(weights), *accuracies, _parameters(runs), self._time(_multi_name(weights))))
        caption = "Single-task nets and the multi-task net at each weight: test accuracy after the last epoch."
        return Table(id=f"{self.settings.name}-accuracy", caption=caption, columns=columns, rows=tuple(rows))

    def _time(self, model: str) -> Estimate | None:
        return estimate(self.values("time_s", model).values())

    def _ran(self) -> list[Weights]:
        return [weights for weights, runs in self.multi.items() if runs]

    def chosen_on_test(self) -> tuple[str, ...]:
        """A warning where the best of several weights is told by the accuracy that it was chosen by."""
        if len(ran := self._ran()) < 2:
            return ()
        return (
            f"The best of {len(ran)} weights for a task was chosen by its accuracy on the test set itself, which "
            "flatters it.",
        )

    def best(self, task: str) -> Weights | None:
        """The weights with the highest mean test accuracy on the task; the first of equals."""
        means = {w: e.mean for w in self._ran() if (e := estimate(self.accuracy(w, task).values()))}
        return max(means, key=lambda w: means[w]) if means else None

    def best_weights(self) -> tuple[Statement, ...]:
        """For each task, where in the sweep it did best and worst."""
        ran, found = self._ran(), []
        for task in self.tasks:
            means = {w: e for w in ran if (e := estimate(self.accuracy(w, task).values()))}
            if len(means) < 2:
                continue
            best, worst = (pick(means, key=lambda w: means[w].mean) for pick in (max, min))
            measure = "mean test accuracy" if self.most_seeds() > 1 else "test accuracy"
            text = f"On {task}, all weights give the same {measure}, {told(means[best], 4)}."
            if means[best].mean > means[worst].mean:
                text = (
                    f"On {task}, {_told_weights(best)} has the highest {measure}, {told(means[best], 4)}, and "
                    f"{_told_weights(worst)} the lowest, {told(means[worst], 4)}."
                )
            found.append(Statement(text=text, trials=tuple(r.id for w in ran for r in self.multi[w].values())))
        return tuple(found)

    def against_single(self) -> tuple[Statement, ...]:
        """The best weights of the sweep against the single-task net, paired by seed."""
        found = []
        for task in self.tasks:
            best = self.best(task)
            if best is None:
                continue
            lead = paired_difference(self.accuracy(best, task), self.baseline(task))
            if lead is None:
                continue
            other = "the single-task net"
            words = (f"more accurate than {other}", f"less accurate than {other}", f"exactly as accurate as {other}")
            text = (
                f"On {task}, the multi-task net at {_told_weights(best)} is "
                f"{compared(lead, *words)} {told_pairs(lead)}."
            )
            if len(self._ran()) > 1:
                text += " It is the best of the sweep on these very images, which favours the multi-task net."
            ids = (*(r.id for r in self.multi[best].values()), *(r.id for r in self.single[task].values()))
            found.append(Statement(text=text, trials=ids))
        return tuple(found)

    def savings(self) -> tuple[Statement, ...]:
        """Parameters and training time of one multi-task net against one net per task."""
        runs = [record for group in self.multi.values() for record in group.values()]
        if not runs or not all(self.single.values()):
            return ()
        single = {key: sum(_mean(group, key) for group in self.single.values()) for key in ("parameters", "time_s")}
        multi = {key: sum(r.summary[key] for r in runs) / len(runs) for key in single}
        smaller = _change(multi["parameters"], single["parameters"], "fewer")
        faster = _change(multi["time_s"], single["time_s"], "less")
        text = (
            f"One multi-task net has {multi['parameters']:,.0f} parameters, against {single['parameters']:,.0f} for "
            f"{len(self.tasks)} single-task nets together{smaller}; it trains in {multi['time_s']:.1f} s, on average "
            f"over the weights, against {single['time_s']:.1f} s{faster}."
        )
        return (Statement(text=text, trials=self.ids()),)

    def figures(self) -> tuple[Figure, ...]:
        """The sweep and its learning curves; neither of a single point."""
        ran = self._ran()
        learning = (self._learning(ran),) if ran and self.settings.fit.epochs > 1 else ()
        return (self._sweeps(ran), *learning) if len(ran) > 1 else learning

    def _sweeps(self, ran: list[Weights]) -> Figure:
        panels = tuple(self._sweep(task, ran) for task in self.tasks)
        told_each = "; ".join(
            f"{task}: "
            + ", ".join(
                f"{e.mean:.4f} at {_told_weights(w)}" for w in ran if (e := estimate(self.accuracy(w, task).values()))
            )
            for task in self.tasks
        )
        return Figure(
            id=f"{self.settings.name}-sweep",
            caption="Test accuracy on each task by loss weight; the line across is the single-task net.",
            alt=f"Test accuracy by loss weight. {told_each}.",
            panels=panels,
            columns=2,
        )

    def _sweep(self, task: str, ran: list[Weights]) -> Panel:
        level = Level(name="single-task", values=tuple(self.baseline(task).values()))
        levels = (level,) if level.values else ()
        title = _title(task)
        if len(self.tasks) > 2:
            values = tuple(tuple(self.accuracy(w, task).values()) for w in ran)
            return Bars(title=title, names=tuple(map(_short, ran)), values=values, levels=levels)
        ordered = sorted(ran)
        seeds = sorted({seed for w in ordered for seed in self.multi[w]})
        runs = tuple(tuple(self.accuracy(w, task).get(seed, math.nan) for w in ordered) for seed in seeds)
        series = Series(name="multi-task", x=tuple(w[0] for w in ordered), runs=runs)
        return Lines(
            title=title,
            x_label=f"λ (weight of {self.tasks[0]})",
            series=(series,),
            levels=levels,
            markers=True,
        )

    def _learning(self, ran: list[Weights]) -> Figure:
        def series(weights: Weights, task: str) -> Series:
            curves = tuple(tuple(r.history[f"test_accuracy_{task}"]) for r in self.multi[weights].values())
            return Series(name=_told_weights(weights), x=tuple(range(1, 1 + max(map(len, curves)))), runs=curves)

        panels = tuple(
            Lines(
                title=_title(task),
                x_label="Epoch",
                series=tuple(series(w, task) for w in ran),
                markers=self.settings.fit.epochs < 3,
            )
            for task in self.tasks
        )
        return Figure(
            id=f"{self.settings.name}-learning",
            caption="Test accuracy by epoch at each weight.",
            alt="Test accuracy of the multi-task net by epoch, one line per weight; the last values are in the table.",
            panels=panels,
            columns=2,
        )


def _present(ids: Mapping[int, str], records: Mapping[str, Record]) -> dict[int, Record]:
    return {seed: records[trial_id] for seed, trial_id in ids.items() if trial_id in records}


def _mean(runs: Mapping[int, Record], key: str) -> float:
    return sum(record.summary[key] for record in runs.values()) / len(runs)


def _parameters(runs: Mapping[int, Record]) -> int | None:
    return next((int(record.summary["parameters"]) for record in runs.values()), None)


def _each(runs: Mapping[int, Record]) -> dict[int, tuple[Record, ...]]:
    return {seed: (record,) for seed, record in runs.items()}


def _together(groups: Sequence[Mapping[int, Record]]) -> dict[int, tuple[Record, ...]]:
    """The records of all groups, for the seeds that all of them have."""
    seeds = sorted(set.intersection(*(set(runs) for runs in groups)))
    return {seed: tuple(runs[seed] for runs in groups) for seed in seeds}


def _short(weights: Weights) -> str:
    return f"{weights[0]:g}" if len(weights) == 2 else ", ".join(f"{w:g}" for w in weights)


def _title(task: str) -> str:
    """The accuracy on a task, as a heading; the rest of its name is left as the study has it."""
    return f"{task[:1].upper()}{task[1:]} accuracy"


def _change(value: float, reference: float, less: str) -> str:
    """ ", 42.8% fewer", or nothing where there is no change that one could see."""
    change = value / reference - 1 if reference else 0.0
    return f", {abs(change):.1%} {less if change < 0 else 'more'}" if abs(change) >= 0.0005 else ""
