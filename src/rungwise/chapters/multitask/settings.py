"""What a study file sets for the chapter."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from rungwise.balancing.balancer import BalancerSettings
from rungwise.chapters.chapter import ChapterSettings, Hardest
from rungwise.chapters.multitask.other_data import (
    MOST_NAMED,
    grouped,
    left_columns,
    left_methods,
    left_sharing,
    renamed,
    tasks_for,
    weights_for,
    without,
)
from rungwise.chapters.multitask.weights import (
    MOST_TASKS,
    SINGLE_NETS,
    LossWeights,
    TaskOfData,
    WeightsOfTasks,
    check_apart,
    multi_name,
    single_name,
    weights_in_words,
)
from rungwise.data.settings import Data
from rungwise.data.tasks import Task
from rungwise.models.families import SharingNet
from rungwise.settings import Name
from rungwise.training.settings import Balance, RecipeOfTasks, for_balancing
from rungwise.words import counted, some_of


def _usable(balance: BalancerSettings, info: ValidationInfo) -> BalancerSettings:
    known = info.data
    if balance.validates and isinstance(known.get("data"), Data) and not known["data"].aside:
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
    net: SharingNet
    tasks: dict[Name, TaskOfData] = Field(min_length=2, max_length=MOST_TASKS)
    """By name: "labels", a column of the data, or groups of labels by name."""
    weights: tuple[WeightsOfTasks, ...] = Field(min_length=1, max_length=1000)
    """The loss weights to try, one number per task, summing to 1. For two tasks, one number w stands for (w, 1 - w);
    for any number, "equal", or { task = 0.5 }, which leaves the rest to the others, equally."""
    methods: dict[Name, Annotated[Balance, AfterValidator(_usable)]] = Field({})
    """Other ways to balance the tasks, by the names that they have in the report."""
    sharing: dict[Name, SharingNet] = Field({})
    """Other nets for the tasks to share, by the names that they have in the report; at equal weights."""

    @classmethod
    def for_data(cls, raw: dict[str, Any], data: Data, hardest: Hardest) -> dict[str, Any]:
        tasks = tasks_for(data, raw["data"], 1)
        chapter = renamed(raw, tasks, f"{counted(len(tasks), 'task')}: {some_of(list(tasks), MOST_NAMED)}")
        chapter = without(chapter, "methods", left_methods(raw, len(tasks)))
        chapter = without(chapter, "sharing", left_sharing(raw, len(tasks)))
        return {**chapter, "tasks": tasks, "weights": weights_for(raw["weights"], list(tasks))}

    @classmethod
    def left_out_for(cls, raw: dict[str, Any], data: Data) -> Iterator[tuple[str, str]]:
        tasks = len(tasks_for(data, raw["data"], 1))
        yield from left_columns(data, raw["data"])
        yield from grouped(left_methods(raw, tasks))
        yield from grouped(left_sharing(raw, tasks))

    @field_validator("tasks")
    @classmethod
    def _apart(cls, tasks: dict[str, Task]) -> dict[str, Task]:
        return check_apart(tasks)

    @field_validator("weights")
    @classmethod
    def _once(cls, weights: tuple[LossWeights, ...], info: ValidationInfo) -> tuple[LossWeights, ...]:
        names = [multi_name(w, tuple(info.data.get("tasks", ()))) for w in weights]
        twice = next((w for w, name in zip(weights, names, strict=True) if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(
                f"the weights {list(twice)} are listed twice, as {weights_in_words(twice)}; list each once"
            )
        return weights

    @field_validator("methods", "sharing")
    @classmethod
    def _own_names(cls, named: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        taken = {
            SINGLE_NETS,
            *map(single_name, info.data.get("tasks", ())),
            *(multi_name(w, tuple(info.data.get("tasks", ()))) for w in info.data.get("weights", ())),
            *(info.data.get("methods", ()) if info.field_name == "sharing" else ()),
        }
        if twice := taken & named.keys():
            raise ValueError(f"{min(twice)!r} is what another model of this chapter is called; choose another name")
        return named
