"""Pixels in lists, nested as their axes are, in the rows of Parquet files."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.arrays.stored import Stored, words_of
from rungwise.data.own.parquet.file import ParquetFile, is_list


def pixel_lists(file: ParquetFile, columns: Sequence[str]) -> Stored:
    """A column of lists as an array. Raises DataError where the file is empty, and later where lists differ."""
    (name,) = columns
    first = next((batch.column(0) for batch in file.batches([name], 1)), None)
    if first is None or not len(first):
        raise DataError(f"{file.title} has no rows: expected one for each image")
    shape, dtype = _shape_of(_storage(first), file.title)

    def chunks() -> Iterator[np.ndarray]:
        for batch in file.batches([name]):
            if len(batch):
                yield _dense(_storage(batch.column(0)), shape, file.title)

    return Stored(file.title, dtype, (file.rows, *shape), chunks)


def _shape_of(array: Any, title: str) -> tuple[tuple[int, ...], np.dtype]:
    """The sides of the first row, and the type of its values."""
    sides = []
    while is_list(array.type):
        if not array.is_valid().to_pylist()[0]:
            raise DataError(f"{title} has rows without pixels: expected a list in each. Remove them")
        array = array.slice(0, 1).flatten()
        sides.append(len(array))
    return tuple(sides), np.dtype(array.type.to_pandas_dtype())


def _dense(array: Any, shape: tuple[int, ...], title: str) -> np.ndarray:
    """(n, ...) of n lists that all have that shape."""
    count, values = len(array), array
    for side in shape:
        lengths = values.value_lengths().to_numpy(zero_copy_only=False)
        if not (lengths == side).all():  # that of a missing list is no number
            raise DataError(
                f"{title} has lists of different lengths: expected {words_of(shape)} pixels in each row. Make all "
                "images the same size, or write them as coded images"
            )
        values = values.flatten()
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(count, *shape)


def _storage(array: Any) -> Any:
    """What an extension's array is stored as."""
    return getattr(array, "storage", array)
