"""Units: the 4 bytes in which the products of `tiles` read and write: a float32, or two bfloat16.

A space is an array of them: of float32, or of uint32 with the first bfloat16 in the lower half.
"""

from collections.abc import Callable
from typing import Any

import numba.extending
from llvmlite import ir
from numba import types

Value = Any
Builder = Any
"""What writes LLVM's code."""


class _BFloat16(ir.Type):  # type: ignore[misc]
    """LLVM's bfloat, of which llvmlite knows nothing."""

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat16)

    def __hash__(self) -> int:
        return hash(_BFloat16)


F32, I16, I32, BF16 = ir.FloatType(), ir.IntType(16), ir.IntType(32), _BFloat16()


def intrinsic(typed: Callable[..., Any]) -> Any:
    """What compiled code may call: `typed` returns its signature and what writes its code (numba.extending)."""
    return numba.extending.intrinsic(typed)


def _half(to: Builder, value: Value) -> Value:
    """The bits of a float32 as a bfloat16."""
    return to.bitcast(to.fptrunc(value, BF16), I16)


def _both(to: Builder, low: Value, high: Value) -> Value:
    """Two halves in a unit."""
    return to.or_(to.zext(low, I32), to.shl(to.zext(high, I32), I32(16)))


@intrinsic
def low(context: Any, space: Any, unit: Any) -> Any:
    """The first number of a unit of a space, a float32."""

    def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
        return given[1] if space.dtype == types.float32 else to.bitcast(to.shl(given[1], I32(16)), F32)

    return types.float32(space, space.dtype), code


@intrinsic
def high(context: Any, space: Any, unit: Any) -> Any:
    """The second number of a unit, a float32; 0 where there is none."""

    def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
        return F32(0.0) if space.dtype == types.float32 else to.bitcast(to.and_(given[1], I32(0xFFFF0000)), F32)

    return types.float32(space, space.dtype), code


@intrinsic
def unit(context: Any, space: Any, low: Any, high: Any) -> Any:
    """A unit of two float32, the second of which is left out where there is room for one."""

    def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
        if space.dtype == types.float32:
            return given[1]
        return _both(to, *(_half(to, value) for value in given[1:]))

    return space.dtype(space, types.float32, types.float32), code


@intrinsic
def rounded(context: Any, numbers: Any, value: Any) -> Any:
    """A float32 as an array's numbers are: float32, or uint16 with the bits of a bfloat16."""

    def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
        if numbers.dtype == types.float32:
            return given[1]
        return _half(to, given[1])

    return numbers.dtype(numbers, types.float32), code


@intrinsic
def widened(context: Any, numbers: Any, value: Any) -> Any:
    """One of an array's numbers as a float32."""

    def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
        if numbers.dtype == types.float32:
            return given[1]
        return to.bitcast(to.shl(to.zext(given[1], I32), I32(16)), F32)

    return types.float32(numbers, numbers.dtype), code


@intrinsic
def joined(context: Any, space: Any, one: Any, other: Any) -> Any:
    """A unit of two of such numbers, the second of which is left out where there is room for one."""

    def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
        if space.dtype == types.float32:
            return given[1]
        return _both(to, *given[1:])

    return space.dtype(space, one, other), code
