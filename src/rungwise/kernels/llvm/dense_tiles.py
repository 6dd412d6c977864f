"""Products of dense layers, a tile at a time, and what is done to a tile before it leaves the registers.

A tile is ROWS x COLUMNS numbers of a product that is summed over words k:

              k                       COLUMNS
           +-----+                  +---------+                  COLUMNS
    ROWS   |  a  |     x         k  |    b    |     =          +---------+
           +-----+                  +---------+         ROWS   |  tile   |   float32, in registers
                                                               +---------+

At each k a word of each row of a is broadcast, COLUMNS words of b are loaded as vectors, and every sum takes one
multiply-add; in bfloat16 a word holds two numbers of the sum (`vectors.dot_pairs`).

All addresses are in bytes and aligned to 4; all distances and counts are in 32-bit words. Nothing that is written may
overlap what is read, but the rows of a tile that are there twice: a tile always has ROWS rows. Where the caller has
fewer, the last row is computed again and stored in the rows after it, so the caller must leave memory for ROWS rows
(`mlp.step` pads by ROWS). b and what is stored have COLUMNS columns, always.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rungwise.kernels.llvm.operands import tile
from rungwise.kernels.llvm.vectors import (
    BYTE,
    FLOATS,
    I64,
    INTS,
    LANES,
    READ,
    ROWS,
    SHORTS,
    VECTORS,
    Tile,
    broadcast,
    constant,
    dot_pairs,
    fma,
    join_pairs,
    minimum,
    pointer,
    pointer_to_halves,
    prefetcher,
    round_to_bfloat16,
)
from rungwise.kernels.llvm.words import F32, I32, Builder, Value


class Forward(NamedTuple):
    """Operands of `forward`: the product plus the rows' biases, or `least` where that is more.

    The tile is stored in two forms, `by_rows` (words along rows: ROWS / numbers per word, COLUMNS) and `by_columns`
    (words along columns: ROWS, COLUMNS / numbers per word). In float32 both are the same matrix, and only `by_rows` is
    written.
    """

    a: int
    """Address."""
    a_row: int
    """Words between rows of a."""
    a_k: int
    """Words between steps of the sum in a."""
    rows: int
    """How many of ROWS rows there are, 1 or more."""
    b: int
    """Address; the COLUMNS words of a step are stored contiguously."""
    b_k: int
    """Words between steps of the sum in b."""
    depth: int
    """Steps of the sum, 1 or more."""
    bias: int
    """Address of one float32 for each row."""
    next_weights: int
    """Address; this and the next two are only prefetched: any address will do."""
    next_first: int
    next_second: int
    next_vectors: int
    """How many vectors from each of these are prefetched; one at each step of the sum."""
    by_rows: int
    """Address."""
    by_rows_row: int
    """Words between its rows."""
    by_columns: int
    """Address."""
    by_columns_row: int
    """Words between its rows."""
    least: np.float32
    """0 for ReLU, minus infinity for none."""


class Backward(NamedTuple):
    """Operands of `backward`: the product, but 0 where the activation was 0. Fields as in `Forward`."""

    a: int
    a_row: int
    a_k: int
    rows: int
    b: int
    b_k: int
    depth: int
    active: int
    """Address of the activations, words along columns: ROWS rows are read, even where `rows` is less."""
    active_row: int
    """Words between its rows."""
    by_rows: int
    by_rows_row: int
    by_columns: int
    by_columns_row: int


def product(to: Builder, bfloat16: bool, operands: Any, meanwhile: Callable[[Value], None] | None = None) -> Tile:
    """sum over k of a[row, k] b[k, :], of operands that have the first seven fields of `Forward`; `meanwhile` adds
    what else is done at each k."""
    a, b, depth = operands.a, operands.b, operands.depth
    last = to.sub(operands.rows, I64(1))
    starts = [to.add(a, to.shl(to.mul(operands.a_row, minimum(to, I64(r), last)), I64(2))) for r in range(ROWS)]
    scalar, vector, multiply = (I32, INTS, dot_pairs) if bfloat16 else (F32, FLOATS, fma)
    before, loop, after = to.block, to.append_basic_block("sum"), to.append_basic_block("summed")
    to.branch(loop)
    to.position_at_end(loop)
    k = to.phi(I64)
    sums = [[to.phi(FLOATS) for _ in range(VECTORS)] for _ in range(ROWS)]
    if meanwhile is not None:
        meanwhile(k)
    along_a, along_b = to.mul(k, operands.a_k), to.mul(k, operands.b_k)
    places = [pointer(to, b, to.add(along_b, I64(v * LANES)), vector) for v in range(VECTORS)]
    columns = [to.load(place, align=4) for place in places]
    new = []
    for start, row in zip(starts, sums, strict=True):
        one = broadcast(to, to.load(pointer(to, start, along_a, scalar), align=4), vector)
        new.append([multiply(to, one, column, value) for column, value in zip(columns, row, strict=True)])
    following = to.add(k, I64(1))
    for phi, first, then in [
        (k, I64(0), following),
        *((sums[r][v], constant(FLOATS, 0.0), new[r][v]) for r in range(ROWS) for v in range(VECTORS)),
    ]:
        phi.add_incoming(first, before)
        phi.add_incoming(then, loop)
    to.cbranch(to.icmp_signed("<", following, depth), loop, after)
    to.position_at_end(after)
    return new


def store(to: Builder, bfloat16: bool, values: Tile, operands: Any) -> None:
    """A tile in its two forms, of operands that have `rows` and the form fields of `Forward`."""
    for r, row in enumerate(values):
        for v, value in enumerate(row):
            if not bfloat16:
                place = to.add(to.mul(operands.by_rows_row, I64(r)), I64(v * LANES))
                to.store(value, pointer(to, operands.by_rows, place, FLOATS), align=4)
                continue
            place = to.mul(operands.by_columns_row, I64(r))
            halves = round_to_bfloat16(to, value)
            to.store(halves, pointer_to_halves(to, operands.by_columns, place, v * LANES), align=4)
            if r % 2 == 0:
                # The second half of a word is 0 where there is no such row: it is a factor of later sums.
                there = to.icmp_signed(">", operands.rows, I64(r + 1))
                other = to.select(there, round_to_bfloat16(to, values[r + 1][v]), constant(SHORTS, 0))
                pairs = join_pairs(to, round_to_bfloat16(to, value), other)
                place = to.add(to.mul(operands.by_rows_row, I64(r // 2)), I64(v * LANES))
                to.store(pairs, pointer(to, operands.by_rows, place, INTS), align=4)


def _forward(to: Builder, bfloat16: bool, operands: Forward) -> None:
    floor = broadcast(to, operands.least)
    prefetch = prefetcher(to)

    def fetch(k: Value) -> None:
        """Ask for what the next rows' weights are updated from, into the second cache, a line of each at a time."""
        place = to.mul(minimum(to, k, operands.next_vectors), I64(LANES))
        for address in (operands.next_weights, operands.next_first, operands.next_second):
            to.call(prefetch, [pointer(to, address, place, BYTE), READ, I32(2), I32(1)])

    values: Tile = []
    for r, row in enumerate(product(to, bfloat16, operands, fetch)):
        place = pointer(to, operands.bias, minimum(to, I64(r), to.sub(operands.rows, I64(1))), F32)
        sums = [to.fadd(value, broadcast(to, to.load(place, align=4))) for value in row]
        # NaN stays NaN: it compares as false, and a loss that is NaN must be seen.
        values.append([to.select(to.fcmp_ordered("<", value, floor), floor, value) for value in sums])
    store(to, bfloat16, values, operands)


def _backward(to: Builder, bfloat16: bool, operands: Backward) -> None:
    values: Tile = []
    for r, row in enumerate(product(to, bfloat16, operands)):
        values.append([])
        for v, value in enumerate(row):
            place = to.mul(operands.active_row, I64(r))
            if bfloat16:
                was = to.load(pointer_to_halves(to, operands.active, place, v * LANES), align=4)
                on = to.icmp_unsigned("!=", was, constant(SHORTS, 0))
            else:
                was = to.load(pointer(to, operands.active, to.add(place, I64(v * LANES)), FLOATS), align=4)
                on = to.fcmp_unordered(">", was, constant(FLOATS, 0.0))
            values[r].append(to.select(on, value, constant(FLOATS, 0.0)))
    store(to, bfloat16, values, operands)


forward = tile(_forward)
"""(like, Forward)."""
backward = tile(_backward)
"""(like, Backward)."""
