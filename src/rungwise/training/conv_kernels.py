"""What forward and backward passes of convolutions with ReLU are made of, in machine code (backpropagation: Rumelhart,
Hinton and Williams 1986; convolutions: LeCun et al. 1989). `conv_step` says where all lies.

Sums are the same for any number of threads.
"""

from typing import Any

import numpy as np
from numba import prange

from rungwise.compiled import compiled, one_at_a_time
from rungwise.training import conv_tiles as tiles
from rungwise.training.units import high, low, unit
from rungwise.training.vectors import LANES

PRODUCT = np.dtype(
    [
        (name, np.int64)
        for name in (
            "kind",
            *("height", "vectors", "blocks"),  # of a tile: rows, vectors; how many go side by side
            *("rows", "group_rows", "rows_of_two"),  # address of distances, how many; rows of two images
            *("steps", "length"),  # address of distances, how many
            *("source", "source_group"),  # address of the one factor, distance between groups
            *("factor", "factor_block", "factor_group"),  # of the other
            "bias",
            *("active", "active_rows", "active_group"),  # address, that of distances, distance between groups
            *("into", "into_rows", "into_group"),
            *("pairs", "pairs_rows", "pairs_group"),
            *("group_images", "places"),  # of gradients: images, or pairs of them, in a group; places of an image
        )
    ]
)
FORWARD, BACKWARD, GRADIENT = range(3)
"""Kinds of products."""


@one_at_a_time
@compiled(parallel=True)
def pack(values: np.ndarray, table: np.ndarray, stride: int, into: np.ndarray, parts: int) -> None:
    """Rows of units, of values that lie `stride` apart; a table (rows, 3) tells where the row's first unit has its
    numbers, below 0 for none, and how many units there are. `into` (rows, units, 1 or 2) has them as numbers."""
    for part in prange(parts):
        start, end = len(into) * part // parts, len(into) * (part + 1) // parts
        for first in range(start, end, 8):  # rows that share lines of the cache
            last = min(first + 8, end)
            for half in range(into.shape[2]):
                for k in range(into.shape[1]):
                    for r in range(first, last):
                        if table[r, half] >= 0 and k < table[r, 2]:
                            into[r, k, half] = values[table[r, half] + k * stride]


@one_at_a_time
@compiled(parallel=True)
def enter(
    slopes: np.ndarray, active: np.ndarray, places: np.ndarray, into: np.ndarray, room: int, parts: int
) -> None:
    """Slopes (images, channels, places) where something was active, to their places, channels last, with `room` for so
    many. Images that have no slopes get 0."""
    images, channels = len(slopes), slopes.shape[1]
    for part in prange(parts):
        for n in range(len(into) * part // parts, len(into) * (part + 1) // parts):
            for p in range(len(places)):
                was, row = active[n, p * room :][:channels], into[n, places[p] :][:channels]
                if n < images:
                    for c in range(channels):
                        slope = slopes[n, c, p]
                        row[c] = slope if was[c] else 0
                else:
                    row[:] = 0


@one_at_a_time
@compiled(parallel=True)
def couple(halves: np.ndarray, into: np.ndarray, parts: int) -> None:
    """What two images after another (images, units of two bfloat16) have at a place, in a unit: (images / 2, places)."""
    for part in prange(parts):
        for i in range(len(into) * part // parts, len(into) * (part + 1) // parts):
            one, other, both = halves[2 * i], halves[2 * i + 1], into[i]
            for k in range(len(one)):
                both[2 * k] = one[k] & np.uint32(0xFFFF) | other[k] << np.uint32(16)
                both[2 * k + 1] = one[k] >> np.uint32(16) | other[k] & np.uint32(0xFFFF0000)


@compiled()
def _through(work: Any, space: np.ndarray, size: int, rows: int, start: int, end: int) -> None:
    """Tiles from `start` to `end` of what goes forward or comes back; there are so many rows."""
    per_group, width = work.group_rows // work.height, LANES * work.vectors
    for t in range(start, end):
        group, first = t // per_group, t % per_group * work.height
        left = min(work.height, rows - group * work.group_rows - first)
        source, into = work.source + group * work.source_group, work.into + group * work.into_group
        for block in range(work.blocks):
            a = source, work.rows + 4 * first, left, work.steps
            b = work.factor + block * work.factor_block, work.length
            there = into + block * size * width if work.into else 0
            pairs = work.pairs + group * work.pairs_group + 4 * block * width if work.pairs else 0
            forms = there, work.into_rows + 4 * first, pairs, work.pairs_rows + 2 * first
            if work.kind == FORWARD:
                whole = (*a, *b, work.bias + 4 * block * width, *forms)
                if work.vectors == tiles.WIDE[1]:
                    tiles.forward_wide(space, whole, ())
                else:
                    tiles.forward_narrow(space, whole, ())
            else:
                active = work.active + group * work.active_group + block * size * width
                more = (*a, *b, active, work.active_rows + 4 * first, *forms)
                if work.vectors == tiles.WIDE[1]:
                    tiles.backward_wide(space, more, ())
                else:
                    tiles.backward_narrow(space, more, ())


@compiled()
def _gradient(work: Any, space: np.ndarray, images: int, start: int, end: int) -> None:
    """Tiles from `start` to `end` of the weights' gradients, after the biases', by so many images (or pairs of them)."""
    width = LANES * work.vectors
    distance = 4 * width * work.blocks
    for group in range(0, (images + work.group_images - 1) // work.group_images):
        here = min(work.group_images, images - group * work.group_images)
        for item in range(start, end):
            tile, block = item // work.blocks - 1, item % work.blocks
            if tile < 0:
                b = work.factor + group * work.factor_group + 4 * width * block
                whole = b, distance, here * work.places, work.bias + 4 * width * block
                if work.vectors == tiles.WIDE[1]:
                    tiles.total_wide(space, whole, ())
                else:
                    tiles.total_narrow(space, whole, ())
                continue
            first = tile * work.height
            a = work.source + group * work.source_group, work.rows + 4 * first
            left = min(work.height, work.group_rows - first)
            c = work.factor + group * work.factor_group + 4 * width * block, here * work.length
            into = work.into + first * distance + 4 * width * block, distance
            if work.vectors == tiles.WIDE[1]:
                tiles.gather_wide(space, (*a, left, work.steps, *c, *into), ())
            else:
                tiles.gather_narrow(space, (*a, left, work.steps, *c, *into), ())


@one_at_a_time
@compiled(parallel=True)
def multiply(works: np.ndarray, space: np.ndarray, size: int, pairs: int, parts: int) -> None:
    """Products of so many pairs of images, none of which waits for another, in as many parts as there are threads. The
    dtype of `space` is that of units; numbers have `size` bytes."""
    for part in prange(parts):
        for number in range(len(works)):
            work = works[number]
            rows = work.group_rows if work.kind == GRADIENT else pairs * work.rows_of_two
            items = (rows + work.height - 1) // work.height
            if work.kind == GRADIENT:
                items = (items + 1) * work.blocks
            start, end = items * part // parts, items * (part + 1) // parts
            if work.kind == GRADIENT:
                _gradient(work, space, pairs if size == 2 else 2 * pairs, start, end)
            else:
                _through(work, space, size, rows, start, end)
