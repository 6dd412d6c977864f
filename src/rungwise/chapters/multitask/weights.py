"""The weights of the tasks in one loss, and the names of nets by them."""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from rungwise.data.settings import Data
from rungwise.data.tasks import Task, check_task
from rungwise.errors import nearest

MOST_TASKS = 50
"""Each has a head of its own, and many methods take a backward pass for each."""
MOST_TOLD = 4
"""Weights that are written one by one."""

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


def _in_full(weights: Any, info: ValidationInfo) -> Any:
    """For two tasks, one number w stands for (w, 1 - w); "equal" for equal weights; weights of some tasks by name leave
    the rest to the others, equally. All else stays as it is."""
    tasks = list(info.data.get("tasks", "ab"))
    if isinstance(weights, int | float) and len(tasks) == 2:
        return weights, 1 - weights
    if weights == "equal" or (isinstance(weights, dict) and "tasks" not in info.data):  # which is reported already
        return equal_weights(len(tasks))
    return _shared_out(weights, tasks) if isinstance(weights, dict) else weights


def _shared_out(some: dict[str, Any], tasks: list[str]) -> tuple[Any, ...]:
    if unknown := [name for name in some if name not in tasks]:
        raise ValueError(f"no task is called {unknown[0]!r}; {nearest(unknown[0], tasks)}")
    if wrong := [name for name, w in some.items() if isinstance(w, bool) or not isinstance(w, int | float)]:
        raise ValueError(f"expected a number as the weight of {wrong[0]!r}, got {some[wrong[0]]!r}")
    others = len(tasks) - len(some)
    return tuple(some.get(task, (1 - sum(some.values())) / (others or 1)) for task in tasks)


def _by_label(task: Any, info: ValidationInfo) -> Any:
    data = info.data.get("data")
    if isinstance(task, dict) and isinstance(data, Data):
        return {name: data.labels_of(group) for name, group in task.items()}
    return task


TaskOfData = Annotated[Task, BeforeValidator(_by_label), AfterValidator(_of_data)]
"""A task of a chapter's settings, which have `data` before it. Groups may have names of classes for labels."""

WeightsOfTasks = Annotated[LossWeights, BeforeValidator(_in_full), AfterValidator(_on_simplex)]
"""Weights on the simplex, in a chapter's settings, which have `tasks` before them; "equal" and { task = 0.5 } are
short forms."""


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


def multi_name(weights: LossWeights, tasks: Sequence[str] = ()) -> str:
    return f"multi: {weights_in_words(weights, tasks)}"


def weights_in_words(weights: LossWeights, tasks: Sequence[str] = ()) -> str:
    """λ alone for two tasks, else all weights; of many as `short_weights` has them."""
    return f"λ = {weights[0]:g}" if len(weights) == 2 else f"w = {short_weights(weights, tasks)}"


def short_weights(weights: LossWeights, tasks: Sequence[str] = ()) -> str:
    """The first of two; of a few all, as "0.5, 0.25, 0.25". Of more than `MOST_TOLD` tasks "1/14" where all are equal,
    and "0.5 for parity" where the others share the rest equally."""
    if len(weights) == 2:
        return f"{weights[0]:g}"
    told = [f"{w:.3g}" for w in weights]
    if len(told) <= MOST_TOLD:
        return ", ".join(told)
    if is_equal(weights):
        return f"1/{len(weights)}"
    single = [place for place, word in enumerate(told) if told.count(word) == 1]
    if len(single) == 1 and len(set(told)) == 2 and tasks:
        return f"{told[single[0]]} for {tasks[single[0]]}"
    runs = [(word, len(list(same))) for word, same in groupby(told)]
    return ", ".join(f"{word} × {count}" if count > 1 else word for word, count in runs)
