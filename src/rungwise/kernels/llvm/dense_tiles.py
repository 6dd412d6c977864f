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

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function as function

from rungwise.kernels.llvm.vectors import (
    BITS,
    BYTE,
    COLUMNS,
    FLOATS,
    I64,
    INTS,
    LANES,
    NEAR,
    NOTHING,
    NUMBERED,
    ROWS,
    SHORTS,
    VECTORS,
    Tile,
    fma,
    locate,
    locate_half,
    product,
    same,
    short,
    smaller,
    spread,
    store,
)
from rungwise.kernels.llvm.words import F32, I32, Builder, Value, intrinsic


def _forward(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    factors, bias, ahead, (lines,), forms = whole[:7], whole[7], whole[8:11], whole[11:12], whole[12:]
    floor, rows = spread(to, numbers[0]), factors[3]
    prefetch = function(to.module, ir.FunctionType(NOTHING, [BYTE.as_pointer(), I32, I32, I32]), "llvm.prefetch.p0")

    def fetch(k: Value) -> None:
        """Have what the next rows' weights are moved by on its way to the second cache, a line of each at a time."""
        place = to.mul(smaller(to, k, lines), I64(LANES))
        for address in ahead:
            to.call(prefetch, [locate(to, address, place, BYTE), I32(0), I32(2), I32(1)])

    tile: Tile = []
    for r, row in enumerate(product(to, pairs, factors, fetch)):
        place = locate(to, bias, smaller(to, I64(r), to.sub(rows, I64(1))), F32)
        sums = [to.fadd(value, spread(to, to.load(place, align=4))) for value in row]
        # What is not a number stays so.
        tile.append([to.select(to.fcmp_ordered("<", value, floor), floor, value) for value in sums])
    store(to, pairs, tile, rows, forms)


def _backward(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    factors, (active, active_distance), forms = whole[:7], whole[7:9], whole[9:]
    tile: Tile = []
    for r, row in enumerate(product(to, pairs, factors)):
        tile.append([])
        for v, value in enumerate(row):
            place = to.mul(active_distance, I64(r))
            if pairs:
                was = to.load(locate_half(to, active, place, v * LANES), align=4)
                on = to.icmp_unsigned("!=", was, same(SHORTS, 0))
            else:
                was = to.load(locate(to, active, to.add(place, I64(v * LANES)), FLOATS), align=4)
                on = to.fcmp_unordered(">", was, same(FLOATS, 0.0))
            tile[r].append(to.select(on, value, same(FLOATS, 0.0)))
    store(to, pairs, tile, factors[3], forms)


def _moved(to: Builder, numbers: list[Value], gradient: Value, held: list[Value]) -> list[Value]:
    """What the optimiser makes of weight, first and second memory, one of each or vectors of them."""
    weight, first, second = held
    if len(numbers) == 2:
        momentum, rate = numbers
        first = fma(to, momentum, first, gradient)
        return [to.fsub(weight, to.fmul(rate, first)), first, second]
    give, keep, give_second, step, root, least = numbers
    kind, name = gradient.type, f"llvm.sqrt.v{LANES}f32" if gradient.type == FLOATS else "llvm.sqrt.f32"
    square_root = function(to.module, ir.FunctionType(kind, [kind]), name)
    first = fma(to, give, to.fsub(gradient, first), first)
    second = fma(to, to.fmul(give_second, gradient), gradient, to.fmul(keep, second))
    below = fma(to, to.call(square_root, [second]), root, least)
    return [to.fsub(weight, to.fdiv(to.fmul(step, first), below, flags=NEAR)), first, second]


def _first(to: Builder, count: Value) -> Value:
    """Which lanes are the first so many."""
    return to.icmp_signed("<", NUMBERED, spread(to, to.trunc(smaller(to, count, I64(LANES)), I32), INTS))


def _load(to: Builder, place: Value, mask: Value) -> Value:
    """Such lanes of a vector, and 0 in others."""
    kind = ir.FunctionType(FLOATS, [FLOATS.as_pointer(), I32, BITS, FLOATS])
    read = function(to.module, kind, f"llvm.masked.load.v{LANES}f32.p0")
    return to.call(read, [place, I32(4), mask, same(FLOATS, 0.0)])


def _move(to: Builder, numbers: list[Value], gradient: Value, places: list[Value], inside: Value) -> Value:
    """Move what lies there by a vector of gradients, the first so many of its lanes; the weights, and 0 in others."""
    kind = ir.FunctionType(NOTHING, [FLOATS, FLOATS.as_pointer(), I32, BITS])
    write = function(to.module, kind, f"llvm.masked.store.v{LANES}f32.p0")
    mask = _first(to, inside)
    before = [_load(to, one, mask) for one in places]
    after = _moved(to, numbers, gradient, before)
    for value, old, one in zip(after, before, places, strict=True):
        if value is not old:
            to.call(write, [value, one, I32(4), mask])
    return to.select(mask, after[0], same(FLOATS, 0.0))


def _update(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    factors, held, (distance, left, ahead), forms = whole[:7], whole[7:10], whole[10:13], whole[13:]
    rows, (by_rows, by_rows_distance, by_columns, by_columns_distance) = factors[3], forms
    prefetch = function(to.module, ir.FunctionType(NOTHING, [BYTE.as_pointer(), I32, I32, I32]), "llvm.prefetch.p0")

    def fetch(k: Value) -> None:
        """Have the next tile's lines on their way, one of each kind at a time: a burst would hold up the product."""
        row = smaller(to, to.udiv(k, I64(VECTORS)), I64(ROWS - 1))
        vector = to.urem(k, I64(VECTORS))
        place = to.add(ahead, to.add(to.mul(distance, row), to.mul(vector, I64(LANES))))
        places = [locate(to, address, place, BYTE) for address in held]
        if pairs:
            half = I64(VECTORS // 2)
            place = to.add(to.mul(by_columns_distance, to.udiv(k, half)), to.mul(to.urem(k, half), I64(LANES)))
            one = locate(to, by_columns, to.add(place, I64(COLUMNS // 2)), BYTE)
            beyond = to.sub(k, I64(ROWS * VECTORS // 2))
            row = smaller(to, to.udiv(beyond, I64(VECTORS)), I64(ROWS // 2 - 1))
            place = to.add(to.mul(by_rows_distance, row), to.mul(vector, I64(LANES)))
            other = locate(to, by_rows, to.add(place, I64(COLUMNS)), BYTE)
            places.append(to.select(to.icmp_signed("<", beyond, I64(0)), one, other))
        for pointer in places:
            to.call(prefetch, [pointer, I32(1), I32(3), I32(1)])

    gradients = product(to, pairs, factors, fetch)
    everywhere = [spread(to, number) for number in numbers]
    tile: Tile = []
    for r, row in enumerate(gradients):
        tile.append([])
        for v, gradient in enumerate(row):
            inside = to.select(to.icmp_signed(">", rows, I64(r)), to.sub(left, I64(v * LANES)), I64(0))
            place = to.add(to.mul(distance, I64(r)), I64(v * LANES))
            tile[r].append(_move(to, everywhere, gradient, [locate(to, one, place, FLOATS) for one in held], inside))
    if pairs:
        store(to, pairs, tile, rows, forms)


def _update_one(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    *rest, gradient = numbers
    places = [locate(to, address, I64(0), F32) for address in whole]
    before = [to.load(pointer, align=4) for pointer in places]
    for value, old, pointer in zip(_moved(to, rest, gradient, before), before, places, strict=True):
        if value is not old:
            to.store(value, pointer, align=4)


def _flip(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    source, source_distance, into, distance = whole
    rows = [to.load(locate(to, source, to.mul(source_distance, I64(r)), INTS), align=4) for r in range(LANES)]
    apart = 1
    while apart < LANES:  # of each block of twice this size, the quarters beside the diagonal change places
        low = [LANES + i - apart if i & apart else i for i in range(LANES)]
        high = [LANES + i if i & apart else i + apart for i in range(LANES)]
        for r in (r for r in range(LANES) if not r & apart):
            pair = rows[r], rows[r + apart]
            rows[r], rows[r + apart] = (to.shuffle_vector(*pair, ir.Constant(INTS, order)) for order in (low, high))
        apart *= 2
    for r, row in enumerate(rows):
        to.store(row, locate(to, into, to.mul(distance, I64(r)), INTS), align=4)


def _update_row(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    source, held, left = whole[0], whole[1:4], whole[4]
    gradient, *places = (locate(to, one, I64(0), FLOATS) for one in (source, *held))
    gradients = _load(to, gradient, _first(to, left))
    _move(to, [spread(to, number) for number in numbers], gradients, places, left)


def _round_row(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    source, into, left = whole
    if not pairs:
        return  # there is no such form
    values = _load(to, locate(to, source, I64(0), FLOATS), _first(to, left))
    to.store(short(to, values), locate(to, into, I64(0), SHORTS), align=4)


def called(emit: Callable[[Builder, bool, list[Value], list[Value]], None]) -> Any:
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


forward = called(_forward)
"""(*factors, the rows' biases, three addresses, how many lines, *forms), (least,): the product and the biases, or
`least` if that is more; meanwhile lines of the caches that begin at the three are asked for."""
backward = called(_backward)
"""(*factors, what was active (rows, columns / 1 or 2), its distance, *forms), (): the product, 0 where that is 0."""
update = called(_update)
"""(*factors, weights, first and second memory, their distance between rows, columns that are left, units to the next
tile, *forms of the weights' copies), numbers: the product is the gradient of the weights, by which the optimiser moves
them. Six numbers are Adam's (Kingma and Ba 2015): 1 - beta1, beta2, 1 - beta2, rate / (1 - beta1^t),
1 / sqrt(1 - beta2^t), epsilon; two are those of gradient descent: momentum, rate. Only bfloat16 has copies."""
update_one = called(_update_one)
"""(weight, first and second memory), (*numbers, gradient): the same of one number."""
update_row = called(_update_row)
"""(gradient, weights, first and second memory, how many are left), numbers: the same of LANES numbers in float32, or as
many as are left."""
round_row = called(_round_row)
"""(from, into, how many are left), (): LANES float32 as bfloat16, or as many as are left, and 0 after them."""
flip = called(_flip)
"""(from, its distance, into, its distance), (): LANES x LANES units, transposed."""
