"""Products of convolutions in vector instructions (LLVM), as implicit matrix products: no patch of an image is copied.

A tile is HEIGHT rows by WIDTH columns of

    sum over k of a[rows[r] + steps[k, 0]] b[steps[k, 1] + column],

in units (see `units`), where `rows` (int64) and `steps` (int64, two for each k) are distances in bytes. Sums are
float32. Rows come in twos: a place in one image and the same in the next. A tile with fewer rows has the last two
again.

Compiled code calls `name(space, whole, numbers)`: an array by whose dtype the kind of unit is chosen, a tuple of
addresses, counts and distances in bytes, and a tuple of float32. `whole` begins with the product:

    a, address of rows, how many of HEIGHT rows there are, address of steps, b, how many k there are

and where a tile goes on through the net it ends with where to:

    address, address of its rows' distances; of bfloat16 also for pairs (the two rows of a pair in a unit): address,
    address of distances. An address of 0: there is no such form; back, there is the last one.

Tables of rows have HEIGHT more than there are, which are asked for and not read.

What numba keeps on disk of its callers does not know of changes here: touch their files, too.
"""

from collections.abc import Callable

from llvmlite import ir
from numba.core.cgutils import get_or_insert_function as function

from rungwise.kernels.llvm.dense_tiles import called
from rungwise.kernels.llvm.vectors import (
    BYTE,
    FLOATS,
    I64,
    INTS,
    LANES,
    NOTHING,
    SHORTS,
    Tile,
    fma,
    fma_pairs,
    same,
    short,
    smaller,
    spread,
)
from rungwise.kernels.llvm.words import F32, I32, Builder, Value

HEIGHT, ACROSS = 10, 2
"""Rows and vectors of a tile: its sums and what is multiplied fill 23 of AVX-512's 32 registers. Tiles of more vectors
and fewer rows, as `vectors` has them, read more of the weights, which do not fit into the first cache."""
WIDTH = ACROSS * LANES

Meanwhile = Callable[[Value, Value], None]
"""Of k, and of the distance of its numbers from those of the first."""
Places = list[Callable[[Value], Value]]
"""Addresses by the number of a row."""


def _pointer(to: Builder, address: Value, kind: ir.Type) -> Value:
    return to.inttoptr(address, kind.as_pointer())


def _distance(to: Builder, table: Value, number: Value) -> Value:
    return to.load(_pointer(to, to.add(table, to.shl(number, I64(3))), I64), align=8)


def _row(to: Builder, r: int, count: Value) -> Value:
    """Which row is the r-th: of the last two, one, where there are no more."""
    return I64(r) if r < 2 else to.select(to.icmp_signed("<", I64(r), count), I64(r), to.add(count, I64(r % 2 - 2)))


def _product(
    to: Builder, pairs: bool, factors: list[Value], first: Tile | None = None, meanwhile: Meanwhile | None = None
) -> Tile:
    """The sums, from what there is `first`; `meanwhile` adds what else is done at each k."""
    a, rows, count, steps, b, length = factors
    starts = [to.add(a, _distance(to, rows, _row(to, r, count))) for r in range(HEIGHT)]
    scalar, vector, multiply = (I32, INTS, fma_pairs) if pairs else (F32, FLOATS, fma)
    before, loop, after = to.block, to.append_basic_block("sum"), to.append_basic_block("summed")
    to.branch(loop)
    to.position_at_end(loop)
    k = to.phi(I64)
    sums = [[to.phi(FLOATS) for _ in range(ACROSS)] for _ in range(HEIGHT)]
    twice = to.shl(k, I64(1))
    along_a, along_b = _distance(to, steps, twice), to.add(b, _distance(to, steps, to.add(twice, I64(1))))
    places = [_pointer(to, to.add(along_b, I64(4 * LANES * v)), vector) for v in range(ACROSS)]
    columns = [to.load(place, align=4) for place in places]
    new = []
    for start, row in zip(starts, sums, strict=True):
        # Of an odd number of channels, two may lie anywhere.
        one = spread(to, to.load(_pointer(to, to.add(start, along_a), scalar), align=2), vector)
        new.append([multiply(to, one, column, value) for column, value in zip(columns, row, strict=True)])
    if meanwhile is not None:
        meanwhile(k, along_a)
    following = to.add(k, I64(1))
    k.add_incoming(I64(0), before)
    k.add_incoming(following, loop)
    for r in range(HEIGHT):
        for v in range(ACROSS):
            sums[r][v].add_incoming(same(FLOATS, 0.0) if first is None else first[r][v], before)
            sums[r][v].add_incoming(new[r][v], loop)
    to.cbranch(to.icmp_signed("<", following, length), loop, after)
    to.position_at_end(after)
    return new


def _fetching(to: Builder, factors: list[Value], needed: Places) -> Meanwhile:
    """Have the next tile's rows on their way, and what this one needs at its end: memory would hold it up."""
    a, rows = factors[:2]
    prefetch = function(to.module, ir.FunctionType(NOTHING, [BYTE.as_pointer(), I32, I32, I32]), "llvm.prefetch.p0")

    def fetch(address: Value, cache: int) -> None:
        to.call(prefetch, [_pointer(to, address, BYTE), I32(0), I32(cache), I32(1)])

    def meanwhile(k: Value, along: Value) -> None:
        # A line has the numbers of 16 k: of each row one is asked for meanwhile.
        following = to.add(smaller(to, to.and_(k, I64(15)), I64(HEIGHT - 1)), I64(HEIGHT))
        fetch(to.add(to.add(a, _distance(to, rows, following)), along), 2)
        for place in needed:
            fetch(place(smaller(to, k, I64(HEIGHT - 1))), 3)

    return meanwhile


def _store(to: Builder, pairs: bool, tile: Tile, count: Value, forms: list[Value]) -> None:
    into, rows, paired, paired_rows = forms
    kind, size = (SHORTS, 2) if pairs else (FLOATS, 4)
    values = [[short(to, value) for value in row] for row in tile] if pairs else tile
    with to.if_then(to.icmp_signed("!=", into, I64(0))):
        for r, row in enumerate(values):
            start = to.add(into, _distance(to, rows, _row(to, r, count)))
            for v, value in enumerate(row):
                to.store(value, _pointer(to, to.add(start, I64(size * LANES * v)), kind), align=2)
    if not pairs:
        return
    with to.if_then(to.icmp_signed("!=", paired, I64(0))):
        for r in range(0, len(tile), 2):
            start = to.add(paired, _distance(to, paired_rows, to.lshr(_row(to, r, count), I64(1))))
            for v, (one, other) in enumerate(zip(values[r], values[r + 1], strict=True)):
                unit = to.or_(to.zext(one, INTS), to.shl(to.zext(other, INTS), same(INTS, 16)))
                to.store(unit, _pointer(to, to.add(start, I64(4 * LANES * v)), INTS), align=4)


def _forward(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    factors, bias, forms = whole[:6], whole[6], whole[7:]
    floor = spread(to, numbers[0])
    places = [_pointer(to, to.add(bias, I64(4 * LANES * v)), FLOATS) for v in range(ACROSS)]
    biases = [to.load(place, align=4) for place in places]
    tile: Tile = []
    for row in _product(to, pairs, factors, meanwhile=_fetching(to, factors, [])):
        sums = [to.fadd(value, one) for value, one in zip(row, biases, strict=True)]
        # What is not a number stays so.
        tile.append([to.select(to.fcmp_ordered("<", value, floor), floor, value) for value in sums])
    _store(to, pairs, tile, factors[2], forms)


def _backward(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    factors, (active, active_rows), forms = whole[:6], whole[6:8], whole[8:]
    into, into_rows, paired, paired_rows = forms

    def written(r: Value) -> Value:
        if not pairs:
            return to.add(into, _distance(to, into_rows, r))
        line = to.add(paired, to.shl(to.and_(r, I64(1)), I64(6)))
        return to.add(line, _distance(to, paired_rows, to.lshr(r, I64(1))))

    needed: Places = [lambda r: to.add(active, _distance(to, active_rows, r)), written]
    tile: Tile = []
    for r, row in enumerate(_product(to, pairs, factors, meanwhile=_fetching(to, factors, needed))):
        start = to.add(active, _distance(to, active_rows, _row(to, r, factors[2])))
        tile.append([])
        for v, value in enumerate(row):
            if pairs:
                was = to.load(_pointer(to, to.add(start, I64(2 * LANES * v)), SHORTS), align=2)
                on = to.icmp_unsigned("!=", was, same(SHORTS, 0))
            else:
                was = to.load(_pointer(to, to.add(start, I64(4 * LANES * v)), FLOATS), align=4)
                on = to.fcmp_unordered(">", was, same(FLOATS, 0.0))
            tile[r].append(to.select(on, value, same(FLOATS, 0.0)))
    _store(to, pairs, tile, factors[2], forms)


def _gradient(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    factors, (into, distance) = whole[:6], whole[6:]
    starts = [to.add(into, to.mul(distance, I64(r))) for r in range(HEIGHT)]
    places = [[_pointer(to, to.add(start, I64(4 * LANES * v)), FLOATS) for v in range(ACROSS)] for start in starts]
    first = [[to.load(place, align=4) for place in row] for row in places]
    for row, values in zip(places, _product(to, pairs, factors, first), strict=True):
        for place, value in zip(row, values, strict=True):
            to.store(value, place, align=4)


def _total(to: Builder, pairs: bool, whole: list[Value], numbers: list[Value]) -> None:
    b, distance, length, into = whole
    places = [_pointer(to, to.add(into, I64(4 * LANES * v)), FLOATS) for v in range(ACROSS)]
    first = [to.load(place, align=4) for place in places]
    before, loop, after = to.block, to.append_basic_block("sum"), to.append_basic_block("summed")
    to.branch(loop)
    to.position_at_end(loop)
    k, sums = to.phi(I64), [to.phi(FLOATS) for _ in first]
    along = to.add(b, to.mul(k, distance))
    new = []
    for v, value in enumerate(sums):
        one = to.load(_pointer(to, to.add(along, I64(4 * LANES * v)), INTS if pairs else FLOATS), align=4)
        ones = same(INTS, 0x3F803F80)  # twice 1.0
        new.append(fma_pairs(to, one, ones, value) if pairs else to.fadd(one, value))
    following = to.add(k, I64(1))
    for phi, start, then in [(k, I64(0), following), *zip(sums, first, new, strict=True)]:
        phi.add_incoming(start, before)
        phi.add_incoming(then, loop)
    to.cbranch(to.icmp_signed("<", following, length), loop, after)
    to.position_at_end(after)
    for place, value in zip(places, new, strict=True):
        to.store(value, place, align=4)


forward = called(_forward)
"""(*product, address of the columns' biases, *where to), (least,): the product and the biases, or `least` if that is
more."""
backward = called(_backward)
"""(*product, address of what was active, address of its rows' distances, *where to): the product, 0 where that is
0."""
gradient = called(_gradient)
"""(*product, address of float32, distance between its rows): the product is added to them; all rows are there."""
total = called(_total)
"""(b, distance between its rows, how many, address of float32): the sums of its columns are added to them."""
