"""Weights of ROWS neurons at a time, moved by the gradient of the batch before, in machine code.

gradient[neuron, input] = sum over images of (output gradient)[neuron, image] x (input)[image, input]
                                 a: gradient_by_batch, ROWS rows      b: a panel of COLUMNS inputs
"""

from typing import Any

import numpy as np

from rungwise.kernels.compiled import compiled
from rungwise.kernels.llvm.update_tiles import RoundRow, Update, UpdateOne, round_row, update, update_one
from rungwise.kernels.llvm.vectors import COLUMNS, LANES, ROWS
from rungwise.kernels.llvm.words import high, low


@compiled()
def rounded_rows(layer: Any, workspace: np.ndarray, per_word: int) -> np.ndarray:
    """Memory for the rounded weights of ROWS neurons in the form that is not kept: words (ROWS, inputs padded / 2). It
    stays in the first cache. Of float32 nothing is rounded."""
    return np.empty((ROWS, layer.by_outputs_row // per_word if per_word == 2 else 0), workspace.dtype)


@compiled()
def round_rows(layer: Any, workspace: np.ndarray, rows: np.ndarray, o: int) -> None:
    """The weights of ROWS neurons from `o` on rounded into `rows`, words along inputs."""
    inputs = layer.inputs
    for r in range(min(ROWS, layer.outputs - o)):
        for i in range(0, inputs, LANES):
            source = layer.weights + 4 * ((o + r) * inputs + i)
            round_row(workspace, RoundRow(source, rows.ctypes.data + 4 * r * rows.shape[1] + 2 * i, inputs - i))


@compiled()
def update_neurons(
    layer: Any, workspace: np.ndarray, rows: np.ndarray, per_word: int, pending: int, constants: Any, o: int
) -> None:
    """Move the weights and biases of ROWS neurons from `o` on by the gradients in `pending` words of the batch before.

    In bfloat16 they are rounded in two forms meanwhile: the one that the layer keeps, and the other into `rows`.
    """
    base, inputs, batch_words = workspace.ctypes.data, layer.inputs, layer.batch_words
    count = min(ROWS, layer.outputs - o)
    for i in range(0, inputs, COLUMNS):
        place = 4 * (o * inputs + i)
        by_rows, by_columns = rows.ctypes.data + 4 * i, rows.ctypes.data + 4 * (i // per_word)
        if layer.by_inputs:
            by_columns = layer.by_inputs + 4 * (o * rows.shape[1] + i // per_word)
        else:
            by_rows = layer.by_outputs + 4 * (o // per_word * layer.by_outputs_row + i)
        # The next tile is beside this one, or at the start of the next ROWS rows.
        ahead = COLUMNS if i + COLUMNS < inputs else ROWS * inputs - i
        a, a_row, a_k = base + 4 * (layer.gradient_by_batch + o * batch_words), batch_words, 1
        b, b_k = base + 4 * (layer.panels_before + i * batch_words), COLUMNS
        operands = Update(
            a,
            a_row,
            a_k,
            count,
            b,
            b_k,
            pending,  # numba takes 15 operands by name
            weights=layer.weights + place,
            first=layer.first + place,
            second=layer.second + place,
            weights_row=inputs,
            columns=inputs - i,
            ahead=ahead,
            by_rows=by_rows,
            by_rows_row=layer.by_outputs_row,
            by_columns=by_columns,
            by_columns_row=rows.shape[1],
        )
        update(workspace, operands, constants)
    if layer.has_bias:
        for r in range(o, o + count):
            gradient = np.float32(0)
            for word in workspace[layer.gradient_by_batch + r * batch_words :][:pending]:
                gradient += low(workspace, word) + high(workspace, word)
            held = layer.bias + 4 * r, layer.bias_first + 4 * r, layer.bias_second + 4 * r
            update_one(workspace, UpdateOne(held[0], held[1], held[2], gradient), constants)


@compiled()
def update_tile_rows(
    layer: Any, workspace: np.ndarray, per_word: int, pending: int, constants: Any, start: int, end: int
) -> None:
    """The same of rows of tiles from `start` to `end`."""
    rows = rounded_rows(layer, workspace, per_word)
    for o in range(start * ROWS, end * ROWS, ROWS):
        update_neurons(layer, workspace, rows, per_word, pending, constants, o)
