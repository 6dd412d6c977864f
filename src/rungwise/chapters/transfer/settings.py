"""What a study file sets for the chapter, and the trials that it calls for."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from rungwise.chapters.chapter import ChapterSettings, Hardest
from rungwise.chapters.multitask.other_data import left_columns, renamed, tasks_for
from rungwise.chapters.multitask.weights import MOST_TASKS, TaskOfData, WeightsOfTasks, check_apart
from rungwise.chapters.transfer.names import TRUNK, WAYS, model_name
from rungwise.data.settings import Data
from rungwise.data.tasks import Task
from rungwise.models.families import SharingNet
from rungwise.models.net import NetSettings
from rungwise.settings import Name
from rungwise.training.settings import Fit, Recipe, RecipeOfTasks, recipe_for
from rungwise.words import listed

FEWEST = 10
"""Training images that a share of the labels must leave."""


def _with_trunk(net: NetSettings) -> NetSettings:
    if "trunk" not in net.roles:
        raise ValueError(
            "each task has a column of its own in this net, so that a further one finds no trunk to start from; use "
            'family = "shared" or "compact"'
        )
    return net


def _for_as_many_steps(fit: Recipe) -> Recipe:
    if fit.stops:
        raise ValueError(
            "the further task is learnt for the same number of steps with any share of the labels; leave stop_loss "
            "and stop out"
        )
    return fit


class Settings(ChapterSettings):
    kind: Literal["transfer"] = "transfer"
    fit: Annotated[RecipeOfTasks, AfterValidator(_for_as_many_steps)]
    """Of the trunk, and of the further task with all labels; with fewer it is learnt for as many steps."""
    net: Annotated[SharingNet, AfterValidator(_with_trunk)]
    tasks: dict[Name, TaskOfData] = Field(min_length=2, max_length=MOST_TASKS)
    """Of the trunk, by name."""
    weights: WeightsOfTasks
    """Of the trunk's tasks, summing to 1, written as in the chapter on multi-task learning."""
    task: dict[Name, TaskOfData] = Field(min_length=1, max_length=1)
    """The further task, by name."""
    shares: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        (0.01, 0.1, 1.0), min_length=1, max_length=100, validate_default=True
    )
    """Of the training images: how many have a label of the further task. Rising."""

    @classmethod
    def for_data(cls, raw: dict[str, Any], data: Data, hardest: Hardest) -> dict[str, Any]:
        tasks = tasks_for(data, raw["data"], 2)
        *trunk, further = tasks
        own = raw["weights"] if len(raw["weights"]) == len(trunk) else "equal"
        given = raw["data"]
        size = given.get("train_images", data.facts.train_images - given.get("validation_images", 0))
        shares = list(raw.get("shares", cls.model_fields["shares"].default))
        enough = [share for share in shares if round(share * size) >= FEWEST]
        fewer = {} if enough == shares else {"shares": enough}
        chapter = renamed(raw, tasks, f"A further task: {further}")
        tasks_of = {"task": {further: tasks.pop(further)}, "tasks": tasks}
        return {**chapter, **tasks_of, "weights": own, **fewer}

    @classmethod
    def left_out_for(cls, raw: dict[str, Any], data: Data) -> Iterator[tuple[str, str]]:
        yield from left_columns(data, raw["data"])

    @field_validator("task")
    @classmethod
    def _further(cls, task: dict[str, Task], info: ValidationInfo) -> dict[str, Task]:
        (name,) = task
        if name in info.data.get("tasks", ()):
            raise ValueError(f"the trunk is trained on {name!r} already; give the further task a name of its own")
        check_apart({**info.data.get("tasks", {}), **task})
        return task

    @field_validator("tasks")
    @classmethod
    def _apart(cls, tasks: dict[str, Task]) -> dict[str, Task]:
        return check_apart(tasks)

    @field_validator("shares")
    @classmethod
    def _rising(cls, shares: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        if not isinstance(data := info.data.get("data"), Data):  # it is wrong itself, which is reported already
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


def steps(fit: Recipe, images: int) -> int:
    """How many steps training on so many images takes."""
    return fit.epochs * -(-images // fit.batch)


def recipe(settings: Settings, share: float) -> Recipe:
    """How the further task is learnt with that share of the labels: for as many steps as with all, to half an epoch.

    With all it is the study's own recipe, so that a new net is the same trial as in any other chapter. With fewer, the
    epochs are too many to look at the test images after each.
    """
    if share == 1:
        return settings.fit
    epochs = steps(settings.fit, settings.data.size) / -(-images(settings.data, share) // settings.fit.batch)
    return settings.fit.model_copy(update={"epochs": round(epochs), "evaluate": "end"})


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
        fit=_fit(settings, settings.fit, settings.tasks),
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
        fit=_fit(settings, recipe(settings, share), settings.task),
        tasks=settings.task,
        start=None if way == "new" else _trunk(settings, seed),
        frozen=way == "frozen",
    )


def _fit(settings: Settings, fit: Recipe, tasks: dict[str, Task]) -> Recipe:
    return recipe_for(fit, tasks.values(), (settings.tasks | settings.task).values(), settings.data)
