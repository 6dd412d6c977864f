"""Multi-task: several tasks in one net; ways to balance and to share them; single-task nets as the baseline."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from rungwise.balancing.balancer import BalancerSettings
from rungwise.chapters import multitask_figures, multitask_statements, multitask_tables
from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.common import heading, measurements, seed_warnings, told_fit
from rungwise.chapters.multitask_models import (
    TOGETHER,
    TaskOfData,
    Weights,
    WeightsOfTasks,
    is_equal,
    models,
    multi_name,
    single_name,
    told_weights,
)
from rungwise.chapters.multitask_results import Results
from rungwise.data.source import Data
from rungwise.data.tasks import Task, task_classes
from rungwise.evidence.measure import Measurement, Metric
from rungwise.findings import Findings, Formula
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import NetSettings
from rungwise.models.sharing import SharingSettings
from rungwise.records.record import Record
from rungwise.training.trial import Balance, Fit, RecipeOfTasks, for_balancing


def _usable(balance: BalancerSettings, info: ValidationInfo) -> BalancerSettings:
    known = info.data
    if balance.validates and isinstance(known.get("data"), Data) and known["data"].validation_images is None:
        raise ValueError(
            f"{balance.method} draws batches from images that are set aside: set validation_images in the chapter's "
            "data, as data = { ..., validation_images = 1000 }"
        )
    if {"fit", "tasks"} <= known.keys() and (fault := balance.fault(known["fit"].optimiser, len(known["tasks"]))):
        raise ValueError(fault)
    if "fit" in known:
        for_balancing(known["fit"])
    return balance


class Settings(ChapterSettings):
    kind: Literal["multitask"] = "multitask"
    fit: RecipeOfTasks
    net: SharingSettings
    tasks: dict[str, TaskOfData] = Field(min_length=2)
    """By name: "labels", a column of the data, or groups of labels by name."""
    weights: tuple[WeightsOfTasks, ...] = Field(min_length=1)
    """The loss weights to try, one number per task, summing to 1. For two tasks, one number w stands for (w, 1 - w)."""
    methods: dict[str, Annotated[Balance, AfterValidator(_usable)]] = Field({})
    """Other ways to balance the tasks, by the names that they have in the report."""
    sharing: dict[str, SharingSettings] = Field({})
    """Other nets for the tasks to share, by the names that they have in the report; at equal weights."""

    @field_validator("weights")
    @classmethod
    def _once(cls, weights: tuple[Weights, ...]) -> tuple[Weights, ...]:
        names = [multi_name(w) for w in weights]
        twice = next((w for i, w in enumerate(weights) if names[i] in names[:i]), None)
        if twice is not None:
            raise ValueError(f"the weights {list(twice)} are listed twice, as {told_weights(twice)}; list each once")
        return weights

    @field_validator("methods", "sharing")
    @classmethod
    def _own_names(cls, named: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        taken = {
            TOGETHER,
            *map(single_name, info.data.get("tasks", ())),
            *map(multi_name, info.data.get("weights", ())),
            *(info.data.get("methods", ()) if info.field_name == "sharing" else ()),
        }
        if twice := taken & named.keys():
            raise ValueError(f"{min(twice)!r} is what another model of this chapter is called; choose another name")
        return named


def trials(settings: Settings, seeds: Sequence[int]) -> tuple[Fit, ...]:
    return tuple(trial for model in models(settings, tuple(seeds)) for trial in model.trials.values())


# Measurements --------------------------------------------------------------------------------------------------


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


# Findings ------------------------------------------------------------------------------------------------------


def findings(settings: Settings, seeds: Sequence[int], records: Mapping[str, Record]) -> Findings:
    results = Results(settings, tuple(seeds), records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Multi-task learning"),
        question=_question(settings),
        method=_method(settings),
        formulas=_formulas(settings),
        statements=multitask_statements.statements(results),
        tables=multitask_tables.tables(results),
        figures=multitask_figures.figures(results),
        warnings=(
            *seed_warnings(results.most_seeds, results.planned, len(results.ids)),
            *multitask_statements.warnings(results),
        ),
        seeds=results.most_seeds,
    )


def _question(settings: Settings) -> str:
    if settings.methods:
        return "How should several tasks share one net, and does weighing them adaptively beat weights that stay?"
    return "Can one net learn several tasks at once as well as one net for each, and at what weights?"


def _formulas(settings: Settings) -> tuple[Formula, ...]:
    loss = Formula(
        latex=r"L = \sum_{k=1}^{K} w_k L_k, \qquad w_k \ge 0, \quad \sum_k w_k = 1",
        says=(
            "The loss of $K$ tasks: $L_k$ is the cross-entropy of task $k$. For two tasks "
            r"$w = (\lambda, 1 - \lambda)$."
        ),
    )
    gain = Formula(
        latex=r"\Delta = \frac{100}{K} \sum_{k=1}^{K} \frac{a_k - b_k}{b_k}",
        says=(
            "The gain of a net with test accuracies $a_k$ on one with $b_k$, in percent, averaged over the tasks. It "
            "is taken by seed, so that each difference is of two nets with the same images and the same order of them."
        ),
    )
    dominance = Formula(
        latex=r"\mathrm{AU}_k \leftarrow \beta\, \mathrm{AU}_k + (1 - \beta)\, \frac{\| \Delta\theta_k \|^2}{P}",
        says=(
            r"Which task dominates (Yang et al. 2022): $\Delta\theta_k$ is task $k$'s part of a step of the $P$ shared "
            r"parameters, weights and the optimiser's scaling included, looked at every 20 steps; $\beta = 0.9$."
        ),
    )
    return (loss, gain, dominance) if settings.methods or settings.sharing else (loss,)


def _method(settings: Settings) -> tuple[str, ...]:
    data = settings.data
    tasks = "; ".join(_told_task(name, task, data) for name, task in settings.tasks.items())
    aside = (
        f"{data.validation_images:,} other training images were set aside to choose the weights by."
        if data.validation_images
        else "No other images were set aside to choose the weights by."
    )
    found = [
        f"The tasks: {tasks}.",
        f"{_told_net(settings.net)} A single-task net is the same net with one task.",
        f"Every net was fitted on {data.size:,} training images of {data.source}, {told_fit(settings.fit)}. "
        f"Accuracies are those of the last epoch on the test images. {aside}",
    ]
    if settings.methods:
        found.append(
            "Every other way to balance the tasks had the same net, initial weights, images, order, batches, epochs "
            "and learning rate. It started from equal weights, and was not tuned: its own settings are the defaults, "
            "its authors' where they name any, or the study's, where the table of methods says so."
        )
    if settings.sharing:
        nets = " ".join(f"{name}: {_told_net(net)}" for name, net in settings.sharing.items())
        found.append(f"Other ways to share, all at equal weights. {nets}")
    return tuple(found)


def _told_task(name: str, task: Task, data: Data) -> str:
    if task == "labels":
        return f"{name}, the {len(data.classes)} classes"
    if isinstance(task, str):
        return f"{name}, the column {task} of {len(task_classes(task, data))} classes"
    groups = ", ".join(
        f"{group} ({', '.join(data.classes[label] for label in labels)})" for group, labels in task.items()
    )
    return f"{name}, {len(task)} groups: {groups}"


def _told_net(net: NetSettings) -> str:
    """A net in a sentence."""
    settings: Any = net
    filters = ", ".join(map(str, settings.filters))
    head = getattr(settings, "head", ())
    own = f"dense layers of {', '.join(map(str, head))} units and its logits" if head else "its logits"
    if isinstance(net, SharedSettings):
        shared = f", then shared dense layers of {', '.join(map(str, net.shared))} units" if net.shared else ""
        return (
            f"All tasks share convolutions of {filters} filters of {net.kernel} × {net.kernel}{shared}; each task adds "
            f"{own}."
        )
    blocks = f"blocks of {filters} filters (convolution of 3 × 3, max-pooling, BatchNorm, ReLU)"
    match settings.family:
        case "compact":
            shared = f" and dense layers of {', '.join(map(str, settings.shared))} units" if settings.shared else ""
            return f"All tasks share {blocks}{shared}; each task adds {own}."
        case "collaboration":
            link = "a block common to all tasks reads every column and adds to each (Trottier et al. 2017)"
        case _:
            link = "each column goes on with a learned mixture of all of them (Misra et al. 2016)"
    return f"Each task has a column of {blocks} and {own}; after each block, {link}."
