"""What forward and backward passes of convolutions with ReLU are made of, in machine code (backpropagation: Rumelhart,
Hinton and Williams 1986; convolutions: LeCun et al. 1989). `conv_step` says where all lies.

Sums are the same for any number of threads.
"""

from typing import Any

import numpy as np
from numba import prange

from rungwise.compiled import compiled, one_at_a_time
from rungwise.training import conv_tiles as tiles
from rungwise.training.conv_tiles import HEIGHT, WIDTH
from rungwise.training.tiles import flip
from rungwise.training.vectors import LANES

PRODUCT = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("kind", "blocks"),  # how many tiles go side by side
            *("rows", "count"),  # address of distances, how many: of two images, of a gradient
            *("steps", "length"),  # address of distances, how many
            *("source", "source_group"),  # address of the one factor, distance between groups of images
            *("factor", "factor_block", "factor_group"),  # of the other; distance between columns' blocks
            "bias",
            *("active", "active_rows", "active_group"),  # address, that of distances, distance between groups
            *("into", "into_rows", "into_group"),
            *("pairs", "pairs_rows", "pairs_group"),
            *("chunk", "source_chunk", "factor_chunk"),  # of gradients: images, or pairs of them; distances
            "places",  # of an image
        )
    ]
)
FORWARD, BACKWARD, GRADIENT = range(3)
"""Kinds of products."""
GROUP = 20
"""Images that go through all convolutions before the next: what one writes the next finds in the caches."""


@one_at_a_time
@compiled(parallel=True)
def turn(rows: np.ndarray, into: np.ndarray, parts: int) -> None:
    """A matrix of units (blocks x width, columns) transposed, a block of rows after the other: (blocks, columns,
    width)."""
    blocks, columns, width = into.shape
    squares = (columns + LANES - 1) // LANES
    for part in prange(parts):
        for first in range(squares * part // parts * LANES, squares * (part + 1) // parts * LANES, LANES):
            for block in range(blocks):
                for r in range(0, width, LANES):
                    source, target = rows[block * width + r :, first:], into[block, first:, r:]
                    if first + LANES <= columns and r + LANES <= width:
                        whole = source.ctypes.data, columns, target.ctypes.data, width
                        flip(rows, whole, ())
                    else:
                        for i in range(min(LANES, width - r)):
                            for k in range(min(LANES, columns - first)):
                                target[k, i] = source[i, k]


@one_at_a_time
@compiled(parallel=True)
def gather(values: np.ndarray, starts: np.ndarray, into: np.ndarray, parts: int) -> None:
    """Rows of units (rows, width, 1 or 2), whose numbers are runs of values that begin where `starts` (rows, 1 or 2)
    tells."""
    for part in prange(parts):
        for r in range(len(into) * part // parts, len(into) * (part + 1) // parts):
            row = into[r]
            for half in range(into.shape[2]):
                run = values[starts[r, half] :][: len(row)]
                for k in range(len(row)):
                    row[k, half] = run[k]


@one_at_a_time
@compiled(parallel=True)
def enter(slopes: np.ndarray, active: np.ndarray, places: np.ndarray, into: np.ndarray, room: int, parts: int) -> None:
    """Slopes (images, places, channels) where something was active, to their places, with `room` for so many channels.
    Images that have no slopes get 0."""
    images, channels = len(slopes), slopes.shape[2]
    for part in prange(parts):
        for n in range(len(into) * part // parts, len(into) * (part + 1) // parts):
            for p in range(len(places)):
                was, row = active[n, p * room :][:channels], into[n, places[p] :][:channels]
                if n < images:
                    slope = slopes[n, p]
                    for c in range(channels):
                        row[c] = slope[c] if was[c] else 0
                else:
                    row[:] = 0


@one_at_a_time
@compiled(parallel=True)
def couple(halves: np.ndarray, into: np.ndarray, parts: int) -> None:
    """What two images (images, units of two bfloat16) have at a place, in a unit: (images / 2, places)."""
    for part in prange(parts):
        for i in range(len(into) * part // parts, len(into) * (part + 1) // parts):
            one, other, both = halves[2 * i], halves[2 * i + 1], into[i]
            for k in range(len(one)):
                both[2 * k] = one[k] & np.uint32(0xFFFF) | other[k] << np.uint32(16)
                both[2 * k + 1] = one[k] >> np.uint32(16) | other[k] & np.uint32(0xFFFF0000)


@compiled()
def _through(work: Any, space: np.ndarray, size: int, group: int, rows: int, start: int, end: int) -> None:
    """Tiles from `start` to `end` of what goes forward or comes back, of a group that has so many rows."""
    source, into = work.source + group * work.source_group, work.into + group * work.into_group
    for first in range(start * HEIGHT, end * HEIGHT, HEIGHT):
        for block in range(work.blocks):
            a = source, work.rows + 8 * first, min(HEIGHT, rows - first), work.steps
            b = work.factor + block * work.factor_block, work.length
            there = into + block * size * WIDTH if work.into else 0
            pairs = work.pairs + group * work.pairs_group + 4 * block * WIDTH if work.pairs else 0
            forms = there, work.into_rows + 8 * first, pairs, work.pairs_rows + 4 * first
            if work.kind == FORWARD:
                tiles.forward(space, (*a, *b, work.bias + 4 * block * WIDTH, *forms), ())
            else:
                active = work.active + group * work.active_group + block * size * WIDTH
                tiles.backward(space, (*a, *b, active, work.active_rows + 8 * first, *forms), ())


@compiled()
def _gradient(work: Any, space: np.ndarray, group: int, images: int, start: int, end: int) -> None:
    """Tiles from `start` to `end` of the weights' gradients, after the biases', by a group's images or pairs."""
    distance = 4 * WIDTH * work.blocks
    for chunk in range((images + work.chunk - 1) // work.chunk):
        here = min(work.chunk, images - chunk * work.chunk)
        source = work.source + group * work.source_group + chunk * work.source_chunk
        factor = work.factor + group * work.factor_group + chunk * work.factor_chunk
        for item in range(start, end):
            first, column = (item // work.blocks - 1) * HEIGHT, 4 * WIDTH * (item % work.blocks)
            if first < 0:
                tiles.total(space, (factor + column, distance, here * work.places, work.bias + column), ())
                continue
            a = source, work.rows + 8 * first, HEIGHT, work.steps  # the table has spare rows, the gradient room
            b = factor + column, here * work.length
            tiles.gradient(space, (*a, *b, work.into + first * distance + column, distance), ())


@compiled(parallel=True)
def _share(works: np.ndarray, space: np.ndarray, size: int, group: int, pairs: int, parts: int) -> None:
    """Products of so many pairs of images, none of which waits for another, in as many parts as there are threads."""
    for part in prange(parts):
        for number in range(len(works)):
            work = works[number]
            rows = work.count if work.kind == GRADIENT else pairs * work.count
            items = (rows + HEIGHT - 1) // HEIGHT
            if work.kind == GRADIENT:
                items = (items + 1) * work.blocks
            start, end = items * part // parts, items * (part + 1) // parts
            if work.kind == GRADIENT:
                _gradient(work, space, group, pairs if size == 2 else 2 * pairs, start, end)
            else:
                _through(work, space, size, group, rows, start, end)


@one_at_a_time
@compiled()
def multiply(works: np.ndarray, ends: np.ndarray, space: np.ndarray, size: int, pairs: int, parts: int) -> None:
    """Products of so many pairs of images, one convolution after the other: their works end where `ends` tells. The
    dtype of `space` is that of units; numbers have `size` bytes."""
    for group in range((2 * pairs + GROUP - 1) // GROUP):
        here, begin = min(GROUP // 2, pairs - group * GROUP // 2), 0
        for end in ends:
            _share(works[begin:end], space, size, group, here, parts)
            begin = end
