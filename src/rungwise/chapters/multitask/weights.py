"""The weights of the tasks in one loss, and the names of nets by them."""

import math
from itertools import groupby
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from rungwise.data.settings import Data
from rungwise.data.tasks import Task, check_task

MOST_TASKS = 50
"""Each has a head of its own, and many methods take a backward pass for each."""
MOST_TOLD = 4
"""Weights that are told one by one."""

LossWeights = tuple[float, ...]
"""Of the tasks' losses, one each."""

SINGLE_NETS = "single-task nets together"
"""What the metrics call one single-task net for each task, as a whole."""


def _of_data(task: Task, info: ValidationInfo) -> Task:
    if isinstance(info.data.get("data"), Data):
        check_task(task, info.data["data"])
    return task


def _on_simplex(weights: LossWeights, info: ValidationInfo) -> LossWeights:
    tasks = info.data.get("tasks", weights)  # absent where they are wrong themselves, which is reported already
    if len(weights) != len(tasks):
        raise ValueError(f"{len(tasks)} tasks need {len(tasks)} weights, got {list(weights)}")
    if min(weights, default=0) < 0 or not math.isclose(sum(weights), 1, abs_tol=1e-6):
        raise ValueError(f"loss weights must be at least 0 and sum to 1, got {list(weights)}")
    return weights


def _as_pair(weights: Any, info: ValidationInfo) -> Any:
    """For two tasks, one number w stands for (w, 1 - w); all else stays as it is."""
    two = len(info.data.get("tasks", "ab")) == 2
    return (weights, 1 - weights) if two and isinstance(weights, int | float) else weights


def _by_label(task: Any, info: ValidationInfo) -> Any:
    data = info.data.get("data")
    if isinstance(task, dict) and isinstance(data, Data):
        return {name: data.labels_of(group) for name, group in task.items()}
    return task


TaskOfData = Annotated[Task, BeforeValidator(_by_label), AfterValidator(_of_data)]
"""A task of a chapter's settings, which have `data` before it. Groups may have names of classes for labels."""

WeightsOfTasks = Annotated[LossWeights, BeforeValidator(_as_pair), AfterValidator(_on_simplex)]
"""Weights on the simplex, in a chapter's settings, which have `tasks` before them."""


def check_apart(tasks: dict[str, Task]) -> dict[str, Task]:
    """The tasks themselves. Raises ValueError where one stands there under two names."""
    names = list(tasks)
    for i, name in enumerate(names):
        if twin := next((other for other in names[:i] if tasks[other] == tasks[name]), None):
            raise ValueError(f"{twin!r} and {name!r} are the same task; give it once")
    return tasks


def equal_weights(tasks: int) -> LossWeights:
    return (1 / tasks,) * tasks


def is_equal(weights: LossWeights) -> bool:
    """But for the rounding of a study file."""
    return all(math.isclose(w, 1 / len(weights), abs_tol=1e-6) for w in weights)


def single_name(task: str) -> str:
    return f"single: {task}"


def multi_name(weights: LossWeights) -> str:
    return f"multi: {weights_in_words(weights)}"


def weights_in_words(weights: LossWeights) -> str:
    """λ alone for two tasks, else all weights."""
    return f"λ = {weights[0]:g}" if len(weights) == 2 else f"w = {short_weights(weights)}"


def short_weights(weights: LossWeights) -> str:
    """The first of two; else all, as "0.5, 0.25, 0.25", or of many as "0.5, 0.0385 × 13"."""
    if len(weights) == 2:
        return f"{weights[0]:g}"
    told = [f"{w:.3g}" for w in weights]
    if len(told) <= MOST_TOLD:
        return ", ".join(told)
    runs = [(word, len(list(same))) for word, same in groupby(told)]
    return ", ".join(f"{word} × {count}" if count > 1 else word for word, count in runs)
