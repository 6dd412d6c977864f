"""What forward and backward passes of convolutions with ReLU are made of, in machine code (backpropagation: Rumelhart,
Hinton and Williams 1986; convolutions: LeCun et al. 1989).

All three directions are products of matrices by tables of distances (`llvm.conv_tiles`); `conv.layout` draws what is
stored where and makes the tables, `conv.step` fills in the records. Each number is summed in one order by whoever does
it, so any number of threads gives the same bits.
"""

from typing import Any

import numpy as np
from numba import prange

from rungwise.kernels.compiled import compiled, one_at_a_time
from rungwise.kernels.conv.records import FORWARD, GRADIENT, GROUP
from rungwise.kernels.cross_entropy import loss_and_gradient
from rungwise.kernels.llvm.conv_gradient_tiles import Gradient, Total, gradient, total
from rungwise.kernels.llvm.conv_tiles import TILE_COLUMNS, TILE_ROWS, Backward, Forward, backward, forward
from rungwise.kernels.llvm.words import rounded, widened


@one_at_a_time
@compiled()
def scale_images(images: np.ndarray, out: np.ndarray, first: int, row: int) -> None:
    """Images (B, C, H, W) of uint8, scaled as `models.pixels.scaled` does, to their maps `out` (B or more, numbers),
    channels last: from number `first` on, `row` numbers from a row to the next. What is around them stays."""
    count, channels, height, width = images.shape
    for n in range(count):
        for y in range(height):
            line = out[n, first + y * row :]
            for c in range(channels):
                for x in range(width):
                    value = np.float32(images[n, c, y, x]) / np.float32(127.5) - np.float32(1)
                    line[x * channels + c] = rounded(out, value)


@one_at_a_time
@compiled()
def head_loss(
    logits: np.ndarray, labels: np.ndarray, classes: int, smoothing: float, out: np.ndarray, place: int
) -> tuple[float, int]:
    """The mean cross-entropy of a batch and how many answers are correct, by maps of one place whose channels are the
    logits (B or more, classes or more). The gradient in them goes to `out` (B or more, numbers), from number `place` on
    in each image; images that have no label get 0."""
    count = len(labels)
    z = np.empty((count, classes), np.float32)
    for n in range(count):
        for k in range(classes):
            z[n, k] = widened(logits, logits[n, k])
    found = loss_and_gradient(z, labels, classes, smoothing)
    for n in range(len(out)):
        for k in range(classes):
            out[n, place + k] = rounded(out, z[n, k] if n < count else np.float32(0))
    return found


@one_at_a_time
@compiled(parallel=True)
def mask_gradient(
    gradient: np.ndarray, active: np.ndarray, places: np.ndarray, out: np.ndarray, padded: int, parts: int
) -> None:
    """The gradient (images, places, channels) in the last maps, 0 where `active` (images or more, places x padded) is
    0, to its `places` in `out` (images or more, numbers); `padded`: channels with those that fill tiles. Images that
    have no gradient get 0."""
    images, channels = len(gradient), gradient.shape[2]
    for part in prange(parts):
        for n in range(len(out) * part // parts, len(out) * (part + 1) // parts):
            for p in range(len(places)):
                was, row = active[n, p * padded :][:channels], out[n, places[p] :][:channels]
                if n < images:
                    one = gradient[n, p]
                    for c in range(channels):
                        row[c] = one[c] if was[c] else 0
                else:
                    row[:] = 0


@one_at_a_time
@compiled(parallel=True)
def pair_images(halves: np.ndarray, out: np.ndarray, parts: int) -> None:
    """Words that hold the same place of two images, (images / 2, numbers), of words that hold two places of an image,
    (images, numbers / 2):

    image 0   | b a | d c | ...      ->   | A a | B b | C c | ...      first half of a word to the right
    image 1   | B A | D C | ...
    """
    for part in prange(parts):
        for i in range(len(out) * part // parts, len(out) * (part + 1) // parts):
            one, other, both = halves[2 * i], halves[2 * i + 1], out[i]
            for k in range(len(one)):
                both[2 * k] = one[k] & np.uint32(0xFFFF) | other[k] << np.uint32(16)
                both[2 * k + 1] = one[k] >> np.uint32(16) | other[k] & np.uint32(0xFFFF0000)


@compiled()
def _maps_tiles(work: Any, like: np.ndarray, size: int, group: int, rows: int, start: int, end: int) -> None:
    """Rows of tiles from `start` to `end` of a product from maps to maps, of a group of images that has so many rows.
    All blocks of columns of a row of tiles follow each other: the maps' rows are then in the first cache."""
    a, group_out = work.a + group * work.a_group, work.out + group * work.out_group
    for first in range(start * TILE_ROWS, end * TILE_ROWS, TILE_ROWS):
        row_count = min(TILE_ROWS, rows - first)
        table, pairs_table = 8 * first, 4 * first  # bytes: an entry of 8 for each row, or for two
        for block in range(work.blocks):
            out = group_out + block * size * TILE_COLUMNS if work.out else 0
            pairs = work.pairs + group * work.pairs_group + 4 * block * TILE_COLUMNS if work.pairs else 0
            if work.kind == FORWARD:
                least = np.float32(0 if work.relu else -np.inf)
                operands = Forward(
                    a=a,
                    rows=work.rows + table,
                    row_count=row_count,
                    steps=work.steps,
                    b=work.b + block * work.b_block,
                    depth=work.depth,
                    bias=work.bias + 4 * block * TILE_COLUMNS,
                    out=out,
                    out_rows=work.out_rows + table,
                    pairs=pairs,
                    pairs_rows=work.pairs_rows + pairs_table,
                    least=least,
                )
                forward(like, operands)
            else:
                back = Backward(
                    a=a,
                    rows=work.rows + table,
                    row_count=row_count,
                    steps=work.steps,
                    b=work.b + block * work.b_block,
                    depth=work.depth,
                    active=work.active + group * work.active_group + block * size * TILE_COLUMNS,
                    active_rows=work.active_rows + table,
                    out=out,
                    out_rows=work.out_rows + table,
                    pairs=pairs,
                    pairs_rows=work.pairs_rows + pairs_table,
                )
                backward(like, back)


@compiled()
def _gradient_tiles(work: Any, like: np.ndarray, group: int, images: int, start: int, end: int) -> None:
    """Tiles from `start` to `end` of the gradients of biases, one row of tiles, then of weights, by a group's images or
    pairs. All tiles take a chunk of images before the next chunk, whose maps then come from memory once."""
    row = 4 * TILE_COLUMNS * work.blocks  # bytes of the gradient, and of a place in b
    for chunk in range((images + work.chunk - 1) // work.chunk):
        here = min(work.chunk, images - chunk * work.chunk)
        a = work.a + group * work.a_group + chunk * work.a_chunk
        b = work.b + group * work.b_group + chunk * work.b_chunk
        for item in range(start, end):
            first, column = (item // work.blocks - 1) * TILE_ROWS, 4 * TILE_COLUMNS * (item % work.blocks)
            if first < 0:
                total(like, Total(b=b + column, b_row=row, depth=here * work.places, out=work.bias + column))
                continue
            operands = Gradient(
                a=a,
                rows=work.rows + 8 * first,
                row_count=TILE_ROWS,  # the table has spare rows, and the gradient padding for them
                steps=work.steps,
                b=b + column,
                depth=here * work.depth,
                out=work.out + first * row + column,
                out_row=row,
            )
            gradient(like, operands)


@compiled(parallel=True)
def _share(works: np.ndarray, like: np.ndarray, size: int, group: int, pairs: int, parts: int) -> None:
    """Products of so many pairs of images, none of which waits for another, in as many parts as there are threads."""
    for part in prange(parts):
        for number in range(len(works)):
            work = works[number]
            rows = work.row_count if work.kind == GRADIENT else pairs * work.row_count
            items = (rows + TILE_ROWS - 1) // TILE_ROWS
            if work.kind == GRADIENT:
                items = (items + 1) * work.blocks
            start, end = items * part // parts, items * (part + 1) // parts
            if work.kind == GRADIENT:
                _gradient_tiles(work, like, group, pairs if size == 2 else 2 * pairs, start, end)
            else:
                _maps_tiles(work, like, size, group, rows, start, end)


@one_at_a_time
@compiled()
def multiply(works: np.ndarray, ends: np.ndarray, like: np.ndarray, size: int, pairs: int, parts: int) -> None:
    """Products (`PRODUCT`) of so many pairs of images, one convolution after the other: `ends` says where in `works`
    the products of each end. Those of one convolution do not wait for each other, so they share their threads once.
    `like`: words, by whose dtype tiles know the format; `size`: bytes of a number. The caller keeps all that `works`
    has addresses of alive."""
    for group in range((2 * pairs + GROUP - 1) // GROUP):
        here, begin = min(GROUP // 2, pairs - group * GROUP // 2), 0
        for end in ends:
            _share(works[begin:end], like, size, group, here, parts)
            begin = end
