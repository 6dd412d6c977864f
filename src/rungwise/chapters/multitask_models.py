"""What the chapter on multi-task learning fits: single-task nets, fixed weights, methods, other ways to share."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from rungwise.data.source import Data
from rungwise.data.tasks import Task, check_task
from rungwise.training.trial import Balance, Fit

if TYPE_CHECKING:
    from rungwise.chapters.multitask import Settings

Weights = tuple[float, ...]
"""Of the tasks' losses, one each."""
Role = Literal["single", "fixed", "adaptive", "sharing"]

TOGETHER = "single-task nets together"
"""What the metrics call one single-task net for each task, as a whole."""


def _of_data(task: Task, info: ValidationInfo) -> Task:
    if isinstance(info.data.get("data"), Data):
        check_task(task, info.data["data"])
    return task


def _on_simplex(weights: Weights, info: ValidationInfo) -> Weights:
    tasks = info.data.get("tasks", weights)  # absent where they are wrong themselves, which is told already
    if len(weights) != len(tasks):
        raise ValueError(f"{len(tasks)} tasks need {len(tasks)} weights, got {list(weights)}")
    if min(weights, default=0) < 0 or not math.isclose(sum(weights), 1, abs_tol=1e-6):
        raise ValueError(f"loss weights must be at least 0 and sum to 1, got {list(weights)}")
    return weights


def as_pair(weights: Any, info: ValidationInfo) -> Any:
    """For two tasks, one number w stands for (w, 1 - w); all else stays as it is."""
    two = len(info.data.get("tasks", "ab")) == 2
    return (weights, 1 - weights) if two and isinstance(weights, int | float) else weights


TaskOfData = Annotated[Task, AfterValidator(_of_data)]
"""A task of a chapter's settings, which have `data` before it."""
WeightsOfTasks = Annotated[Weights, BeforeValidator(as_pair), AfterValidator(_on_simplex)]
"""Weights on the simplex, in a chapter's settings, which have `tasks` before them."""


@dataclass(frozen=True, eq=False)
class Model:
    """One row of the chapter's tables, with its trials."""

    name: str
    role: Role
    trials: Mapping[int, Fit]
    """By seed."""
    task: str = ""
    """Of a single-task net."""
    weights: Weights = ()
    """Fixed ones."""
    balance: Balance | None = None


def models(settings: "Settings", seeds: tuple[int, ...]) -> tuple[Model, ...]:
    """Every model in the order of the tables."""
    single = tuple(
        Model(single_name(task), "single", _fits(settings, seeds, single_name(task), tasks={task: rule}), task=task)
        for task, rule in settings.tasks.items()
    )
    fixed = tuple(
        Model(
            multi_name(weights),
            "fixed",
            _fits(settings, seeds, multi_name(weights), tasks=settings.tasks, loss_weights=weights),
            weights=weights,
        )
        for weights in settings.weights
    )
    equal = {"tasks": settings.tasks, "loss_weights": equal_weights(len(settings.tasks))}
    adaptive = tuple(
        Model(name, "adaptive", _fits(settings, seeds, name, balance=balance, **equal), balance=balance)
        for name, balance in settings.methods.items()
    )
    sharing = tuple(
        Model(name, "sharing", _fits(settings, seeds, name, **(equal | {"net": net})))
        for name, net in settings.sharing.items()
    )
    return (*single, *fixed, *adaptive, *sharing)


def _fits(settings: "Settings", seeds: tuple[int, ...], name: str, **own: object) -> dict[int, Fit]:
    same: dict[str, object] = {"data": settings.data, "net": settings.net, "fit": settings.fit}
    return {seed: Fit(label=name, seed=seed, **(same | own)) for seed in seeds}


def equal_weights(tasks: int) -> Weights:
    return (1 / tasks,) * tasks


def is_equal(weights: Weights) -> bool:
    """But for the rounding of a study file."""
    return all(math.isclose(w, 1 / len(weights), abs_tol=1e-6) for w in weights)


def single_name(task: str) -> str:
    return f"single: {task}"


def multi_name(weights: Weights) -> str:
    return f"multi: {told_weights(weights)}"


def told_weights(weights: Weights) -> str:
    """λ alone for two tasks, else all weights."""
    return f"λ = {weights[0]:g}" if len(weights) == 2 else f"w = {short_weights(weights)}"


def short_weights(weights: Weights) -> str:
    return f"{weights[0]:g}" if len(weights) == 2 else ", ".join(f"{w:.3g}" for w in weights)
