"""What a training step of a multilayer perceptron is made of, in machine code: backpropagation (Rumelhart, Hinton and
Williams 1986) and the optimiser in one.

No gradient of a weight reaches memory: a tile of it is computed and moves its weights (`llvm.update_tiles`). And
weights come from memory once per step: the optimiser's step is taken at the beginning of the next batch's, ROWS
neurons at a time, which go on to that batch's product at once, while they are in the first cache:

    for each ROWS neurons:   gradient of the batch before -> weights moved -> product with this batch -> activations
                                                                  |
                                                the next ROWS neurons' weights are prefetched during the product

Weights are summed in one order by whoever does it, so any number of threads gives the same bits. `mlp.layers` draws
the forms in which activations are stored.
"""

from typing import Any

import numpy as np
from numba import prange

from rungwise.kernels.compiled import compiled, one_at_a_time
from rungwise.kernels.cross_entropy import loss_and_gradient
from rungwise.kernels.llvm.dense_tiles import Backward, Forward, backward, forward
from rungwise.kernels.llvm.transpose import Transpose, transpose
from rungwise.kernels.llvm.vectors import COLUMNS, LANES, ROWS
from rungwise.kernels.llvm.words import high, low, word
from rungwise.kernels.mlp.update import round_rows, rounded_rows, update_neurons, update_tile_rows

READ, TRANSPOSE_IMAGES, FORWARD, TRANSPOSE, LOSS, BACKWARD, UPDATE = range(7)
"""Kinds of work, in the order in which they come. FORWARD moves the weights first where a batch is pending; UPDATE
does only that, and is for when no other batch follows."""


@compiled()
def _read(
    layer: Any, workspace: np.ndarray, images: np.ndarray, values: np.ndarray, per_word: int, start: int, end: int
) -> None:
    """Images from `start` to `end` of (B, pixels), uint8, each pixel by its value in `values` (256,): as panels, and
    row by row (B, pixels / p), of which TRANSPOSE_IMAGES makes by_features. `start` is a multiple of p. The partner of
    a last image that has none is itself: its gradient is 0."""
    inputs, words = layer.inputs, (layer.inputs + per_word - 1) // per_word
    for b in range(start, end, per_word):
        one, other = images[b], images[min(b + per_word - 1, len(images) - 1)]
        for block in range(0, inputs, COLUMNS):
            width = min(COLUMNS, inputs - block)
            panel = workspace[layer.panels + block * layer.batch_words + b // per_word * COLUMNS :][:width]
            for i in range(width):
                panel[i] = word(workspace, values[one[block + i]], values[other[block + i]])
        for c in range(b, min(b + per_word, len(images))):
            row, image = workspace[layer.by_batch + c * layer.images_row :][:words], images[c]
            for i in range(inputs // per_word):
                row[i] = word(workspace, values[image[per_word * i]], values[image[per_word * i + per_word - 1]])
            if inputs % per_word:
                row[words - 1] = word(workspace, values[image[inputs - 1]], np.float32(0))


@compiled()
def _transpose(
    layer: Any, workspace: np.ndarray, per_word: int, columns: int, images: bool, start: int, end: int
) -> None:
    """LANES rows at a time, from `start` to `end`: of features, from by_batch to panels; of images, from
    (B, pixels / p) to by_features. All of it goes by squares of LANES x LANES words, padding included."""
    base = workspace.ctypes.data
    width = (layer.inputs + per_word - 1) // per_word if images else layer.batch_words
    source_row = layer.images_row if images else layer.batch_words
    for r in range(start * LANES, end * LANES, LANES):
        for c in range(0, width, LANES):
            out, out_row = layer.by_features + c * columns + r, columns
            if not images:
                panel = layer.panels + r // COLUMNS * COLUMNS * width
                out, out_row = panel + c * COLUMNS + r % COLUMNS, COLUMNS
            source = base + 4 * (layer.by_batch + r * source_row + c)
            transpose(workspace, Transpose(source, source_row, base + 4 * out, out_row))


@compiled()
def _forward(
    layer: Any,
    after: Any,
    workspace: np.ndarray,
    per_word: int,
    columns: int,
    least: float,
    pending: int,
    constants: Any,
    start: int,
    end: int,
) -> None:
    """Rows of tiles from `start` to `end` of what goes out, into the layer `after`, by weights that are moved first if
    a batch is pending.

        a: weights, ROWS neurons, words along inputs     b: by_features, COLUMNS images     k: inputs / p
    """
    base, batch_words, depth = workspace.ctypes.data, layer.batch_words, (layer.inputs + per_word - 1) // per_word
    rows = rounded_rows(layer, workspace, per_word)
    for o in range(start * ROWS, end * ROWS, ROWS):
        if pending:
            update_neurons(layer, workspace, rows, per_word, pending, constants, o)
        elif per_word == 2:
            round_rows(layer, workspace, rows, o)
        a, a_row = (rows.ctypes.data, rows.shape[1]) if per_word == 2 else (layer.weights + 4 * o * depth, depth)
        a_k, count = 1, min(ROWS, layer.outputs - o)
        following = 4 * (o + ROWS) * layer.inputs
        for c in range(0, columns, COLUMNS):
            b, b_k = base + 4 * (layer.by_features + c), columns
            next_vectors = ROWS * layer.inputs // LANES if pending and c == 0 else 0
            operands = Forward(
                a,
                a_row,
                a_k,
                count,
                b,
                b_k,
                depth,  # numba takes 15 operands by name
                bias=layer.bias + 4 * o,
                next_weights=layer.weights + following,
                next_first=layer.first + following,
                next_second=layer.second + following,
                next_vectors=next_vectors,
                by_rows=base + 4 * (after.by_features + o // per_word * columns + c),
                by_rows_row=columns,
                by_columns=base + 4 * (after.by_batch + o * batch_words + c // per_word),
                by_columns_row=batch_words,
                least=np.float32(least),
            )
            forward(workspace, operands)


@compiled()
def _backward(
    layer: Any, before: Any, workspace: np.ndarray, per_word: int, columns: int, start: int, end: int
) -> None:
    """Rows of tiles from `start` to `end` of the gradient in what came in, which went out of the layer `before`.

    a: weights by_outputs, read down their columns: ROWS inputs     b: gradient_by_features     k: outputs / p
    """
    base, batch_words = workspace.ctypes.data, layer.batch_words
    for i in range(start * ROWS, end * ROWS, ROWS):
        for c in range(0, columns, COLUMNS):
            place = i * batch_words + c // per_word
            operands = Backward(
                a=layer.by_outputs + 4 * i,
                a_row=1,
                a_k=layer.by_outputs_row,
                rows=min(ROWS, layer.inputs - i),
                b=base + 4 * (layer.gradient_by_features + c),
                b_k=columns,
                depth=(layer.outputs + per_word - 1) // per_word,
                active=base + 4 * (layer.by_batch + place),
                active_row=batch_words,
                by_rows=base + 4 * (before.gradient_by_features + i // per_word * columns + c),
                by_rows_row=columns,
                by_columns=base + 4 * (before.gradient_by_batch + place),
                by_columns_row=batch_words,
            )
            backward(workspace, operands)


@compiled()
def _loss(
    layer: Any, after: Any, workspace: np.ndarray, labels: np.ndarray, smoothing: float, per_word: int, columns: int
) -> tuple[float, int]:
    """The mean cross-entropy and how many answers are correct, by the logits, which are in the record `after` the last
    layer; the gradient in them is written in both forms, 0 for images that only fill the batch up."""
    classes, batch_words = layer.outputs, layer.batch_words
    z = np.zeros((columns, classes + 1), np.float32)  # logits, then gradients; a column of 0 is the odd class's partner
    for k in range(classes):
        for b in range(len(labels)):
            value = workspace[after.by_batch + k * batch_words + b // per_word]
            z[b, k] = high(workspace, value) if b % per_word else low(workspace, value)
    found = loss_and_gradient(z, labels, classes, smoothing)
    for k in range(classes):
        for u in range(batch_words):
            pair = word(workspace, z[per_word * u, k], z[per_word * u + per_word - 1, k])
            workspace[layer.gradient_by_batch + k * batch_words + u] = pair
    for k in range(0, classes, per_word):
        for b in range(columns):
            pair = word(workspace, z[b, k], z[b, k + per_word - 1])
            workspace[layer.gradient_by_features + k // per_word * columns + b] = pair
    return found


@compiled(parallel=True)
def _share(
    kind: int,
    number: int,
    work: int,
    layers: np.ndarray,
    workspace: np.ndarray,
    images: np.ndarray,
    values: np.ndarray,
    pending: int,
    constants: Any,
    per_word: int,
    columns: int,
    parts: int,
) -> None:
    """One kind of work on a layer, in as many parts as there are threads."""
    for part in prange(parts):
        start, end = work * part // parts, work * (part + 1) // parts
        layer = layers[number]
        if kind == READ:
            _read(layer, workspace, images, values, per_word, per_word * start, min(per_word * end, len(images)))
        elif kind in (TRANSPOSE, TRANSPOSE_IMAGES):
            _transpose(layer, workspace, per_word, columns, kind == TRANSPOSE_IMAGES, start, end)
        elif kind == FORWARD:
            least = 0.0 if number + 2 < len(layers) else -np.inf
            after = layers[number + 1]
            _forward(layer, after, workspace, per_word, columns, least, pending, constants, start, end)
        elif kind == BACKWARD:
            _backward(layer, layers[number - 1], workspace, per_word, columns, start, end)
        else:
            update_tile_rows(layer, workspace, per_word, pending, constants, start, end)


@one_at_a_time
@compiled()
def step(
    program: np.ndarray,
    layers: np.ndarray,
    workspace: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
    values: np.ndarray,
    pending: int,
    constants: Any,
    smoothing: float,
    per_word: int,
    columns: int,
    parts: int,
) -> tuple[float, int]:
    """A step of a batch: weights are moved by the `pending` words of the batch before (0: there is none) and its
    optimiser's `constants`; the mean loss of this batch, and how many answers are correct.

    program: (kinds of work, 3), kind, layer, how much. layers: `LAYER`, one more than there are, for the logits.
    workspace: words, whose dtype tells the format. images (B, pixels) and labels (B,): contiguous. values (256,): the
    scaled pixels. columns: B padded to whole tiles. The caller keeps all that `layers` has addresses of alive.
    """
    found = 0.0, 0
    for kind, number, work in program:
        if kind == LOSS:
            found = _loss(layers[number], layers[number + 1], workspace, labels, smoothing, per_word, columns)
        else:
            _share(kind, number, work, layers, workspace, images, values, pending, constants, per_word, columns, parts)
    return found
