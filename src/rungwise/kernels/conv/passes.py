"""What forward and backward passes of convolutions with ReLU are made of, in machine code (backpropagation: Rumelhart,
Hinton and Williams 1986; convolutions: LeCun et al. 1989). `conv_step` says where all lies.

Sums are the same for any number of threads.
"""

from typing import Any

import numpy as np
from numba import prange

from rungwise.kernels.compiled import compiled, one_at_a_time
from rungwise.kernels.cross_entropy import descend
from rungwise.kernels.llvm import conv_tiles as tiles
from rungwise.kernels.llvm.conv_tiles import HEIGHT, WIDTH
from rungwise.kernels.llvm.dense_tiles import flip, update_one, update_row
from rungwise.kernels.llvm.vectors import LANES
from rungwise.kernels.llvm.words import joined, rounded, widened

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
            *("active", "active_rows", "active_group"),  # address, that of distances, distance between groups; forward:
            # whether what is below 0 becomes 0
            *("into", "into_rows", "into_group"),
            *("pairs", "pairs_rows", "pairs_group"),
            *("chunk", "source_chunk", "factor_chunk"),  # of gradients: images, or pairs of them; distances
            "places",  # of an image
        )
    ]
)
FORWARD, BACKWARD, GRADIENT = range(3)
"""Kinds of products."""
GROUP = 64
"""Images that go through all convolutions before the next: what one writes the next finds in the caches."""
RUN = 256
"""Weights of a filter that the optimiser moves before it goes on to the next filter's."""


@compiled()
def _turn(rows: np.ndarray, into: np.ndarray, start: int, end: int) -> None:
    """Columns from `start` to `end`, each LANES of them, of what `turn` does."""
    blocks, columns, width = into.shape
    for first in range(start * LANES, end * LANES, LANES):
        for block in range(blocks):
            for r in range(0, width, LANES):
                source, target = rows[block * width + r :, first:], into[block, first:, r:]
                if first + LANES <= columns and r + LANES <= width:
                    flip(rows, (source.ctypes.data, rows.shape[1], target.ctypes.data, width), ())
                else:
                    for i in range(min(LANES, width - r)):
                        for k in range(min(LANES, columns - first)):
                            target[k, i] = source[i, k]


@one_at_a_time
@compiled(parallel=True)
def turn(rows: np.ndarray, into: np.ndarray, parts: int) -> None:
    """A matrix of units (blocks x width, columns or more) transposed, a block of rows after the other: (blocks,
    columns, width)."""
    squares = (into.shape[1] + LANES - 1) // LANES
    for part in prange(parts):
        _turn(rows, into, squares * part // parts, squares * (part + 1) // parts)


@one_at_a_time
@compiled(parallel=True)
def pack(
    weight: np.ndarray,
    bias: np.ndarray,
    lies: np.ndarray,
    biases: np.ndarray,
    lying: np.ndarray,
    rows: np.ndarray,
    forward: np.ndarray,
    starts: np.ndarray,
    backward: np.ndarray,
    parts: int,
) -> None:
    """A layer's biases (filters,), which go into `biases`, and its weights (filters, what a filter has), rounded, in
    three forms: `lying` (filters or more, places), by
    `lies` (places,), which tells of a place what lies there, or -1; `forward`, its units `rows` turned (see `turn`);
    and `backward` (rows, width) units, the numbers of which are runs of the lying ones that begin where `starts` (rows,
    1 or 2) tells."""
    filters, squares = len(weight), (forward.shape[1] + LANES - 1) // LANES
    for part in prange(parts):
        for f in range(filters * part // parts, filters * (part + 1) // parts):
            into, values = lying[f], weight[f]
            for i in range(len(lies)):
                into[i] = rounded(lying, values[lies[i]] if lies[i] >= 0 else np.float32(0))
    biases[:filters] = bias
    numbers, last = lying.reshape(-1), starts.shape[1] - 1
    for part in prange(parts):
        _turn(rows, forward, squares * part // parts, squares * (part + 1) // parts)
        for r in range(len(backward) * part // parts, len(backward) * (part + 1) // parts):
            one, other, into = numbers[starts[r, 0] :], numbers[starts[r, last] :], backward[r]
            for k in range(len(into)):
                into[k] = joined(backward, one[k], other[k])


@one_at_a_time
@compiled(parallel=True)
def update(
    gradient: np.ndarray,
    bias_gradient: np.ndarray,
    held: tuple[np.ndarray, ...],
    numbers: tuple[np.float32, ...],
    parts: int,
) -> None:
    """Let the optimiser move weights and biases (`conv_weights.Held`) by gradients (rows or more, filters or more) and
    (filters or more,), which become 0. `numbers`: see `tiles.update`."""
    weight, first, second, bias, bias_first, bias_second = held
    filters, rows = weight.shape
    blocks, across = (rows + RUN - 1) // RUN, gradient.shape[1]
    for part in prange(parts):
        turned = np.empty((LANES, RUN), np.float32)
        for r in range(blocks * part // parts * RUN, blocks * (part + 1) // parts * RUN, RUN):
            here = min(RUN, rows - r)
            for f in range(0, filters, LANES):
                source, into = gradient.ctypes.data + 4 * (r * across + f), turned.ctypes.data
                for k in range(0, here, LANES):
                    flip(gradient, (source + 4 * k * across, across, into + 4 * k, RUN), ())
                for i in range(min(LANES, filters - f)):
                    place = 4 * ((f + i) * rows + r)
                    there = weight.ctypes.data + place, first.ctypes.data + place, second.ctypes.data + place
                    for k in range(0, here, LANES):
                        one, other, last = there[0] + 4 * k, there[1] + 4 * k, there[2] + 4 * k
                        update_row(gradient, (into + 4 * (i * RUN + k), one, other, last, here - k), numbers)
            gradient.reshape(-1)[r * across : (r + here) * across] = 0
    for f in range(filters):
        one = bias[f:].ctypes.data, bias_first[f:].ctypes.data, bias_second[f:].ctypes.data
        update_one(gradient, one, (*numbers, bias_gradient[f]))
        bias_gradient[f] = 0


@one_at_a_time
@compiled()
def show(images: np.ndarray, into: np.ndarray, first: int, row: int) -> None:
    """Images (B, C, H, W) of uint8, scaled as `evaluate.scaled` does, to their maps `into` (B or more, size), channels
    last: from number `first` on, with so many numbers to a row."""
    count, channels, height, width = images.shape
    for n in range(count):
        for y in range(height):
            line = into[n, first + y * row :]
            for c in range(channels):
                for x in range(width):
                    value = np.float32(images[n, c, y, x]) / np.float32(127.5) - np.float32(1)
                    line[x * channels + c] = rounded(into, value)


@one_at_a_time
@compiled()
def judge(
    logits: np.ndarray, labels: np.ndarray, classes: int, smoothing: float, slopes: np.ndarray, place: int
) -> tuple[float, int]:
    """The mean cross-entropy of a batch and how many are right, by maps of one place whose channels are logits (B or
    more, classes or more); its slopes in them go to theirs (B or more, size), at their place. Images that have no label
    get 0."""
    count = len(labels)
    z = np.empty((count, classes), np.float32)
    for n in range(count):
        for k in range(classes):
            z[n, k] = widened(logits, logits[n, k])
    found = descend(z, labels, classes, smoothing)
    for n in range(len(slopes)):
        for k in range(classes):
            slopes[n, place + k] = rounded(slopes, z[n, k] if n < count else np.float32(0))
    return found


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
                least = np.float32(0 if work.active else -np.inf)
                tiles.forward(space, (*a, *b, work.bias + 4 * block * WIDTH, *forms), (least,))
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
