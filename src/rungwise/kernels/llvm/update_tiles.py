"""Weights that an optimiser moves by gradients that never reach memory, or by a vector of gradients.

`update` computes a tile of a gradient (`dense_tiles.product`) and, while it is in the registers, moves the weights:

    gradient tile (ROWS x COLUMNS, registers) --+
    weights, first and second moment (memory) --+--> weights, moments (memory), weights rounded (memory)

Adam reads and writes 12 bytes per weight so, and no gradient. The alternative, a library's product, writes 4 bytes of
gradient per weight to memory, and the optimiser reads them again.

Addresses are in bytes and aligned to 4; distances and counts are in 32-bit words (one float32). Weights and moments
are float32 and laid out alike. They may not overlap, except first and second moment under momentum, which uses one.
"""

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.core.cgutils import get_or_insert_function as function

from rungwise.kernels.llvm.dense_tiles import product, store
from rungwise.kernels.llvm.operands import optimising_tile, tile
from rungwise.kernels.llvm.vectors import (
    BYTE,
    COLUMNS,
    DIVISION,
    FLOATS,
    I64,
    INTS,
    LANE_NUMBERS,
    LANES,
    MASK,
    ROWS,
    SHORTS,
    VECTORS,
    VOID,
    WRITE,
    Tile,
    broadcast,
    constant,
    fma,
    minimum,
    pointer,
    prefetcher,
    round_to_bfloat16,
)
from rungwise.kernels.llvm.words import F32, I32, Builder, Value


class AdamConstants(NamedTuple):
    """Of a step t of Adam (Kingma and Ba 2015, algorithm 1), all float32, computed in float64 before."""

    one_minus_beta1: np.float32
    beta2: np.float32
    one_minus_beta2: np.float32
    step_size: np.float32
    """rate / (1 - beta1^t)."""
    unbias: np.float32
    """1 / sqrt(1 - beta2^t)."""
    epsilon: np.float32


class MomentumConstants(NamedTuple):
    """Of gradient descent: its buffer becomes momentum x buffer + gradient, float32."""

    momentum: np.float32
    rate: np.float32


class Update(NamedTuple):
    """Operands of `update`: the product is the gradient of ROWS x COLUMNS weights. The first seven are those of
    `dense_tiles.Forward`. The last four are where the weights go rounded, in bfloat16; in float32 they are not read."""

    a: int
    a_row: int
    a_k: int
    rows: int
    b: int
    b_k: int
    depth: int
    weights: int
    """Address of the tile's first weight; this and the next two are float32."""
    first: int
    """Address of its first moment."""
    second: int
    """Address of its second moment."""
    weights_row: int
    """Words between rows of these three."""
    columns: int
    """How many columns there are from here on; those after the last are not touched. May be more than COLUMNS."""
    ahead: int
    """Words from this tile to the next one, which is prefetched meanwhile."""
    by_rows: int
    by_rows_row: int
    by_columns: int
    by_columns_row: int


class UpdateOne(NamedTuple):
    """Operands of `update_one`: a weight, as a bias is."""

    weight: int
    """Address; this and the next two are float32."""
    first: int
    second: int
    gradient: np.float32


class UpdateRow(NamedTuple):
    """Operands of `update_row`: LANES weights that are stored contiguously, or as many as are left."""

    gradient: int
    """Address of float32."""
    weights: int
    """Address; this and the next two are float32."""
    first: int
    second: int
    left: int
    """How many there are, 1 or more; may be more than LANES. Others are neither read nor written."""


class RoundRow(NamedTuple):
    """Operands of `round_row`: LANES float32 to LANES bfloat16. Only in bfloat16; else nothing is done."""

    source: int
    """Address of float32."""
    out: int
    """Address of bfloat16. All LANES are written, zeros after those that are left."""
    left: int
    """How many are read, 1 or more; may be more than LANES."""


def _optimised(to: Builder, constants: Any, gradient: Value, before: list[Value]) -> list[Value]:
    """A weight, its first and its second moment after a step: numbers, or vectors with broadcast constants."""
    weight, first, second = before
    if isinstance(constants, MomentumConstants):
        first = fma(to, constants.momentum, first, gradient)
        return [to.fsub(weight, to.fmul(constants.rate, first)), first, second]
    kind, name = gradient.type, f"llvm.sqrt.v{LANES}f32" if gradient.type == FLOATS else "llvm.sqrt.f32"
    square_root = function(to.module, ir.FunctionType(kind, [kind]), name)
    first = fma(to, constants.one_minus_beta1, to.fsub(gradient, first), first)
    decayed = to.fmul(constants.one_minus_beta2, gradient), gradient, to.fmul(constants.beta2, second)
    second = fma(to, *decayed)
    below = fma(to, to.call(square_root, [second]), constants.unbias, constants.epsilon)
    step = to.fdiv(to.fmul(constants.step_size, first), below, flags=DIVISION)
    return [to.fsub(weight, step), first, second]


def _first_lanes(to: Builder, count: Value) -> Value:
    """A mask of the first so many lanes; all of them where the count is LANES or more."""
    return to.icmp_signed("<", LANE_NUMBERS, broadcast(to, to.trunc(minimum(to, count, I64(LANES)), I32), INTS))


def _load(to: Builder, place: Value, mask: Value) -> Value:
    """The lanes of a mask from memory, and 0 in others, which are not read."""
    kind = ir.FunctionType(FLOATS, [FLOATS.as_pointer(), I32, MASK, FLOATS])
    read = function(to.module, kind, f"llvm.masked.load.v{LANES}f32.p0")
    return to.call(read, [place, I32(4), mask, constant(FLOATS, 0.0)])


def _move(to: Builder, constants: Any, gradient: Value, places: list[Value], left: Value) -> Value:
    """Step weights and moments, at these pointers, by a vector of gradients, as many lanes as are left; the weights,
    and 0 in other lanes. Constants are broadcast."""
    kind = ir.FunctionType(VOID, [FLOATS, FLOATS.as_pointer(), I32, MASK])
    write = function(to.module, kind, f"llvm.masked.store.v{LANES}f32.p0")
    mask = _first_lanes(to, left)
    before = [_load(to, place, mask) for place in places]
    after = _optimised(to, constants, gradient, before)
    for value, old, place in zip(after, before, places, strict=True):
        if value is not old:
            to.call(write, [value, place, I32(4), mask])
    return to.select(mask, after[0], constant(FLOATS, 0.0))


def _broadcast_all(to: Builder, constants: Any) -> Any:
    return type(constants)(*(broadcast(to, number) for number in constants))


def _update(to: Builder, bfloat16: bool, operands: Update, constants: Any) -> None:
    held = operands.weights, operands.first, operands.second
    gradients = product(to, bfloat16, operands, lambda k: _fetch_next(to, bfloat16, operands, k))
    everywhere = _broadcast_all(to, constants)
    values: Tile = []
    for r, row in enumerate(gradients):
        values.append([])
        for v, gradient in enumerate(row):
            there = to.icmp_signed(">", operands.rows, I64(r))  # a row that is there twice is moved once
            left = to.select(there, to.sub(operands.columns, I64(v * LANES)), I64(0))
            place = to.add(to.mul(operands.weights_row, I64(r)), I64(v * LANES))
            places = [pointer(to, address, place, FLOATS) for address in held]
            values[r].append(_move(to, everywhere, gradient, places, left))
    if bfloat16:
        store(to, bfloat16, values, operands)


def _fetch_next(to: Builder, bfloat16: bool, operands: Update, k: Value) -> None:
    """Ask for the next tile's lines, one of each kind at each step of the sum: a burst would hold up the product."""
    row = minimum(to, to.udiv(k, I64(VECTORS)), I64(ROWS - 1))
    vector = to.urem(k, I64(VECTORS))
    place = to.add(operands.ahead, to.add(to.mul(operands.weights_row, row), to.mul(vector, I64(LANES))))
    places = [pointer(to, one, place, BYTE) for one in (operands.weights, operands.first, operands.second)]
    if bfloat16:
        # Of the rounded forms, which have half as many lines each: first those by columns, then those by rows.
        half = I64(VECTORS // 2)
        place = to.add(to.mul(operands.by_columns_row, to.udiv(k, half)), to.mul(to.urem(k, half), I64(LANES)))
        one = pointer(to, operands.by_columns, to.add(place, I64(COLUMNS // 2)), BYTE)
        beyond = to.sub(k, I64(ROWS * VECTORS // 2))
        row = minimum(to, to.udiv(beyond, I64(VECTORS)), I64(ROWS // 2 - 1))
        place = to.add(to.mul(operands.by_rows_row, row), to.mul(vector, I64(LANES)))
        other = pointer(to, operands.by_rows, to.add(place, I64(COLUMNS)), BYTE)
        places.append(to.select(to.icmp_signed("<", beyond, I64(0)), one, other))
    prefetch = prefetcher(to)
    for place in places:
        to.call(prefetch, [place, WRITE, I32(3), I32(1)])


def _update_one(to: Builder, bfloat16: bool, operands: UpdateOne, constants: Any) -> None:
    places = [pointer(to, address, I64(0), F32) for address in (operands.weight, operands.first, operands.second)]
    before = [to.load(place, align=4) for place in places]
    after = _optimised(to, constants, operands.gradient, before)
    for value, old, place in zip(after, before, places, strict=True):
        if value is not old:
            to.store(value, place, align=4)


def _update_row(to: Builder, bfloat16: bool, operands: UpdateRow, constants: Any) -> None:
    addresses = operands.gradient, operands.weights, operands.first, operands.second
    gradient, *places = (pointer(to, address, I64(0), FLOATS) for address in addresses)
    gradients = _load(to, gradient, _first_lanes(to, operands.left))
    _move(to, _broadcast_all(to, constants), gradients, places, operands.left)


def _round_row(to: Builder, bfloat16: bool, operands: RoundRow) -> None:
    if not bfloat16:
        return
    values = _load(to, pointer(to, operands.source, I64(0), FLOATS), _first_lanes(to, operands.left))
    to.store(round_to_bfloat16(to, values), pointer(to, operands.out, I64(0), SHORTS), align=4)


update = optimising_tile(_update)
"""(like, Update, AdamConstants or MomentumConstants); so are the next two."""
update_one = optimising_tile(_update_one)
update_row = optimising_tile(_update_row)
round_row = tile(_round_row)
"""(like, RoundRow)."""
