"""Labels that are an array of several columns: one class written as ones and zeros, or several tasks."""

from collections.abc import Mapping, Sequence

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.arrays.sections import LABEL
from rungwise.data.own.arrays.stored import words_of
from rungwise.data.own.preparation import Preparation

Columns = dict[str, np.ndarray]


def label_columns(
    labels: Mapping[str, np.ndarray], names: Sequence[str] | None, preparation: Preparation, title: str
) -> tuple[dict[str, Columns], Sequence[str] | None, list[str]]:
    """The columns of each part's images, the class first, the names of the classes, and notes, from labels (N,), (N, 1)
    or (N, K).

    Rows of zeros with a single 1 are classes, as `to_categorical` and its like write them. Any other K columns are K
    tasks. Where one class is needed, it is the first of them that has two values, unless `preparation` names another.
    Raises DataError where none has.
    """
    widths = {array.shape[1] if array.ndim == 2 else 1 for array in labels.values() if array.ndim < 3}
    if len(widths) != 1 or any(array.ndim not in (1, 2) for array in labels.values()):
        shapes = " and ".join(words_of(array.shape) for array in labels.values())
        raise DataError(f"{title} and others have the shapes {shapes}: expected labels as (N,), (N, 1) or (N, K)")
    (width,) = widths
    if width == 1:
        return {part: {LABEL: array.reshape(-1)} for part, array in labels.items()}, names, []
    if all(_is_one_hot(array) for array in labels.values()):
        note = f"labels are rows of {width} with a single 1: its place is the class"
        return {part: {LABEL: array.argmax(1)} for part, array in labels.items()}, names, [note]
    tasks = list(names) if names and len(names) == width else [f"{LABEL}_{number}" for number in range(width)]
    wanted, notes = preparation.label_column, list[str]()
    if wanted is None:
        wanted = _first_with_two_values(tasks, labels, title)
        notes = [
            f"each image has {width} labels, which are {width} tasks; {wanted!r} stands where one class is needed: set "
            "label_column to have another"
        ]
    order = [wanted, *(task for task in tasks if task != wanted)] if wanted in tasks else tasks
    found = {part: dict(zip(tasks, array.T, strict=True)) for part, array in labels.items()}
    return {part: {task: columns[task] for task in order} for part, columns in found.items()}, None, notes


def _first_with_two_values(tasks: Sequence[str], labels: Mapping[str, np.ndarray], title: str) -> str:
    whole = np.concatenate(list(labels.values()))
    varies = (whole != whole[:1]).any(0)
    if not varies.any():
        raise DataError(f"{title} has {len(tasks)} labels for each image, and the same for all: expected classes")
    return tasks[int(varies.argmax())]


def _is_one_hot(array: np.ndarray) -> bool:
    if array.dtype.kind not in "biuf":
        return False
    return bool(((array == 0) | (array == 1)).all() and (array.sum(1) == 1).all())
