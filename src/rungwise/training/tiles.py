"""Products of dense layers in vector instructions (LLVM), a tile at a time, with what is done to a tile before it
leaves the registers.

A tile is ROWS rows by COLUMNS columns of a product, summed over units (see `units`): those of the one factor are spread
over a vector, one at a time, those of the other are read as vectors, and sums are float32.

Compiled code calls `name(space, whole, numbers)`: an array by whose dtype the kind of unit is chosen, a tuple of
addresses, counts and distances in units, and a tuple of float32. `whole` begins with the factors of the product:

    a, its distance between rows, its distance along the sum, how many of ROWS rows it has,
    b, its distance along the sum, how many units the sum has

and where a tile is stored it ends with the forms in which it goes, of which float32 has only the first:

    units along rows (rows / 1 or 2, columns), its distance, units along columns (rows, columns / 1 or 2), its distance

All ROWS rows are computed and stored: the last one again where there are fewer, and 0 in a unit that it would share.
What numba keeps on disk of its callers does not know of changes here: touch their files, too.
"""

from collections.abc import Callable
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function as function

from rungwise.training.units import BF16, F32, I16, I32, Builder, Value, intrinsic

Tile = list[list[Value]]
"""Vectors, by row."""


def features() -> dict[str, bool]:
    """The instructions of this processor, by LLVM's names."""
    return dict(llvmlite.binding.get_host_cpu_features())


def can(precision: str) -> bool:
    """Whether this processor multiplies and adds vectors of such numbers in one instruction."""
    known = features()
    if precision == "bfloat16":
        return bool(known.get("avx512bf16"))
    return bool(known.get("fma") or known.get("neon"))


def shape(known: dict[str, bool]) -> tuple[int, int, int]:
    """Lanes of a vector, and rows and vectors of a tile, so that its sums fill the registers and leave a few."""
    if known.get("avx512f"):
        return 16, 6, 4  # 24 of 32 registers
    if known.get("avx"):
        return 8, 6, 2  # 12 of 16
    return 4, 6, 4  # 24 of 32, as ARM has them


LANES, ROWS, VECTORS = shape(features())
COLUMNS = LANES * VECTORS


I64, BYTE, NOTHING = ir.IntType(64), ir.IntType(8), ir.VoidType()
FLOATS, SHORTS, INTS, HALVES, BITS = (ir.VectorType(t, LANES) for t in (F32, I16, I32, BF16, ir.IntType(1)))
NUMBERED = ir.Constant(INTS, list(range(LANES)))
NEAR = ("arcp", "contract")
"""A quotient may be off in its last bit."""


def _same(kind: ir.VectorType, number: float) -> Value:
    return ir.Constant(kind, [number] * LANES)


def _place(to: Builder, address: Value, units: Value, kind: ir.Type) -> Value:
    return to.inttoptr(to.add(address, to.shl(units, I64(2))), kind.as_pointer())


def _half_place(to: Builder, address: Value, units: Value, halves: int) -> Value:
    return to.inttoptr(to.add(to.add(address, to.shl(units, I64(2))), I64(2 * halves)), SHORTS.as_pointer())


def _spread(to: Builder, value: Value, kind: ir.VectorType = FLOATS) -> Value:
    """A vector, all of whose lanes are the value."""
    nothing = ir.Constant(kind, ir.Undefined)
    return to.shuffle_vector(to.insert_element(nothing, value, I32(0)), nothing, _same(INTS, 0))


def _fma(to: Builder, a: Value, b: Value, c: Value) -> Value:
    kind, name = a.type, f"llvm.fma.v{LANES}f32" if a.type == FLOATS else "llvm.fma.f32"
    return to.call(function(to.module, ir.FunctionType(kind, [kind] * 3), name), [a, b, c])


def _fma_pairs(to: Builder, a: Value, b: Value, c: Value) -> Value:
    pairs, name = ir.VectorType(BF16, 2 * LANES), "llvm.x86.avx512bf16.dpbf16ps.512"
    dot = function(to.module, ir.FunctionType(FLOATS, [FLOATS, pairs, pairs]), name)
    return to.call(dot, [c, to.bitcast(a, pairs), to.bitcast(b, pairs)])


def _smaller(to: Builder, a: Value, b: Value) -> Value:
    return to.select(to.icmp_signed("<", a, b), a, b)


def _product(to: Builder, pairs: bool, factors: list[Value], meanwhile: Callable[[Value], None] | None = None) -> Tile:
    """sum over k of a[row, k] b[k, :]; `meanwhile` adds what else is done at each k."""
    a, a_row, a_k, rows, b, b_k, count = factors
    last = to.sub(rows, I64(1))
    starts = [to.add(a, to.shl(to.mul(a_row, _smaller(to, I64(r), last)), I64(2))) for r in range(ROWS)]
    scalar, vector, multiply = (I32, INTS, _fma_pairs) if pairs else (F32, FLOATS, _fma)
    before, loop, after = to.block, to.append_basic_block("sum"), to.append_basic_block("summed")
    to.branch(loop)
    to.position_at_end(loop)
    k = to.phi(I64)
    sums = [[to.phi(FLOATS) for _ in range(VECTORS)] for _ in range(ROWS)]
    if meanwhile is not None:
        meanwhile(k)
    along_a, along_b = to.mul(k, a_k), to.mul(k, b_k)
    places = [_place(to, b, to.add(along_b, I64(v * LANES)), vector) for v in range(VECTORS)]
    columns = [to.load(place, align=4) for place in places]
    new = []
    for start, row in zip(starts, sums, strict=True):
        one = _spread(to, to.load(_place(to, start, along_a, scalar), align=4), vector)
        new.append([multiply(to, one, column, value) for column, value in zip(columns, row, strict=True)])
    following = to.add(k, I64(1))
    for phi, first, then in [
        (k, I64(0), following),
        *((sums[r][v], _same(FLOATS, 0.0), new[r][v]) for r in range(ROWS) for v in range(VECTORS)),
    ]:
        phi.add_incoming(first, before)
        phi.add_incoming(then, loop)
    to.cbranch(to.icmp_signed("<", following, count), loop, after)
    to.position_at_end(after)
    return new


def _short(to: Builder, value: Value) -> Value:
    """Rounded to bfloat16, as whole numbers of 16 bits."""
    return to.bitcast(to.fptrunc(value, HALVES), SHORTS)


def _store(to: Builder, pairs: bool, tile: Tile, rows: Value, forms: list[Value]) -> None:
    along_rows, rows_distance, along_columns, columns_distance = forms
    for r, row in enumerate(tile):
        for v, value in enumerate(row):
            if not pairs:
                place = to.add(to.mul(rows_distance, I64(r)), I64(v * LANES))
                to.store(value, _place(to, along_rows, place, FLOATS), align=4)
                continue
            place = to.mul(columns_distance, I64(r))
            to.store(_short(to, value), _half_place(to, along_columns, place, v * LANES), align=4)
            if r % 2 == 0:
                there = to.icmp_signed(">", rows, I64(r + 1))
                other = to.select(there, _short(to, tile[r + 1][v]), _same(SHORTS, 0))
                pair = to.or_(to.zext(_short(to, value), INTS), to.shl(to.zext(other, INTS), _same(INTS, 16)))
                place = to.add(to.mul(rows_distance, I64(r // 2)), I64(v * LANES))
                to.store(pair, _place(to, along_rows, place, INTS), align=4)


def _forward(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    *factors, bias, form, distance, other, other_distance = whole
    floor, rows = _spread(to, numbers[0]), factors[3]
    tile: Tile = []
    for r, row in enumerate(_product(to, pairs, factors)):
        place = _place(to, bias, _smaller(to, I64(r), to.sub(rows, I64(1))), F32)
        sums = [to.fadd(value, _spread(to, to.load(place, align=4))) for value in row]
        # What is not a number stays so.
        tile.append([to.select(to.fcmp_ordered("<", value, floor), floor, value) for value in sums])
    _store(to, pairs, tile, rows, [form, distance, other, other_distance])


def _backward(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    *factors, active, active_distance, form, distance, other, other_distance = whole
    tile: Tile = []
    for r, row in enumerate(_product(to, pairs, factors)):
        tile.append([])
        for v, value in enumerate(row):
            place = to.mul(active_distance, I64(r))
            if pairs:
                was = to.load(_half_place(to, active, place, v * LANES), align=4)
                on = to.icmp_unsigned("!=", was, _same(SHORTS, 0))
            else:
                was = to.load(_place(to, active, to.add(place, I64(v * LANES)), FLOATS), align=4)
                on = to.fcmp_unordered(">", was, _same(FLOATS, 0.0))
            tile[r].append(to.select(on, value, _same(FLOATS, 0.0)))
    _store(to, pairs, tile, factors[3], [form, distance, other, other_distance])


def _moved(to: Builder, numbers: list[Value], gradient: Value, held: list[Value]) -> list[Value]:
    """What the optimiser makes of weight, first and second memory, one of each or vectors of them."""
    weight, first, second = held
    if len(numbers) == 2:
        momentum, rate = numbers
        first = _fma(to, momentum, first, gradient)
        return [to.fsub(weight, to.fmul(rate, first)), first, second]
    give, keep, give_second, step, root, least = numbers
    kind, name = gradient.type, f"llvm.sqrt.v{LANES}f32" if gradient.type == FLOATS else "llvm.sqrt.f32"
    square_root = function(to.module, ir.FunctionType(kind, [kind]), name)
    first = _fma(to, give, to.fsub(gradient, first), first)
    second = _fma(to, to.fmul(give_second, gradient), gradient, to.fmul(keep, second))
    below = _fma(to, to.call(square_root, [second]), root, least)
    return [to.fsub(weight, to.fdiv(to.fmul(step, first), below, flags=NEAR)), first, second]


def _update(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    (
        *factors,
        weights,
        first,
        second,
        distance,
        left,
        ahead,
        by_rows,
        by_rows_distance,
        by_columns,
        by_columns_distance,
    ) = whole
    rows, held = factors[3], (weights, first, second)
    prefetch = function(to.module, ir.FunctionType(NOTHING, [BYTE.as_pointer(), I32, I32, I32]), "llvm.prefetch.p0")

    def fetch(k: Value) -> None:
        """Have the next tile's lines on their way, one of each kind at a time: a burst would hold up the product."""
        row = _smaller(to, to.udiv(k, I64(VECTORS)), I64(ROWS - 1))
        vector = to.urem(k, I64(VECTORS))
        place = to.add(ahead, to.add(to.mul(distance, row), to.mul(vector, I64(LANES))))
        places = [_place(to, address, place, BYTE) for address in held]
        if pairs:
            half = I64(VECTORS // 2)
            place = to.add(to.mul(by_columns_distance, to.udiv(k, half)), to.mul(to.urem(k, half), I64(LANES)))
            one = _place(to, by_columns, to.add(place, I64(COLUMNS // 2)), BYTE)
            beyond = to.sub(k, I64(ROWS * VECTORS // 2))
            row = _smaller(to, to.udiv(beyond, I64(VECTORS)), I64(ROWS // 2 - 1))
            place = to.add(to.mul(by_rows_distance, row), to.mul(vector, I64(LANES)))
            other = _place(to, by_rows, to.add(place, I64(COLUMNS)), BYTE)
            places.append(to.select(to.icmp_signed("<", beyond, I64(0)), one, other))
        for pointer in places:
            to.call(prefetch, [pointer, I32(1), I32(3), I32(1)])

    gradients = _product(to, pairs, factors, fetch)
    spread = [_spread(to, number) for number in numbers]
    load = function(
        to.module,
        ir.FunctionType(FLOATS, [FLOATS.as_pointer(), I32, BITS, FLOATS]),
        f"llvm.masked.load.v{LANES}f32.p0",
    )
    store = function(
        to.module,
        ir.FunctionType(NOTHING, [FLOATS, FLOATS.as_pointer(), I32, BITS]),
        f"llvm.masked.store.v{LANES}f32.p0",
    )
    tile: Tile = []
    for r, row in enumerate(gradients):
        tile.append([])
        for v, gradient in enumerate(row):
            inside = to.select(to.icmp_signed(">", rows, I64(r)), to.sub(left, I64(v * LANES)), I64(0))
            inside = to.trunc(_smaller(to, inside, I64(LANES)), I32)
            mask = to.icmp_signed("<", NUMBERED, _spread(to, inside, INTS))
            place = to.add(to.mul(distance, I64(r)), I64(v * LANES))
            places = [_place(to, address, place, FLOATS) for address in held]
            before = [to.call(load, [pointer, I32(4), mask, _same(FLOATS, 0.0)]) for pointer in places]
            after = _moved(to, spread, gradient, before)
            for value, old, pointer in zip(after, before, places, strict=True):
                if value is not old:
                    to.call(store, [value, pointer, I32(4), mask])
            tile[r].append(to.select(mask, after[0], _same(FLOATS, 0.0)))
    if pairs:
        _store(to, pairs, tile, rows, [by_rows, by_rows_distance, by_columns, by_columns_distance])


def _update_one(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    *rest, gradient = numbers
    places = [_place(to, address, I64(0), F32) for address in whole]
    before = [to.load(pointer, align=4) for pointer in places]
    for value, old, pointer in zip(_moved(to, rest, gradient, before), before, places, strict=True):
        if value is not old:
            to.store(value, pointer, align=4)


def _flip(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    source, source_distance, into, distance = whole
    rows = [to.load(_place(to, source, to.mul(source_distance, I64(r)), INTS), align=4) for r in range(LANES)]
    apart = 1
    while apart < LANES:  # of each block of twice this size, the quarters beside the diagonal change places
        low = [LANES + i - apart if i & apart else i for i in range(LANES)]
        high = [LANES + i if i & apart else i + apart for i in range(LANES)]
        for r in (r for r in range(LANES) if not r & apart):
            pair = rows[r], rows[r + apart]
            rows[r], rows[r + apart] = (to.shuffle_vector(*pair, ir.Constant(INTS, order)) for order in (low, high))
        apart *= 2
    for r, row in enumerate(rows):
        to.store(row, _place(to, into, to.mul(distance, I64(r)), INTS), align=4)


def _called(emit: Callable[[Builder, bool, list[Value], list[Value]], None]) -> Any:
    """What compiled code calls."""

    @intrinsic
    def tile(context: Any, space: Any, whole: Any, numbers: Any) -> Any:
        kinds = types.UniTuple(types.int64, len(whole)), types.UniTuple(types.float32, len(numbers))

        def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
            inner = [
                [to.extract_value(one, i) for i in range(len(kind))] for one, kind in zip(given[1:], kinds, strict=True)
            ]
            emit(to, space.dtype != types.float32, *inner)
            return context.get_dummy_value()

        return types.void(space, *kinds), code

    return tile


forward = _called(_forward)
"""(*factors, the rows' biases, *forms), (least,): the product and the biases, or `least` if that is more."""
backward = _called(_backward)
"""(*factors, what was active (rows, columns / 1 or 2), its distance, *forms), (): the product, 0 where that is 0."""
update = _called(_update)
"""(*factors, weights, first and second memory, their distance between rows, columns that are left, units to the next
tile, *forms of the weights' copies), numbers: the product is the gradient of the weights, by which the optimiser moves
them. Six numbers are Adam's (Kingma and Ba 2015): 1 - beta1, beta2, 1 - beta2, rate / (1 - beta1^t),
1 / sqrt(1 - beta2^t), epsilon; two are those of gradient descent: momentum, rate. Only bfloat16 has copies."""
update_one = _called(_update_one)
"""(weight, first and second memory), (*numbers, gradient): the same of one number."""
flip = _called(_flip)
"""(from, its distance, into, its distance), (): LANES x LANES units, transposed."""
