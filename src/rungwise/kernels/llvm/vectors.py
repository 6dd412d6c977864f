"""Vectors as LLVM code: the lanes, the shape of a dense tile, and the few operations that tiles are made of.

The shape fills the registers with sums. A step of a product of ROWS x VECTORS vectors of sums keeps

    ROWS x VECTORS sums + VECTORS vectors of b + 1 broadcast number of a

in registers, and does ROWS x VECTORS multiplications with VECTORS + ROWS loads:

    AVX-512   16 lanes   6 x 4   24 + 4 + 1 = 29 of 32
    AVX        8 lanes   6 x 2   12 + 2 + 1 = 15 of 16
    NEON       4 lanes   6 x 4   24 + 4 + 1 = 29 of 32

ROWS is even: in bfloat16 two rows of a tile share words. The constants here are fixed at import, by the processor.
"""

import llvmlite.binding
from llvmlite import ir
from numba.core.cgutils import get_or_insert_function as function

from rungwise.kernels.llvm.words import BF16, F32, I16, I32, Builder, Value

Tile = list[list[Value]]
"""Vectors of float32, by row: they live in registers."""


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
    """Lanes of a vector, and rows and vectors of a dense tile."""
    if known.get("avx512f"):
        return 16, 6, 4
    if known.get("avx"):
        return 8, 6, 2
    return 4, 6, 4


LANES, ROWS, VECTORS = shape(features())
COLUMNS = LANES * VECTORS

I64, BYTE, VOID = ir.IntType(64), ir.IntType(8), ir.VoidType()
FLOATS, SHORTS, INTS, BFLOATS, MASK = (ir.VectorType(t, LANES) for t in (F32, I16, I32, BF16, ir.IntType(1)))
LANE_NUMBERS = ir.Constant(INTS, list(range(LANES)))
DIVISION = ("arcp", "contract")
"""Fast-math flags of a quotient: it may be off in its last bit."""
READ, WRITE = I32(0), I32(1)
"""What a prefetched line is for."""


def constant(kind: ir.VectorType, number: float) -> Value:
    """A vector, all of whose lanes are a number that is known at compile time."""
    return ir.Constant(kind, [number] * LANES)


def pointer(to: Builder, address: Value, words: Value, kind: ir.Type) -> Value:
    """A pointer to what is stored so many words after an address (in bytes)."""
    return to.inttoptr(to.add(address, to.shl(words, I64(2))), kind.as_pointer())


def pointer_to_halves(to: Builder, address: Value, words: Value, halves: int) -> Value:
    """A pointer to the bfloat16 that are stored so many words and so many bfloat16 after an address (in bytes)."""
    return to.inttoptr(to.add(to.add(address, to.shl(words, I64(2))), I64(2 * halves)), SHORTS.as_pointer())


def broadcast(to: Builder, value: Value, kind: ir.VectorType = FLOATS) -> Value:
    """A vector, all of whose lanes are the value."""
    nothing = ir.Constant(kind, ir.Undefined)
    return to.shuffle_vector(to.insert_element(nothing, value, I32(0)), nothing, constant(INTS, 0))


def fma(to: Builder, a: Value, b: Value, c: Value) -> Value:
    """a b + c, rounded once: of float32, or of vectors of them."""
    kind, name = a.type, f"llvm.fma.v{LANES}f32" if a.type == FLOATS else "llvm.fma.f32"
    return to.call(function(to.module, ir.FunctionType(kind, [kind] * 3), name), [a, b, c])


def dot_pairs(to: Builder, a: Value, b: Value, c: Value) -> Value:
    """c + the product of both bfloat16 of each word, summed in float32. AVX-512 BF16 alone has it; LLVM's function has
    had this form since numba 0.62."""
    pairs, name = ir.VectorType(BF16, 2 * LANES), "llvm.x86.avx512bf16.dpbf16ps.512"
    dot = function(to.module, ir.FunctionType(FLOATS, [FLOATS, pairs, pairs]), name)
    return to.call(dot, [c, to.bitcast(a, pairs), to.bitcast(b, pairs)])


def minimum(to: Builder, a: Value, b: Value) -> Value:
    """The smaller of two signed integers."""
    return to.select(to.icmp_signed("<", a, b), a, b)


def round_to_bfloat16(to: Builder, value: Value) -> Value:
    """The bits of a vector of float32 that is rounded to bfloat16."""
    return to.bitcast(to.fptrunc(value, BFLOATS), SHORTS)


def join_pairs(to: Builder, first: Value, second: Value) -> Value:
    """Words of two vectors of bfloat16 bits: the first in the lower halves."""
    return to.or_(to.zext(first, INTS), to.shl(to.zext(second, INTS), constant(INTS, 16)))


def prefetcher(to: Builder) -> Value:
    """LLVM's function that asks for the cache line of an address: (pointer, READ or WRITE, 3 for the first cache to 0
    for none, 1 for data)."""
    return function(to.module, ir.FunctionType(VOID, [BYTE.as_pointer(), I32, I32, I32]), "llvm.prefetch.p0")
