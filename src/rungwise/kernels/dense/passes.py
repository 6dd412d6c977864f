"""What large dense layers of other nets learn with, in machine code: a tile of a gradient is computed, moves the
weights, and is gone (`mlp_kernels`)."""

import numpy as np
from numba import prange

from rungwise.kernels.compiled import compiled, one_at_a_time
from rungwise.kernels.llvm.dense_tiles import update_row
from rungwise.kernels.llvm.vectors import COLUMNS, LANES, ROWS
from rungwise.kernels.llvm.words import joined
from rungwise.kernels.mlp.passes import learn_rows


@one_at_a_time
@compiled(parallel=True)
def learn(
    layers: np.ndarray,
    space: np.ndarray,
    x: np.ndarray,
    slopes: np.ndarray,
    nothing: np.ndarray,
    pair: int,
    numbers: tuple[np.float32, ...],
    parts: int,
) -> None:
    """Let a layer, the first of `layers` (`mlp_kernels.LAYER`), learn from what came in, x (B, inputs), and the slopes
    of the loss in what went out (B, outputs), both of its space's numbers. `nothing`: a row of zeros, as wide as the
    wider of both. Inputs are whole blocks of COLUMNS. `numbers`: see `tiles.update`."""
    count, blocks, outputs = len(x), x.shape[1] // COLUMNS, slopes.shape[1]
    used, rows = (count + pair - 1) // pair, (outputs + ROWS - 1) // ROWS
    for part in prange(parts):
        layer = layers[0]
        for u in range(used):
            one, other = x[pair * u], x[pair * u + pair - 1] if pair * u + pair - 1 < count else nothing
            for block in range(blocks * part // parts, blocks * (part + 1) // parts):
                into = space[layer.turned_before + block * COLUMNS * layer.units + u * COLUMNS :][:COLUMNS]
                for i in range(COLUMNS):
                    into[i] = joined(space, one[block * COLUMNS + i], other[block * COLUMNS + i])
        for u in range(used):
            one, other = slopes[pair * u], slopes[pair * u + pair - 1] if pair * u + pair - 1 < count else nothing
            for o in range(outputs * part // parts, outputs * (part + 1) // parts):
                space[layer.slope_wide + o * layer.units + u] = joined(space, one[o], other[o])
    for part in prange(parts):
        layer = layers[0]
        learn_rows(layer, space, pair, used, numbers, rows * part // parts, rows * (part + 1) // parts)


@one_at_a_time
@compiled(parallel=True)
def move(
    weight: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    gradient: np.ndarray,
    numbers: tuple[np.float32, ...],
    parts: int,
) -> None:
    """Let the optimiser move weights by gradients, all (n,) in the same order. `numbers`: see `tiles.update`."""
    count = len(weight)
    vectors = (count + LANES - 1) // LANES
    for part in prange(parts):
        for k in range(vectors * part // parts * LANES, min(vectors * (part + 1) // parts * LANES, count), LANES):
            places = gradient[k:].ctypes.data, weight[k:].ctypes.data, first[k:].ctypes.data, second[k:].ctypes.data
            update_row(gradient, (*places, count - k), numbers)
