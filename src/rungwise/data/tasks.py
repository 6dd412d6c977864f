"""Tasks: what a net is asked of an image. Each is derived from the labels by a rule in the study file."""

from collections import Counter
from typing import Literal

import numpy as np

Task = Literal["labels"] | dict[str, tuple[int, ...]]
"""The labels themselves, or groups of them by name: ``{ shoes = [5, 7, 9], ... }``."""


def check_task(task: Task, classes: tuple[str, ...]) -> None:
    """Raise ValueError unless there are two groups or more, none empty, and every class is in exactly one of them."""
    if task == "labels":
        return
    if len(task) < 2 or not all(task.values()):
        raise ValueError(f"a task needs at least two groups with a label each, got {task}")
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
            fault = f"label {labels[0]} {one}" if len(labels) == 1 else f"labels {', '.join(map(str, labels))} {many}"
            raise ValueError(f"each label from 0 to {len(classes) - 1} must be in exactly one group: {fault}")


def task_classes(task: Task, classes: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the task's classes."""
    return classes if task == "labels" else tuple(task)


def task_labels(task: Task, labels: np.ndarray) -> np.ndarray:
    """The task's labels (N,), int64, from the images' labels (N,)."""
    if task == "labels":
        return labels.astype(np.int64)
    rule = np.zeros(1 + max(max(group) for group in task.values()), np.int64)
    for number, group in enumerate(task.values()):
        rule[list(group)] = number
    return np.asarray(rule[labels])
