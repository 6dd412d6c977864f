"""Tasks: what a net is asked of an image. Each is derived from the labels by a rule in the study file."""

from collections import Counter

import numpy as np

from rungwise.data.images import ImageSet
from rungwise.data.settings import Data
from rungwise.errors import nearest
from rungwise.words import some_of

Task = str | dict[str, tuple[int, ...]]
"""The labels themselves ("labels"), a column of the data by its name, or groups of labels by name, as
``{ shoes = [5, 7, 9], ... }``."""


def check_task(task: Task, data: Data) -> None:
    """Raise ValueError unless there are two groups or more, none empty, and every class is in exactly one of them."""
    classes = data.classes
    if isinstance(task, str):
        known = ("labels", *data.columns)
        if task not in known:
            raise ValueError(f'a task is "labels", a column of the data or groups of labels; {nearest(task, known)}')
        return
    if len(task) < 2 or not all(task.values()):
        raise ValueError(f"a task needs at least two groups with a label each, got {_groups_in_words(task)}")
    times = Counter(label for group in task.values() for label in group)
    unknown = sorted(set(times) - set(range(len(classes))))
    missing = [label for label in range(len(classes)) if label not in times]
    twice = sorted(label for label, count in times.items() if count > 1)
    for labels, one, many in (
        (unknown, "does not exist", "do not exist"),
        (missing, "is in no group", "are in no group"),
        (twice, "is given more than once", "are given more than once"),
    ):
        if labels:
            several = f"labels {some_of(list(map(str, labels)))} {many}"
            fault = f"label {labels[0]} {one}" if len(labels) == 1 else several
            raise ValueError(f"each label from 0 to {len(classes) - 1} must be in exactly one group: {fault}")


def _groups_in_words(task: dict[str, tuple[int, ...]]) -> str:
    """ "shoes = [5, 7, 9], none = []"."""
    groups = [f"{group} = [{some_of(list(map(str, labels)))}]" for group, labels in task.items()]
    return some_of(groups) or "none"


def task_classes(task: Task, data: Data) -> tuple[str, ...]:
    """The names of the task's classes."""
    if isinstance(task, str):
        return data.classes if task == "labels" else data.columns[task]
    return tuple(task)


def task_labels(task: Task, part: ImageSet) -> np.ndarray:
    """The task's labels of all images, (N,), int64."""
    if isinstance(task, str):
        return (part.labels if task == "labels" else part.columns[task]).astype(np.int64)
    rule = np.zeros(1 + max(max(group) for group in task.values()), np.int64)
    for number, group in enumerate(task.values()):
        rule[list(group)] = number
    return np.asarray(rule[part.labels])
