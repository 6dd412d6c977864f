"""Labels that are an array of several columns: one class written as ones and noughts, or several tasks."""

from collections.abc import Mapping, Sequence

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.arrays.sections import LABEL
from rungwise.data.own.arrays.stored import words_of
from rungwise.data.own.preparation import Preparation

Columns = dict[str, np.ndarray]
MOST_NAMED = 3


def label_columns(
    labels: Mapping[str, np.ndarray], names: Sequence[str] | None, preparation: Preparation, title: str
) -> tuple[dict[str, Columns], Sequence[str] | None, list[str]]:
    """The columns of each part's images, the names of the classes, and notes, from labels (N,), (N, 1) or (N, K).

    Rows of noughts with a single one are classes: K tasks of which one is 1 in every image of all parts would be no
    tasks, while `to_categorical` and its like write classes so. Any other K columns are K tasks, of which
    `preparation` must choose the class. Raises DataError where it does not.
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
    if preparation.label_column is None:
        some = ", ".join(tasks[:MOST_NAMED]) + (", ..." if width > MOST_NAMED else "")
        raise DataError(
            f"{title} has {width} labels for each image, which are several tasks and no class: set label_column to one "
            f"of {some} to have that as the class; the others are then further columns"
        )
    return {part: dict(zip(tasks, array.T, strict=True)) for part, array in labels.items()}, None, []


def _is_one_hot(array: np.ndarray) -> bool:
    if array.dtype.kind not in "biuf":
        return False
    return bool(((array == 0) | (array == 1)).all() and (array.sum(1) == 1).all())
