"""Gradients of convolutions' weights and biases, a tile at a time: the products of `conv_tiles`, added to what is in
memory.

    rows of the tile: TILE_ROWS weights of a filter      columns: TILE_COLUMNS filters      k: places in images

    gradient[weight, filter] += sum over k of maps[weight + place k] x output gradient[place k, filter]

In bfloat16 a word holds the same place of two images, in both factors, so that a step of the sum takes both images.
Addresses and distances are in bytes. Nothing may overlap.
"""

from typing import NamedTuple

from rungwise.kernels.llvm.conv_tiles import TILE_ROWS, pointer, product, row_vectors
from rungwise.kernels.llvm.operands import tile
from rungwise.kernels.llvm.vectors import FLOATS, I64, INTS, LANES, constant, dot_pairs
from rungwise.kernels.llvm.words import Builder


class Gradient(NamedTuple):
    """Operands of `gradient`: the product is added to float32 in memory. All TILE_ROWS rows are there."""

    a: int
    rows: int
    row_count: int
    """TILE_ROWS."""
    steps: int
    b: int
    depth: int
    out: int
    """Address of float32."""
    out_row: int
    """Bytes between its rows."""


class Total(NamedTuple):
    """Operands of `total`: the sum of each of TILE_COLUMNS columns of words is added to a float32."""

    b: int
    """Address."""
    b_row: int
    """Bytes between its rows."""
    depth: int
    """Rows, 1 or more."""
    out: int
    """Address of TILE_COLUMNS float32."""


def _gradient(to: Builder, bfloat16: bool, operands: Gradient) -> None:
    starts = [to.add(operands.out, to.mul(operands.out_row, I64(r))) for r in range(TILE_ROWS)]
    places = [row_vectors(to, start) for start in starts]
    first = [[to.load(place, align=4) for place in row] for row in places]
    for row, values in zip(places, product(to, bfloat16, operands, first), strict=True):
        for place, value in zip(row, values, strict=True):
            to.store(value, place, align=4)


def _total(to: Builder, bfloat16: bool, operands: Total) -> None:
    places = row_vectors(to, operands.out)
    first = [to.load(place, align=4) for place in places]
    before, loop, after = to.block, to.append_basic_block("sum"), to.append_basic_block("summed")
    to.branch(loop)
    to.position_at_end(loop)
    k, sums = to.phi(I64), [to.phi(FLOATS) for _ in first]
    along = to.add(operands.b, to.mul(k, operands.b_row))
    new = []
    for v, value in enumerate(sums):
        one = to.load(pointer(to, to.add(along, I64(4 * LANES * v)), INTS if bfloat16 else FLOATS), align=4)
        ones = constant(INTS, 0x3F803F80)  # two bfloat16 of 1.0
        new.append(dot_pairs(to, one, ones, value) if bfloat16 else to.fadd(one, value))
    following = to.add(k, I64(1))
    for phi, start, then in [(k, I64(0), following), *zip(sums, first, new, strict=True)]:
        phi.add_incoming(start, before)
        phi.add_incoming(then, loop)
    to.cbranch(to.icmp_signed("<", following, operands.depth), loop, after)
    to.position_at_end(after)
    for place, value in zip(places, new, strict=True):
        to.store(value, place, align=4)


gradient = tile(_gradient)
"""(like, Gradient)."""
total = tile(_total)
"""(like, Total)."""
