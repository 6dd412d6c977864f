"""How compiled code calls a tile: with named tuples, whose fields the tile's LLVM code reads by name.

Compiled code calls `tile(like, operands)`, or `tile(like, operands, constants)` where an optimiser moves weights.
`like` is an array by whose dtype the tile knows the format (see `words`). The tuples are typing.NamedTuple classes:
`int` fields are addresses, counts and distances in 64 bits; others are np.float32.

Tiles check nothing: a wrong address is a crash or a wrong number. Numba keeps compiled callers on disk and does not
see changes in the tiles that they contain: after a change here, touch the callers' files (`passes.py`), too.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from rungwise.kernels.llvm.words import Builder, Value, intrinsic

KINDS = {int: types.int64, np.float32: types.float32}


def _values(context: Any, to: Builder, kind: Any, given: Value) -> Any:
    """A named tuple of compiled code, as the same tuple of LLVM values. Numba does not convert named tuples."""
    wanted = [KINDS[kind.instance_class.__annotations__[name]] for name in kind.fields]
    values = [
        context.cast(to, to.extract_value(given, i), here, there)
        for i, (here, there) in enumerate(zip(kind.types, wanted, strict=True))
    ]
    return kind.instance_class(*values)


def tile(emit: Callable[[Builder, bool, Any], None]) -> Any:
    """What compiled code calls as (like, operands); `emit` writes its code: (builder, whether words hold bfloat16,
    operands as LLVM values)."""

    @intrinsic
    def call(context: Any, like: Any, operands: Any) -> Any:
        def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
            emit(to, like.dtype != types.float32, _values(context, to, operands, given[1]))
            return context.get_dummy_value()

        return types.void(like, operands), code

    return call


def optimising_tile(emit: Callable[[Builder, bool, Any, Any], None]) -> Any:
    """The same with the constants of an optimiser's step, (like, operands, constants)."""

    @intrinsic
    def call(context: Any, like: Any, operands: Any, constants: Any) -> Any:
        def code(context: Any, to: Builder, signature: Any, given: Any) -> Any:
            values = (_values(context, to, kind, each) for kind, each in ((operands, given[1]), (constants, given[2])))
            emit(to, like.dtype != types.float32, *values)
            return context.get_dummy_value()

        return types.void(like, operands, constants), code

    return call
