"""What `tiles` are made of: vectors, and the product of a tile, as LLVM's code."""

from collections.abc import Callable

import llvmlite.binding
from llvmlite import ir
from numba.core.cgutils import get_or_insert_function as function

from rungwise.kernels.llvm.words import BF16, F32, I16, I32, Builder, Value

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


def same(kind: ir.VectorType, number: float) -> Value:
    """A vector, all of whose lanes are a number that is known beforehand."""
    return ir.Constant(kind, [number] * LANES)


def locate(to: Builder, address: Value, units: Value, kind: ir.Type) -> Value:
    """A pointer to what lies so many units after an address."""
    return to.inttoptr(to.add(address, to.shl(units, I64(2))), kind.as_pointer())


def locate_half(to: Builder, address: Value, units: Value, halves: int) -> Value:
    """A pointer to the bfloat16 that lie so many units and so many bfloat16 after an address."""
    return to.inttoptr(to.add(to.add(address, to.shl(units, I64(2))), I64(2 * halves)), SHORTS.as_pointer())


def spread(to: Builder, value: Value, kind: ir.VectorType = FLOATS) -> Value:
    """A vector, all of whose lanes are the value."""
    nothing = ir.Constant(kind, ir.Undefined)
    return to.shuffle_vector(to.insert_element(nothing, value, I32(0)), nothing, same(INTS, 0))


def fma(to: Builder, a: Value, b: Value, c: Value) -> Value:
    kind, name = a.type, f"llvm.fma.v{LANES}f32" if a.type == FLOATS else "llvm.fma.f32"
    return to.call(function(to.module, ir.FunctionType(kind, [kind] * 3), name), [a, b, c])


def fma_pairs(to: Builder, a: Value, b: Value, c: Value) -> Value:
    pairs, name = ir.VectorType(BF16, 2 * LANES), "llvm.x86.avx512bf16.dpbf16ps.512"
    dot = function(to.module, ir.FunctionType(FLOATS, [FLOATS, pairs, pairs]), name)
    return to.call(dot, [c, to.bitcast(a, pairs), to.bitcast(b, pairs)])


def smaller(to: Builder, a: Value, b: Value) -> Value:
    return to.select(to.icmp_signed("<", a, b), a, b)


def product(to: Builder, pairs: bool, factors: list[Value], meanwhile: Callable[[Value], None] | None = None) -> Tile:
    """sum over k of a[row, k] b[k, :]; `meanwhile` adds what else is done at each k."""
    a, a_row, a_k, rows, b, b_k, count = factors
    last = to.sub(rows, I64(1))
    starts = [to.add(a, to.shl(to.mul(a_row, smaller(to, I64(r), last)), I64(2))) for r in range(ROWS)]
    scalar, vector, multiply = (I32, INTS, fma_pairs) if pairs else (F32, FLOATS, fma)
    before, loop, after = to.block, to.append_basic_block("sum"), to.append_basic_block("summed")
    to.branch(loop)
    to.position_at_end(loop)
    k = to.phi(I64)
    sums = [[to.phi(FLOATS) for _ in range(VECTORS)] for _ in range(ROWS)]
    if meanwhile is not None:
        meanwhile(k)
    along_a, along_b = to.mul(k, a_k), to.mul(k, b_k)
    places = [locate(to, b, to.add(along_b, I64(v * LANES)), vector) for v in range(VECTORS)]
    columns = [to.load(place, align=4) for place in places]
    new = []
    for start, row in zip(starts, sums, strict=True):
        one = spread(to, to.load(locate(to, start, along_a, scalar), align=4), vector)
        new.append([multiply(to, one, column, value) for column, value in zip(columns, row, strict=True)])
    following = to.add(k, I64(1))
    for phi, first, then in [
        (k, I64(0), following),
        *((sums[r][v], same(FLOATS, 0.0), new[r][v]) for r in range(ROWS) for v in range(VECTORS)),
    ]:
        phi.add_incoming(first, before)
        phi.add_incoming(then, loop)
    to.cbranch(to.icmp_signed("<", following, count), loop, after)
    to.position_at_end(after)
    return new


def short(to: Builder, value: Value) -> Value:
    """Rounded to bfloat16, as whole numbers of 16 bits."""
    return to.bitcast(to.fptrunc(value, HALVES), SHORTS)


def store(to: Builder, pairs: bool, tile: Tile, rows: Value, forms: list[Value]) -> None:
    """A tile in the forms that `tiles` tells of."""
    along_rows, rows_distance, along_columns, columns_distance = forms
    for r, row in enumerate(tile):
        for v, value in enumerate(row):
            if not pairs:
                place = to.add(to.mul(rows_distance, I64(r)), I64(v * LANES))
                to.store(value, locate(to, along_rows, place, FLOATS), align=4)
                continue
            place = to.mul(columns_distance, I64(r))
            to.store(short(to, value), locate_half(to, along_columns, place, v * LANES), align=4)
            if r % 2 == 0:
                there = to.icmp_signed(">", rows, I64(r + 1))
                other = to.select(there, short(to, tile[r + 1][v]), same(SHORTS, 0))
                pair = to.or_(to.zext(short(to, value), INTS), to.shl(to.zext(other, INTS), same(INTS, 16)))
                place = to.add(to.mul(rows_distance, I64(r // 2)), I64(v * LANES))
                to.store(pair, locate(to, along_rows, place, INTS), align=4)
