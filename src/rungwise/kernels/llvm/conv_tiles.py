"""Products of convolutions, a tile at a time, as implicit matrix products: no patch of an image is copied.

A tile is TILE_ROWS x TILE_COLUMNS numbers of

    tile[r, column] = sum over k of a[rows[r] + steps[k, 0]] b[steps[k, 1] + column]

where `rows` (one int64 per row) and `steps` (two int64 per k) are tables of distances in BYTES, so that any window of
a padded map is a row of the product:

      a: maps, channels last                     b                          tile
      +------------------------+           +-------------+           +-------------+
      |   rows[0] -> [run....] |       k   | TILE_COLUMNS|           | TILE_COLUMNS|  TILE_ROWS
      |              [run....] |   x       +-------------+     =     +-------------+
      |        rows[1] -> [run]|
      +------------------------+     one k is a word of each row: one float32, or two bfloat16

All addresses and distances here are in bytes; counts are of rows or of k. Single numbers of bfloat16 are aligned to 2,
all else to 4. Sums are float32.

Rows come in twos: a place in one image, then the same place in the next image. So two rows can share words in the
form that weights' gradients are summed over. A tile with fewer rows computes and stores its last two rows again, which
is harmless: they are the same numbers. Nothing else that is written may overlap what is read. Tables of rows need
TILE_ROWS entries more than there are rows: the next tile's are prefetched, and these then point at any memory.

Registers: 10 x 2 sums + 2 vectors of b + 1 broadcast = 23 of AVX-512's 32. The dense tile (6 x 4) reads more bytes of b
per multiply-add; here b is the weights, which do not fit into the first cache. 12 or 14 rows were half as fast: there
are 16 registers for addresses. With AVX the sums alone are more than the 16 vector registers: correct, but slow, so
`conv.step` asks for AVX-512.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir

from rungwise.kernels.llvm.operands import tile
from rungwise.kernels.llvm.vectors import (
    BYTE,
    FLOATS,
    I64,
    INTS,
    LANES,
    READ,
    SHORTS,
    Tile,
    broadcast,
    constant,
    dot_pairs,
    fma,
    join_pairs,
    minimum,
    prefetcher,
    round_to_bfloat16,
)
from rungwise.kernels.llvm.words import F32, I32, Builder, Value

TILE_ROWS, TILE_VECTORS = 10, 2
TILE_COLUMNS = TILE_VECTORS * LANES


class Forward(NamedTuple):
    """Operands of `forward`: the product plus the columns' biases, or `least` where that is more.

    It is stored as `out`, an image at a time, and in bfloat16 also as `pairs`: words that hold the two images of a pair
    of rows. An address of 0 says that a form is not wanted.
    """

    a: int
    """Address of a group's maps."""
    rows: int
    """Address of the table of the tile's rows."""
    row_count: int
    """How many of TILE_ROWS rows there are: an even number, 2 or more."""
    steps: int
    """Address of the table of the sum's steps."""
    b: int
    """Address."""
    depth: int
    """Steps of the sum, 1 or more."""
    bias: int
    """Address of TILE_COLUMNS float32."""
    out: int
    """Address of a group's maps, or 0."""
    out_rows: int
    """Address of the table of rows there."""
    pairs: int
    """Address of a group's paired maps, or 0; bfloat16 only."""
    pairs_rows: int
    """Address of the table of pairs of rows there."""
    least: np.float32
    """0 for ReLU, minus infinity for none."""


class Backward(NamedTuple):
    """Operands of `backward`: the product, but 0 where the activation was 0. Fields as in `Forward`."""

    a: int
    rows: int
    row_count: int
    steps: int
    b: int
    depth: int
    active: int
    """Address of a group's activations, single numbers."""
    active_rows: int
    """Address of the table of rows there."""
    out: int
    out_rows: int
    pairs: int
    """In bfloat16 it is always wanted."""
    pairs_rows: int


Meanwhile = Callable[[Value, Value], None]
"""Adds what else is done at a step k; the second value is steps[k, 0]."""
Places = list[Callable[[Value], Value]]
"""Addresses, by the number of a row."""


def pointer(to: Builder, address: Value, kind: ir.Type) -> Value:
    return to.inttoptr(address, kind.as_pointer())


def entry(to: Builder, table: Value, number: Value) -> Value:
    """An entry of a table of int64."""
    return to.load(pointer(to, to.add(table, to.shl(number, I64(3))), I64), align=8)


def _row(to: Builder, r: int, count: Value) -> Value:
    """The number of the r-th row: where there are no more, that of one of the last two."""
    return I64(r) if r < 2 else to.select(to.icmp_signed("<", I64(r), count), I64(r), to.add(count, I64(r % 2 - 2)))


def row_vectors(to: Builder, address: Value, kind: ir.Type = FLOATS, size: int = 4) -> list[Value]:
    """Pointers to the vectors of a tile's row of numbers of so many bytes."""
    return [pointer(to, to.add(address, I64(size * LANES * v)), kind) for v in range(TILE_VECTORS)]


def product(
    to: Builder, bfloat16: bool, operands: Any, first: Tile | None = None, meanwhile: Meanwhile | None = None
) -> Tile:
    """The sums, begun with `first`, of operands that have the first six fields of `Forward`."""
    rows, count = operands.rows, operands.row_count
    starts = [to.add(operands.a, entry(to, rows, _row(to, r, count))) for r in range(TILE_ROWS)]
    scalar, vector, multiply = (I32, INTS, dot_pairs) if bfloat16 else (F32, FLOATS, fma)
    before, loop, after = to.block, to.append_basic_block("sum"), to.append_basic_block("summed")
    to.branch(loop)
    to.position_at_end(loop)
    k = to.phi(I64)
    sums = [[to.phi(FLOATS) for _ in range(TILE_VECTORS)] for _ in range(TILE_ROWS)]
    twice = to.shl(k, I64(1))
    along_a = entry(to, operands.steps, twice)
    along_b = to.add(operands.b, entry(to, operands.steps, to.add(twice, I64(1))))
    columns = [to.load(place, align=4) for place in row_vectors(to, along_b, vector)]
    new = []
    for start, row in zip(starts, sums, strict=True):
        # Aligned to 2: where the channels are odd in number, a word of two may start at any of them.
        one = broadcast(to, to.load(pointer(to, to.add(start, along_a), scalar), align=2), vector)
        new.append([multiply(to, one, column, value) for column, value in zip(columns, row, strict=True)])
    if meanwhile is not None:
        meanwhile(k, along_a)
    following = to.add(k, I64(1))
    k.add_incoming(I64(0), before)
    k.add_incoming(following, loop)
    for r in range(TILE_ROWS):
        for v in range(TILE_VECTORS):
            sums[r][v].add_incoming(constant(FLOATS, 0.0) if first is None else first[r][v], before)
            sums[r][v].add_incoming(new[r][v], loop)
    to.cbranch(to.icmp_signed("<", following, operands.depth), loop, after)
    to.position_at_end(after)
    return new


def _fetching(to: Builder, operands: Any, needed: Places) -> Meanwhile:
    """Ask for the next tile's rows of a, into the second cache, and for what this tile needs at its end, into the
    first: memory would hold it up."""
    prefetch = prefetcher(to)

    def fetch(address: Value, cache: int) -> None:
        to.call(prefetch, [pointer(to, address, BYTE), READ, I32(cache), I32(1)])

    def meanwhile(k: Value, along: Value) -> None:
        # A cache line of 64 bytes has the words of 16 k: in that time each row of the next tile is asked for once.
        following = to.add(minimum(to, to.and_(k, I64(15)), I64(TILE_ROWS - 1)), I64(TILE_ROWS))
        fetch(to.add(to.add(operands.a, entry(to, operands.rows, following)), along), 2)
        for place in needed:
            fetch(place(minimum(to, k, I64(TILE_ROWS - 1))), 3)

    return meanwhile


def _store(to: Builder, bfloat16: bool, values: Tile, operands: Any) -> None:
    """A tile in the forms that are wanted, of operands that have the fields of `Forward` for them."""
    count = operands.row_count
    kind, size = (SHORTS, 2) if bfloat16 else (FLOATS, 4)
    numbers = [[round_to_bfloat16(to, value) for value in row] for row in values] if bfloat16 else values
    with to.if_then(to.icmp_signed("!=", operands.out, I64(0))):
        for r, row in enumerate(numbers):
            start = to.add(operands.out, entry(to, operands.out_rows, _row(to, r, count)))
            for v, value in enumerate(row):
                to.store(value, pointer(to, to.add(start, I64(size * LANES * v)), kind), align=2)
    if not bfloat16:
        return
    with to.if_then(to.icmp_signed("!=", operands.pairs, I64(0))):
        for r in range(0, len(values), 2):
            pair = to.lshr(_row(to, r, count), I64(1))
            start = to.add(operands.pairs, entry(to, operands.pairs_rows, pair))
            for v, (one, other) in enumerate(zip(numbers[r], numbers[r + 1], strict=True)):
                words = join_pairs(to, one, other)
                to.store(words, pointer(to, to.add(start, I64(4 * LANES * v)), INTS), align=4)


def _forward(to: Builder, bfloat16: bool, operands: Forward) -> None:
    floor = broadcast(to, operands.least)
    biases = [to.load(place, align=4) for place in row_vectors(to, operands.bias)]
    values: Tile = []
    for row in product(to, bfloat16, operands, meanwhile=_fetching(to, operands, [])):
        sums = [to.fadd(value, one) for value, one in zip(row, biases, strict=True)]
        # NaN stays NaN: it compares as false, and a loss that is NaN must be seen.
        values.append([to.select(to.fcmp_ordered("<", value, floor), floor, value) for value in sums])
    _store(to, bfloat16, values, operands)


def _backward(to: Builder, bfloat16: bool, operands: Backward) -> None:
    def written(r: Value) -> Value:
        if not bfloat16:
            return to.add(operands.out, entry(to, operands.out_rows, r))
        # The two cache lines of a pair's words: one for each of its rows.
        line = to.add(operands.pairs, to.shl(to.and_(r, I64(1)), I64(6)))
        return to.add(line, entry(to, operands.pairs_rows, to.lshr(r, I64(1))))

    needed: Places = [lambda r: to.add(operands.active, entry(to, operands.active_rows, r)), written]
    values: Tile = []
    for r, row in enumerate(product(to, bfloat16, operands, meanwhile=_fetching(to, operands, needed))):
        start = to.add(operands.active, entry(to, operands.active_rows, _row(to, r, operands.row_count)))
        values.append([])
        for v, value in enumerate(row):
            if bfloat16:
                was = to.load(pointer(to, to.add(start, I64(2 * LANES * v)), SHORTS), align=2)
                on = to.icmp_unsigned("!=", was, constant(SHORTS, 0))
            else:
                was = to.load(pointer(to, to.add(start, I64(4 * LANES * v)), FLOATS), align=4)
                on = to.fcmp_unordered(">", was, constant(FLOATS, 0.0))
            values[r].append(to.select(on, value, constant(FLOATS, 0.0)))
    _store(to, bfloat16, values, operands)


forward = tile(_forward)
"""(like, Forward)."""
backward = tile(_backward)
"""(like, Backward)."""
