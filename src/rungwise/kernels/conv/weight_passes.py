"""What is done to weights of convolutions between the products, in machine code: rounded and packed before, and moved
by the optimiser after.

A layer's weights are stored in up to four forms, `padded` meaning whole tiles of channels:

    the parameter      (filters, weights of a filter)      float32, in either of PyTorch's orders
    padded             (padded filters, kernel rows, run)  the format's numbers, channels last, zeros where nothing is
    forward            (blocks, words, TILE_COLUMNS)       `padded` transposed: filters are columns; b of FORWARD
    backward           (rows, TILE_COLUMNS)                runs of channels out of `padded`; b of BACKWARD
"""

import numpy as np
from numba import prange

from rungwise.kernels.compiled import compiled, one_at_a_time
from rungwise.kernels.conv.parameters import ParameterArrays
from rungwise.kernels.llvm.transpose import Transpose
from rungwise.kernels.llvm.transpose import transpose as transpose_square
from rungwise.kernels.llvm.update_tiles import (
    AdamConstants,
    MomentumConstants,
    UpdateOne,
    UpdateRow,
    update_one,
    update_row,
)
from rungwise.kernels.llvm.vectors import LANES
from rungwise.kernels.llvm.words import joined, rounded

STRIP = 256
"""Weights of a filter that the optimiser moves before it goes on to the next filter's. Squares of 16 x 16, 48 places of
memory at once, took .96 ms on CNN-3; strips .63."""


@compiled()
def _transpose(rows: np.ndarray, out: np.ndarray, start: int, end: int) -> None:
    """Columns from `start` to `end`, each LANES of them, of what `transpose` does."""
    blocks, columns, width = out.shape
    for first in range(start * LANES, end * LANES, LANES):
        for block in range(blocks):
            for r in range(0, width, LANES):
                source, target = rows[block * width + r :, first:], out[block, first:, r:]
                if first + LANES <= columns and r + LANES <= width:
                    operands = Transpose(source.ctypes.data, rows.shape[1], target.ctypes.data, width)
                    transpose_square(rows, operands)
                else:
                    for i in range(min(LANES, width - r)):
                        for k in range(min(LANES, columns - first)):
                            target[k, i] = source[i, k]


@one_at_a_time
@compiled(parallel=True)
def transpose(rows: np.ndarray, out: np.ndarray, parts: int) -> None:
    """A contiguous matrix of words (blocks x width, columns or more) transposed, a block of rows after the other, to
    `out` (blocks, columns, width)."""
    squares = (out.shape[1] + LANES - 1) // LANES
    for part in prange(parts):
        _transpose(rows, out, squares * part // parts, squares * (part + 1) // parts)


@one_at_a_time
@compiled(parallel=True)
def pack_weights(
    weight: np.ndarray,
    bias: np.ndarray,
    weight_at: np.ndarray,
    padded_bias: np.ndarray,
    padded: np.ndarray,
    padded_words: np.ndarray,
    forward: np.ndarray,
    starts: np.ndarray,
    backward: np.ndarray,
    parts: int,
) -> None:
    """A layer's weights (filters, weights of a filter), rounded, in the three forms above, and its biases (filters,) in
    `padded_bias` (padded filters,), float32.

    weight_at (kernel rows x run,): which weight of a filter is stored there, or -1 for a zero. padded_words: `padded`
    as words. starts (rows, numbers per word): where in `padded` the runs of TILE_COLUMNS channels begin that a row of
    `backward` holds. What no weight belongs to is 0 before and stays so.
    """
    filters, squares = len(weight), (forward.shape[1] + LANES - 1) // LANES
    for part in prange(parts):
        for f in range(filters * part // parts, filters * (part + 1) // parts):
            out, values = padded[f], weight[f]
            for i in range(len(weight_at)):  # gathered: scattered took .56 ms of CNN-1's step, this .23
                out[i] = rounded(padded, values[weight_at[i]] if weight_at[i] >= 0 else np.float32(0))
    padded_bias[:filters] = bias
    numbers, last = padded.reshape(-1), starts.shape[1] - 1
    for part in prange(parts):
        _transpose(padded_words, forward, squares * part // parts, squares * (part + 1) // parts)
        for r in range(len(backward) * part // parts, len(backward) * (part + 1) // parts):
            one, other, row = numbers[starts[r, 0] :], numbers[starts[r, last] :], backward[r]
            for k in range(len(row)):
                row[k] = joined(backward, one[k], other[k])


@one_at_a_time
@compiled(parallel=True)
def update_weights(
    gradient: np.ndarray,
    bias_gradient: np.ndarray,
    arrays: ParameterArrays,
    constants: AdamConstants | MomentumConstants,
    parts: int,
) -> None:
    """Let the optimiser move weights and biases by gradients, float32, which become 0.

    gradient (rows or more, padded filters): as products leave it, transposed against the weights (filters, rows), with
    rows that fill whole squares of LANES. bias_gradient: (padded filters,). A strip of the gradient is transposed,
    LANES filters at a time, and stays in the first cache while it moves them:

        gradient  STRIP x LANES   ->   strip  LANES x STRIP   ->   STRIP weights of each of LANES filters
    """
    filters, rows = arrays.weight.shape
    blocks, across = (rows + STRIP - 1) // STRIP, gradient.shape[1]
    for part in prange(parts):
        strip = np.empty((LANES, STRIP), np.float32)
        for r in range(blocks * part // parts * STRIP, blocks * (part + 1) // parts * STRIP, STRIP):
            here = min(STRIP, rows - r)
            for f in range(0, filters, LANES):
                source, out = gradient.ctypes.data + 4 * (r * across + f), strip.ctypes.data
                for k in range(0, here, LANES):
                    transpose_square(gradient, Transpose(source + 4 * k * across, across, out + 4 * k, STRIP))
                for i in range(min(LANES, filters - f)):
                    place = 4 * ((f + i) * rows + r)
                    for k in range(0, here, LANES):
                        operands = UpdateRow(
                            gradient=out + 4 * (i * STRIP + k),
                            weights=arrays.weight.ctypes.data + place + 4 * k,
                            first=arrays.first.ctypes.data + place + 4 * k,
                            second=arrays.second.ctypes.data + place + 4 * k,
                            left=here - k,
                        )
                        update_row(gradient, operands, constants)
            gradient.reshape(-1)[r * across : (r + here) * across] = 0
    for f in range(filters):
        weight, first = arrays.bias[f:].ctypes.data, arrays.bias_first[f:].ctypes.data
        one = UpdateOne(weight, first, arrays.bias_second[f:].ctypes.data, bias_gradient[f])
        update_one(gradient, one, constants)
        bias_gradient[f] = 0
