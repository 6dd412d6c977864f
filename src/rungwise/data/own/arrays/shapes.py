"""Which axes of an array of images are which."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.arrays.stored import Stored, words_of

MOST_CHANNELS = 16
CHANNELS_FIRST = (1, 3, 4)
"""How many channels the second of four axes is taken for."""
EXPECTED = (
    f"images as (N, H, W), (N, H, W, C) with 1 to {MOST_CHANNELS} channels, (N, C, H, W) with 1, 3 or 4, or (N, H * W) "
    "where they are square"
)


class Layout(NamedTuple):
    """How rows become images."""

    channels: int
    height: int
    width: int
    last: bool
    """Whether the channels are the last axis."""

    def arranged(self, rows: np.ndarray) -> np.ndarray:
        """(n, C, H, W) of rows in the array's own shape."""
        if self.last:
            return rows.reshape(len(rows), self.height, self.width, self.channels).transpose(0, 3, 1, 2)
        return rows.reshape(len(rows), self.channels, self.height, self.width)


def layouts_of(arrays: Sequence[Stored]) -> list[Layout]:
    """Of each array. Raises DataError where one has no shape of images, or where they do not go together."""
    layouts = [_layout_of(array) for array in arrays]
    if len(kinds := sorted({one.channels for one in layouts} - {1})) > 1:
        raise DataError(
            f"{arrays[0].title} and others have images of {' and '.join(map(str, kinds))} channels: expected the same "
            "in all parts"
        )
    return layouts


def square(rows: Stored) -> Stored:
    """Rows of pixels (N, H * W) as square images. Raises DataError where they are none."""
    side = math.isqrt(rows.shape[1])
    if side * side != rows.shape[1]:
        raise DataError(
            f"{rows.title} has {rows.shape[1]:,} columns of pixels: expected those of a grey square image, as 784 for "
            f"28 x 28; the nearest are {side * side:,} and {(side + 1) ** 2:,}"
        )

    def chunks() -> Iterator[np.ndarray]:
        for chunk in rows.chunks():
            yield chunk.reshape(len(chunk), side, side)

    return Stored(rows.title, rows.dtype, (len(rows), side, side), chunks)


def shape_notes(array: Stored, layout: Layout) -> list[str]:
    """What could be taken otherwise, in words."""
    shape, notes = words_of(array.shape), []
    if len(array.shape) == 2:
        notes.append(f"rows of {array.shape[1]:,} values are taken as images of {layout.height} x {layout.width}")
    if len(array.shape) == 4 and array.shape[1] in CHANNELS_FIRST and array.shape[3] <= MOST_CHANNELS:
        axis = "last" if layout.last else "second"
        notes.append(f"an array of {shape} is taken as images of {layout.channels} channels, its {axis} axis")
    if layout.channels not in (1, 3):
        notes.append(f"{layout.channels} channels are taken as they are: none is taken for transparency")
    return notes


def _layout_of(array: Stored) -> Layout:
    layout = _layout(array.shape)
    if layout is None or 0 in array.shape or not 1 <= layout.channels <= MOST_CHANNELS:
        raise DataError(f"{array.title} has the shape {words_of(array.shape)}: expected {EXPECTED}. Reshape it")
    return layout


def _layout(shape: tuple[int, ...]) -> Layout | None:
    if len(shape) == 2:
        side = math.isqrt(shape[1])
        return Layout(1, side, side, False) if side * side == shape[1] and side > 1 else None
    if len(shape) == 3:
        return Layout(1, *shape[1:], False)
    if len(shape) != 4:
        return None
    _, second, third, last = shape
    if second in CHANNELS_FIRST and last not in CHANNELS_FIRST:
        return Layout(second, third, last, False)
    return Layout(last, second, third, True)
