"""32-bit words: what tiles read and write. A word holds one float32 or two bfloat16.

    float32     |            number             |
    bfloat16    |   second      |     first     |
                31            16 15             0

Compiled code knows the format by an array's dtype, float32 or uint32, so each function takes such an array as `like`.
Its contents are not looked at. Arrays of single numbers are float32, or uint16 with the bits of a bfloat16.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic as numba_intrinsic

Value = Any
"""An LLVM value."""
Builder = Any
"""llvmlite's IRBuilder, or numba's."""


class _BFloat16(ir.Type):  # type: ignore[misc]
    """LLVM's bfloat, which llvmlite does not have."""

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat16)

    def __hash__(self) -> int:
        return hash(_BFloat16)


F32, I16, I32, BF16 = ir.FloatType(), ir.IntType(16), ir.IntType(32), _BFloat16()


def intrinsic(typed: Any) -> Any:
    """A function for compiled code: `typed` returns its signature and what writes its LLVM code (numba.extending)."""
    return numba_intrinsic(typed)


def _to_bfloat16(to: Builder, value: Value) -> Value:
    """The bits of a float32 that is rounded to bfloat16 (to nearest, ties to even)."""
    return to.bitcast(to.fptrunc(value, BF16), I16)


def _join(to: Builder, first: Value, second: Value) -> Value:
    """Two bfloat16, as bits, in a word."""
    return to.or_(to.zext(first, I32), to.shl(to.zext(second, I32), I32(16)))


@intrinsic
def low(context: Any, like: Any, word: Any) -> Any:
    """The first number of a word, as float32."""

    def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
        return given[1] if like.dtype == types.float32 else to.bitcast(to.shl(given[1], I32(16)), F32)

    return types.float32(like, like.dtype), code


@intrinsic
def high(context: Any, like: Any, word: Any) -> Any:
    """The second number of a word, as float32; 0 where a word holds one."""

    def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
        return F32(0.0) if like.dtype == types.float32 else to.bitcast(to.and_(given[1], I32(0xFFFF0000)), F32)

    return types.float32(like, like.dtype), code


@intrinsic
def word(context: Any, like: Any, first: Any, second: Any) -> Any:
    """A word of two float32, rounded; the second is left out where a word holds one."""

    def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
        if like.dtype == types.float32:
            return given[1]
        return _join(to, *(_to_bfloat16(to, value) for value in given[1:]))

    return like.dtype(like, types.float32, types.float32), code


@intrinsic
def rounded(context: Any, numbers: Any, value: Any) -> Any:
    """A float32 as an array of single numbers stores it."""

    def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
        if numbers.dtype == types.float32:
            return given[1]
        return _to_bfloat16(to, given[1])

    return numbers.dtype(numbers, types.float32), code


@intrinsic
def widened(context: Any, numbers: Any, value: Any) -> Any:
    """One number of an array of single numbers, as float32."""

    def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
        if numbers.dtype == types.float32:
            return given[1]
        return to.bitcast(to.shl(to.zext(given[1], I32), I32(16)), F32)

    return types.float32(numbers, numbers.dtype), code


@intrinsic
def joined(context: Any, like: Any, first: Any, second: Any) -> Any:
    """A word of two single numbers as arrays store them; the second is left out where a word holds one."""

    def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
        if like.dtype == types.float32:
            return given[1]
        return _join(to, *given[1:])

    return like.dtype(like, first, second), code
