"""What a training step of a multilayer perceptron is made of, in machine code: backpropagation (Rumelhart, Hinton and
Williams 1986) and the optimiser in one. No gradient is ever kept: a tile of it is computed, moves its weights, and is
gone. And weights come from memory once: ROWS neurons are moved by the batch before and at once go on to the next
batch's product.

An activation, or a slope of the loss in one, has up to three forms, each for a product that reads it: deep (features in
units, batch), wide (features, batch in units), and turned, which is wide transposed, a block of COLUMNS features after
the other. Sums are the same for any number of threads.
"""

from typing import Any

import numpy as np
from numba import prange

from rungwise.kernels.compiled import compiled, one_at_a_time
from rungwise.kernels.cross_entropy import descend
from rungwise.kernels.llvm import dense_tiles as tiles
from rungwise.kernels.llvm.vectors import COLUMNS, LANES, ROWS
from rungwise.kernels.llvm.words import high, low, unit

LAYER = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("inputs", "outputs", "units"),  # widths; units of the batch
            *("weights", "first", "second", "bias", "bias_first", "bias_second", "has_bias"),  # addresses
            *("by_rows", "by_rows_distance"),  # address of the weights (outputs in units, inputs)
            "by_columns",  # where that is not 0, of (outputs, inputs in units) instead
            *("deep", "wide", "turned", "turned_before"),  # places in the space: of what comes in, and of what came
            *("slope_deep", "slope_wide"),  # of the loss in what goes out
            "images_distance",  # of what comes into the first layer: its wide is (batch, pixels in units)
        )
    ]
)
READ, TURN_IMAGES, FORWARD, TURN, LOSS, BACKWARD, UPDATE = range(7)
"""Kinds of work, in the order in which they come. FORWARD has what UPDATE does in it, where a batch is still to be
learnt from; UPDATE is for when no other follows."""


@compiled()
def _read(
    layer: Any, space: np.ndarray, images: np.ndarray, values: np.ndarray, pair: int, start: int, end: int
) -> None:
    """Samples from `start` to `end` of the images (B, pixels), by each pixel's value: turned, and (batch, pixels in
    units)."""
    inputs, units = layer.inputs, (layer.inputs + pair - 1) // pair
    for b in range(start, end, pair):
        one, other = images[b], images[min(b + pair - 1, len(images) - 1)]
        for block in range(0, inputs, COLUMNS):
            width = min(COLUMNS, inputs - block)
            turned = space[layer.turned + block * layer.units + b // pair * COLUMNS :][:width]
            for i in range(width):
                turned[i] = unit(space, values[one[block + i]], values[other[block + i]])
        for c in range(b, min(b + pair, len(images))):
            row, image = space[layer.wide + c * layer.images_distance :][:units], images[c]
            for i in range(inputs // pair):
                row[i] = unit(space, values[image[pair * i]], values[image[pair * i + pair - 1]])
            if inputs % pair:
                row[units - 1] = unit(space, values[image[inputs - 1]], np.float32(0))


@compiled()
def _turn(layer: Any, space: np.ndarray, pair: int, columns: int, images: bool, start: int, end: int) -> None:
    """Blocks of rows from `start` to `end`: of features, from wide to turned; of images, from (batch, pixels in units)
    to deep."""
    base = space.ctypes.data
    width = (layer.inputs + pair - 1) // pair if images else layer.units
    distance = layer.images_distance if images else layer.units
    for r in range(start * LANES, end * LANES, LANES):
        for c in range(0, width, LANES):
            into, row = layer.deep + c * columns + r, columns
            if not images:
                into, row = layer.turned + r // COLUMNS * COLUMNS * width + c * COLUMNS + r % COLUMNS, COLUMNS
            tiles.flip(space, (base + 4 * (layer.wide + r * distance + c), distance, base + 4 * into, row), ())


@compiled()
def _rows(layer: Any, space: np.ndarray, pair: int) -> np.ndarray:
    """Room for the weights of ROWS neurons in the form that is not kept; of float32 they are read where they lie."""
    return np.empty((ROWS, layer.by_rows_distance // pair if pair == 2 else 0), space.dtype)


@compiled()
def _round(layer: Any, space: np.ndarray, rows: np.ndarray, o: int) -> None:
    """The weights of ROWS neurons from `o` on, as they are, in units."""
    inputs = layer.inputs
    for r in range(min(ROWS, layer.outputs - o)):
        for i in range(0, inputs, LANES):
            into = rows.ctypes.data + 4 * r * rows.shape[1] + 2 * i
            tiles.round_row(space, (layer.weights + 4 * ((o + r) * inputs + i), into, inputs - i), ())


@compiled()
def _update(layer: Any, space: np.ndarray, rows: np.ndarray, pair: int, used: int, numbers: Any, o: int) -> None:
    """Move the weights and biases of ROWS neurons from `o` on, by the slopes in `used` units of the batch before.
    `rows`: for the form of the weights that is not kept."""
    base, inputs, units, count = space.ctypes.data, layer.inputs, layer.units, min(ROWS, layer.outputs - o)
    for i in range(0, inputs, COLUMNS):
        a = base + 4 * (layer.slope_wide + o * units), units, 1, count
        b = base + 4 * (layer.turned_before + i * units), COLUMNS, used
        place = 4 * (o * inputs + i)
        held = layer.weights + place, layer.first + place, layer.second + place
        ahead = COLUMNS if i + COLUMNS < inputs else ROWS * inputs - i
        by_rows, by_columns = rows.ctypes.data + 4 * i, rows.ctypes.data + 4 * (i // pair)
        if layer.by_columns:
            by_columns = layer.by_columns + 4 * (o * rows.shape[1] + i // pair)
        else:
            by_rows = layer.by_rows + 4 * (o // pair * layer.by_rows_distance + i)
        forms = by_rows, layer.by_rows_distance, by_columns, rows.shape[1]
        tiles.update(space, (*a, *b, *held, inputs, inputs - i, ahead, *forms), numbers)
    if layer.has_bias:
        for r in range(o, o + count):
            gradient = np.float32(0)
            for slope in space[layer.slope_wide + r * units :][:used]:
                gradient += low(space, slope) + high(space, slope)
            held = layer.bias + 4 * r, layer.bias_first + 4 * r, layer.bias_second + 4 * r
            tiles.update_one(space, held, (*numbers, gradient))


@compiled()
def _forward(
    layer: Any,
    after: Any,
    space: np.ndarray,
    pair: int,
    columns: int,
    least: float,
    used: int,
    numbers: Any,
    start: int,
    end: int,
) -> None:
    """Tiles from `start` to `end` of what goes out, by weights that are first moved where there is what to move them by
    (see `_update`)."""
    base, units, lines = space.ctypes.data, layer.units, ROWS * layer.inputs // LANES
    depth, rows = (layer.inputs + pair - 1) // pair, _rows(layer, space, pair)
    for o in range(start * ROWS, end * ROWS, ROWS):
        if used:
            _update(layer, space, rows, pair, used, numbers, o)
        elif pair == 2:
            _round(layer, space, rows, o)
        by_columns = (rows.ctypes.data, rows.shape[1]) if pair == 2 else (layer.weights + 4 * o * depth, depth)
        place = 4 * (o + ROWS) * layer.inputs
        ahead = layer.weights + place, layer.first + place, layer.second + place
        for c in range(0, columns, COLUMNS):
            a = *by_columns, 1, min(ROWS, layer.outputs - o)
            b = base + 4 * (layer.deep + c), columns, depth
            deep, wide = after.deep + o // pair * columns + c, after.wide + o * units + c // pair
            forms = base + 4 * deep, columns, base + 4 * wide, units
            fetched = lines if used and c == 0 else 0
            tiles.forward(space, (*a, *b, layer.bias + 4 * o, *ahead, fetched, *forms), (np.float32(least),))


@compiled()
def _backward(layer: Any, before: Any, space: np.ndarray, pair: int, columns: int, start: int, end: int) -> None:
    """Tiles from `start` to `end` of the slopes in what came in."""
    base, units = space.ctypes.data, layer.units
    for i in range(start * ROWS, end * ROWS, ROWS):
        for c in range(0, columns, COLUMNS):
            a = layer.by_rows + 4 * i, 1, layer.by_rows_distance, min(ROWS, layer.inputs - i)
            b = base + 4 * (layer.slope_deep + c), columns, (layer.outputs + pair - 1) // pair
            place = i * units + c // pair
            deep, wide = before.slope_deep + i // pair * columns + c, before.slope_wide + place
            forms = base + 4 * deep, columns, base + 4 * wide, units
            tiles.backward(space, (*a, *b, base + 4 * (layer.wide + place), units, *forms), ())


@compiled()
def _loss(
    layer: Any, after: Any, space: np.ndarray, labels: np.ndarray, smoothing: float, pair: int, columns: int
) -> tuple[float, int]:
    """The mean cross-entropy and how many are right, by the logits, which lie `after` the last layer; its slopes."""
    classes, units = layer.outputs, layer.units
    z = np.zeros((columns, classes + 1), np.float32)  # logits, then slopes
    for k in range(classes):
        for b in range(len(labels)):
            value = space[after.wide + k * units + b // pair]
            z[b, k] = high(space, value) if b % pair else low(space, value)
    found = descend(z, labels, classes, smoothing)
    for k in range(classes):
        for u in range(units):
            slope = unit(space, z[pair * u, k], z[pair * u + pair - 1, k])
            space[layer.slope_wide + k * units + u] = slope
    for k in range(0, classes, pair):
        for b in range(columns):
            space[layer.slope_deep + k // pair * columns + b] = unit(space, z[b, k], z[b, k + pair - 1])
    return found


@compiled()
def learn_rows(layer: Any, space: np.ndarray, pair: int, used: int, numbers: Any, start: int, end: int) -> None:
    """Rows of tiles from `start` to `end` of the weights, moved."""
    rows = _rows(layer, space, pair)
    for o in range(start * ROWS, end * ROWS, ROWS):
        _update(layer, space, rows, pair, used, numbers, o)


@compiled(parallel=True)
def _share(
    kind: int,
    number: int,
    work: int,
    layers: np.ndarray,
    space: np.ndarray,
    images: np.ndarray,
    values: np.ndarray,
    used: int,
    numbers: Any,
    pair: int,
    columns: int,
    parts: int,
) -> None:
    """One kind of work on a layer, in as many parts as there are threads."""
    for part in prange(parts):
        start, end = work * part // parts, work * (part + 1) // parts
        layer = layers[number]
        if kind == READ:
            _read(layer, space, images, values, pair, pair * start, min(pair * end, len(images)))
        elif kind in (TURN, TURN_IMAGES):
            _turn(layer, space, pair, columns, kind == TURN_IMAGES, start, end)
        elif kind == FORWARD:
            least = 0.0 if number + 2 < len(layers) else -np.inf
            _forward(layer, layers[number + 1], space, pair, columns, least, used, numbers, start, end)
        elif kind == BACKWARD:
            _backward(layer, layers[number - 1], space, pair, columns, start, end)
        else:
            learn_rows(layer, space, pair, used, numbers, start, end)


@one_at_a_time
@compiled()
def step(
    program: np.ndarray,
    layers: np.ndarray,
    space: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
    values: np.ndarray,
    used: int,
    numbers: Any,
    smoothing: float,
    pair: int,
    columns: int,
    parts: int,
) -> tuple[float, int]:
    """A step of a batch: the net learns from the `used` units of the batch before, by its `numbers`, and answers this
    one. `layers` has an entry more than there are, for the logits."""
    found = 0.0, 0
    for kind, number, work in program:
        if kind == LOSS:
            found = _loss(layers[number], layers[number + 1], space, labels, smoothing, pair, columns)
        else:
            _share(kind, number, work, layers, space, images, values, used, numbers, pair, columns, parts)
    return found
