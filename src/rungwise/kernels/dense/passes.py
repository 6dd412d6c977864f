"""What large dense layers of other nets are updated with, in machine code: a tile of a gradient is computed, moves the
weights, and is gone (`mlp.update`)."""

import numpy as np
from numba import prange

from rungwise.kernels.compiled import compiled, one_at_a_time
from rungwise.kernels.llvm.update_tiles import AdamConstants, MomentumConstants, UpdateRow, update_row
from rungwise.kernels.llvm.vectors import COLUMNS, LANES, ROWS
from rungwise.kernels.llvm.words import joined
from rungwise.kernels.mlp.update import update_tile_rows


@one_at_a_time
@compiled(parallel=True)
def update_layer(
    layers: np.ndarray,
    workspace: np.ndarray,
    x: np.ndarray,
    gradient: np.ndarray,
    zeros: np.ndarray,
    per_word: int,
    constants: AdamConstants | MomentumConstants,
    parts: int,
) -> None:
    """Move the weights of a layer, the first of `layers` (`mlp.layers.LAYER`), by what came in, x (B, inputs), and the
    gradient of the loss in what went out (B, outputs), both single numbers of the workspace's format and contiguous.

    inputs: a multiple of COLUMNS. zeros: as many as the wider of both, the partner of an odd last image. workspace:
    words for the two forms that `mlp.update` reads, x as panels and the gradient by_batch:

        x (B, inputs)    ->  panels_before      a panel of COLUMNS inputs: (B / p, COLUMNS)
        gradient         ->  gradient_by_batch  (outputs, batch_words)
    """
    count, blocks, outputs = len(x), x.shape[1] // COLUMNS, gradient.shape[1]
    words, rows = (count + per_word - 1) // per_word, (outputs + ROWS - 1) // ROWS
    for part in prange(parts):
        layer = layers[0]
        for u in range(words):
            b = per_word * u + per_word - 1
            one, other = x[per_word * u], x[b] if b < count else zeros
            for block in range(blocks * part // parts, blocks * (part + 1) // parts):
                out = workspace[layer.panels_before + block * COLUMNS * layer.batch_words + u * COLUMNS :][:COLUMNS]
                for i in range(COLUMNS):
                    out[i] = joined(workspace, one[block * COLUMNS + i], other[block * COLUMNS + i])
        for u in range(words):
            b = per_word * u + per_word - 1
            one, other = gradient[per_word * u], gradient[b] if b < count else zeros
            for o in range(outputs * part // parts, outputs * (part + 1) // parts):
                workspace[layer.gradient_by_batch + o * layer.batch_words + u] = joined(workspace, one[o], other[o])
    for part in prange(parts):
        layer = layers[0]
        update_tile_rows(layer, workspace, per_word, words, constants, rows * part // parts, rows * (part + 1) // parts)


@one_at_a_time
@compiled(parallel=True)
def update_by_gradient(
    weight: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    gradient: np.ndarray,
    constants: AdamConstants | MomentumConstants,
    parts: int,
) -> None:
    """Move weights by their gradients, all (n,), float32, contiguous, in the same order. Under momentum, first and
    second moment are one array; nothing else may overlap."""
    count = len(weight)
    vectors = (count + LANES - 1) // LANES
    for part in prange(parts):
        for k in range(vectors * part // parts * LANES, min(vectors * (part + 1) // parts * LANES, count), LANES):
            operands = UpdateRow(
                gradient=gradient[k:].ctypes.data,
                weights=weight[k:].ctypes.data,
                first=first[k:].ctypes.data,
                second=second[k:].ctypes.data,
                left=count - k,
            )
            update_row(gradient, operands, constants)
