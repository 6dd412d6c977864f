"""Transfer: a further task on a trunk that is trained already, with few labels and with many, beside a new net."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.common import counted, heading, listed, measurements, seed_warnings, told_fit
from rungwise.chapters.multitask_models import TaskOfData, WeightsOfTasks
from rungwise.chapters.transfer_results import TRUNK, WAYS, Results, model_name, percent, steps
from rungwise.data.source import Data
from rungwise.data.tasks import Task, task_classes
from rungwise.evidence.measure import Measurement, Metric
from rungwise.findings import Findings
from rungwise.models.columns import ColumnsSettings
from rungwise.models.compact import CompactSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import NetSettings
from rungwise.models.sharing import SharingSettings
from rungwise.records.record import Record
from rungwise.training.trial import Fit, Recipe, RecipeOfTasks

FEWEST = 10
"""Training images that a share of the labels must leave."""


def _with_trunk(net: NetSettings) -> NetSettings:
    if isinstance(net, ColumnsSettings):
        raise ValueError(
            "each task has a column of its own in this net, so that a further one finds no trunk to start from; use "
            'family = "shared" or "compact"'
        )
    return net


def _for_as_many_steps(fit: Recipe) -> Recipe:
    if fit.stop_loss is not None:
        raise ValueError(
            "the further task is learnt for the same number of steps with any share of the labels; leave stop_loss out"
        )
    return fit


class Settings(ChapterSettings):
    kind: Literal["transfer"] = "transfer"
    fit: Annotated[RecipeOfTasks, AfterValidator(_for_as_many_steps)]
    """Of the trunk, and of the further task with all labels; with fewer it is learnt for as many steps."""
    net: Annotated[SharingSettings, AfterValidator(_with_trunk)]
    tasks: dict[str, TaskOfData] = Field(min_length=2)
    """Of the trunk, by name."""
    weights: WeightsOfTasks
    """Of the trunk's tasks, summing to 1. For two tasks, one number w stands for (w, 1 - w)."""
    task: dict[str, TaskOfData] = Field(min_length=1, max_length=1)
    """The further task, by name."""
    shares: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field((0.01, 0.1, 1.0), min_length=1)
    """Of the training images: how many have a label of the further task. Rising."""

    @field_validator("task")
    @classmethod
    def _further(cls, task: dict[str, Task], info: ValidationInfo) -> dict[str, Task]:
        (name,) = task
        if name in info.data.get("tasks", ()):
            raise ValueError(f"the trunk is trained on {name!r} already; give the further task a name of its own")
        return task

    @field_validator("shares")
    @classmethod
    def _rising(cls, shares: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        if not isinstance(data := info.data.get("data"), Data):  # it is wrong itself, which is told already
            return shares
        counts = [images(data, share) for share in shares]
        got = f"got {list(shares)}, which of {data.size:,} training images are {listed([f'{n:,}' for n in counts])}"
        if any(b <= a for a, b in pairwise(counts)):
            raise ValueError(f"expected shares in rising order, each of more images, as [0.01, 0.1, 1]; {got}")
        if counts[0] < FEWEST:
            raise ValueError(f"expected shares of at least {FEWEST} images; {got}: choose larger shares or more images")
        return shares


def images(data: Data, share: float) -> int:
    """How many training images a share of the labels is."""
    return round(share * data.size)


def recipe(settings: Settings, share: float) -> Recipe:
    """How the further task is learnt with that share of the labels: for as many steps as with all, to half an epoch.

    With all it is the study's own recipe, so that a new net is the same trial as in any other chapter. With fewer, the
    epochs are too many to look at the test images after each.
    """
    if share == 1:
        return settings.fit
    epochs = steps(settings.fit, settings.data.size) / -(-images(settings.data, share) // settings.fit.batch)
    return settings.fit.model_copy(update={"epochs": round(epochs), "evaluate": "end"})


# Trials --------------------------------------------------------------------------------------------------------


def trials(settings: Settings, seeds: Sequence[int]) -> tuple[Fit, ...]:
    """The trunks, then for each share of the labels the further task in each way."""
    further = (_further(settings, way, share, seed) for share in settings.shares for way in WAYS for seed in seeds)
    return (*(_trunk(settings, seed) for seed in seeds), *further)


def _trunk(settings: Settings, seed: int) -> Fit:
    """The same trial as the net of these weights in the chapter on multi-task learning."""
    return Fit(
        label=TRUNK,
        data=settings.data,
        seed=seed,
        net=settings.net,
        fit=settings.fit,
        tasks=settings.tasks,
        loss_weights=settings.weights,
    )


def _further(settings: Settings, way: str, share: float, seed: int) -> Fit:
    data = settings.data
    return Fit(
        label=model_name(way, share),
        data=data if share == 1 else data.model_copy(update={"train_images": images(data, share)}),
        seed=seed,
        net=settings.net,
        fit=recipe(settings, share),
        tasks=settings.task,
        start=None if way == "new" else _trunk(settings, seed),
        frozen=way == "frozen",
    )


# Measurements --------------------------------------------------------------------------------------------------


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


def measured(settings: Settings, seeds: Sequence[int], records: Mapping[str, Record]) -> Iterator[Measurement]:
    results = Results(settings, trials(settings, seeds), records)
    for key, metric in metrics(settings).items():
        for model in metric.models:
            ids = {seed: (record.id,) for seed, record in results.runs[model].items()}
            yield from measurements(settings.name, key, model, results.values(key, model), ids)


# Findings ------------------------------------------------------------------------------------------------------


def findings(settings: Settings, seeds: Sequence[int], records: Mapping[str, Record]) -> Findings:
    planned = trials(settings, seeds)
    results = Results(settings, planned, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "A further task"),
        question="Is a further task cheap on a trunk that is trained already?",
        method=_method(settings),
        statements=results.statements(),
        tables=(results.table(),),
        figures=results.figures(),
        warnings=seed_warnings(results.most_seeds(), len(planned), sum(map(len, results.runs.values()))),
        seeds=results.most_seeds(),
    )


def _method(settings: Settings) -> tuple[str, ...]:
    data, net = settings.data, settings.net
    assert isinstance(net, SharedSettings | CompactSettings)  # the settings take no other
    tasks = [_told_task(name, task, data) for name, task in (settings.tasks | settings.task).items()]
    norm = isinstance(net, CompactSettings)
    dense = f" and dense layers of {', '.join(map(str, net.shared))} units" if net.shared else ""
    own = f"dense layers of {', '.join(map(str, net.head))} units and its logits" if net.head else "its logits"
    shares = listed([_told_share(settings, share) for share in settings.shares])
    return (
        f"A net learnt {listed(tasks[:-1])} together, at loss weights {listed([f'{w:g}' for w in settings.weights])}, "
        f"on {data.size:,} training images of {data.source}, {told_fit(settings.fit)}. The tasks share its trunk: "
        f"convolutions{' with BatchNorm' if norm else ''} of {', '.join(map(str, net.filters))} filters{dense}. Each "
        f"adds {own}.",
        f"The further task is {tasks[-1]}. Frozen: the trunk stays as it is"
        f"{', statistics of BatchNorm included' if norm else ''}, and only a new head learns. Fine-tuned: the trunk "
        "learns on, with a new head. New: the same net, all of it from a fresh start. For one seed, the three start "
        "with the same head and see the same images in the same order.",
        f"Each learnt from {shares} of the training images, drawn at random; for one seed, a smaller draw is "
        "part of a larger one. The trunk has seen all the images, with the labels of its own tasks. Optimiser, rate "
        f"and batches were the trunk's, and so was the number of steps: {steps(settings.fit, data.size):,}, to within "
        "half an epoch. Accuracies are those of the last epoch on the test images: no epoch was selected on them.",
    )


def _told_share(settings: Settings, share: float) -> str:
    epochs = counted(recipe(settings, share).epochs, "epoch")
    return f"{percent(share)} ({images(settings.data, share):,} images, {epochs})"


def _told_task(name: str, task: Task, data: Data) -> str:
    classes = task_classes(task, data)
    if isinstance(task, str):
        return f"{name} ({', '.join(classes)})"
    groups = (f"{group}: {', '.join(data.classes[label] for label in task[group])}" for group in classes)
    return f"{name} ({'; '.join(groups)})"
