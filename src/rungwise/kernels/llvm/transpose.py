"""A square of words transposed in registers: LANES vectors of LANES words, whatever the words hold.

log2(LANES) rounds; in each, of every block of twice a size the two quarters beside the diagonal change places:

    A B   ->   A C
    C D        B D

That is LANES x log2(LANES) shuffles instead of LANES x LANES loads and stores. LANES vectors stay in registers:
16 of 32 with AVX-512, 8 of 16 with AVX, 4 of 32 with NEON.
"""

from typing import NamedTuple

from llvmlite import ir

from rungwise.kernels.llvm.operands import tile
from rungwise.kernels.llvm.vectors import I64, INTS, LANES, pointer
from rungwise.kernels.llvm.words import Builder


class Transpose(NamedTuple):
    """Operands of `transpose`: LANES x LANES words, which may not overlap; the distances are in words."""

    source: int
    """Address in bytes, aligned to 4."""
    source_row: int
    """Words between its rows."""
    out: int
    """Address in bytes, aligned to 4."""
    out_row: int
    """Words between its rows."""


def _transpose(to: Builder, bfloat16: bool, operands: Transpose) -> None:
    places = (to.mul(operands.source_row, I64(r)) for r in range(LANES))
    rows = [to.load(pointer(to, operands.source, place, INTS), align=4) for place in places]
    size = 1
    while size < LANES:
        low = [LANES + i - size if i & size else i for i in range(LANES)]
        high = [LANES + i if i & size else i + size for i in range(LANES)]
        for r in (r for r in range(LANES) if not r & size):
            pair = rows[r], rows[r + size]
            rows[r], rows[r + size] = (to.shuffle_vector(*pair, ir.Constant(INTS, order)) for order in (low, high))
        size *= 2
    for r, row in enumerate(rows):
        to.store(row, pointer(to, operands.out, to.mul(operands.out_row, I64(r)), INTS), align=4)


transpose = tile(_transpose)
"""(like, Transpose)."""
