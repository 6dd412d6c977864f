"""Where the numbers of convolutions in machine code (`conv_kernels`) lie, and the tables by which they are found.

Maps lie channels last, with zeros around them, so that what a convolution's kernel covers of a row is one run of
numbers, and a convolution a product of matrices, one of which is read where it lies (implicit GEMM; Chetlur et al.
2014). Slopes of the loss in what comes into a strided convolution are such products, too: one for each remainder of the
place by the stride, with the part of the weights that meets it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from torch import Tensor

from rungwise.models.cnn import SameConv, same_padding
from rungwise.models.net import Shape
from rungwise.training.conv_tiles import NARROW, WIDE
from rungwise.training.vectors import LANES

GROUP = 30
"""Images of which the tables of distances tell: even, and their rows a multiple of either tile's."""
CHUNK = 512 << 10
"""Bytes of both factors of a gradient that all tiles go through before the next: half of a core's second cache."""
Numbers = np.ndarray


@dataclass(frozen=True)
class Maps:
    """Where an image's maps lie, with zeros around them; counted in numbers."""

    channels: int
    height: int
    width: int
    top: int = 0
    left: int = 0

    @property
    def size(self) -> int:
        """Of an image; even, so that the next begins with a unit."""
        count = self.height * self.width * self.channels
        return count + count % 2

    def at(self, y: Numbers, x: Numbers) -> Numbers:
        """The first channel of places."""
        return ((y + self.top) * self.width + x + self.left) * self.channels

    def view(self, memory: Tensor, shape: Shape) -> Tensor:
        """(images, height, width, channels) of the maps themselves, without what is around them."""
        channels, height, width = shape
        strides = self.size, self.width * self.channels, self.channels, 1
        place = (self.top * self.width + self.left) * self.channels
        return memory.as_strided((len(memory) // self.size, height, width, channels), strides, place)


def rows_of(maps: Maps, y: Numbers, x: Numbers, size: int) -> Numbers:
    """Distances in bytes of places in a group's images, numbers having `size` bytes: (2 images, places, image)."""
    images = np.arange(GROUP).reshape(-1, 1, 2) * maps.size
    return (size * (images + maps.at(y, x)[:, None])).astype(np.int32)


def pairs_of(maps: Maps, y: Numbers, x: Numbers) -> Numbers:
    """The same where two images share their units: (2 images, places)."""
    return (4 * (np.arange(GROUP // 2)[:, None] * maps.size + maps.at(y, x))).astype(np.int32)


@dataclass(frozen=True)
class Tile:
    """Rows and vectors of the tiles of a product with so many columns."""

    columns: int

    @property
    def shape(self) -> tuple[int, int]:
        return NARROW if self.columns % (LANES * WIDE[1]) else WIDE

    @property
    def width(self) -> int:
        return LANES * self.shape[1]

    @property
    def blocks(self) -> int:
        return self.columns // self.width


def room(channels: int) -> int:
    """Channels with those that fill the last tile."""
    width = LANES * NARROW[1]
    return -(-channels // width) * width


@dataclass(frozen=True)
class Through:
    """The tables of a product from maps to maps."""

    rows: Numbers
    """Distances of what each row begins with, by `rows_of`."""
    steps: Numbers
    """(steps of the sum, 2): distances in what comes in and in the packed weights."""
    packing: Numbers
    """(rows of packed units, 3), as `pack` takes it."""
    to: tuple[Numbers, Numbers]
    """y and x of the rows in the maps that come out."""


class Layer:
    """One convolution, of images of a shape (channels, height, width): its maps and tables."""

    def __init__(self, conv: SameConv, image: Shape, size: int, *, first: bool) -> None:
        self.conv, self.shape, self.first = conv, image, first
        self.bytes, self.pair = size, 4 // size
        (self.kernel, _), (stride, _) = conv.kernel_size, conv.stride
        channels, filters = image[0] if first else room(image[0]), room(conv.out_channels)
        self.tile, self.back_tile = Tile(filters), Tile(channels)
        padding = [same_padding(side, self.kernel, stride) for side in image[1:]]
        (top, left), sides = (before for before, _ in padding), image[1:]
        outs = [-(-side // stride) for side in sides]
        self.out_shape: Shape = (conv.out_channels, outs[0], outs[1])
        self.inputs = Maps(channels, *(s + sum(p) for s, p in zip(sides, padding, strict=True)), top, left)
        border = 0 if first else -(-self.kernel // stride) - 1
        ends = [max((s - 1 + p[0]) // stride, out - 1) for s, p, out in zip(sides, padding, outs, strict=True)]
        self.slopes = Maps(filters, *(border + end + 1 for end in ends), border, border)

        y, x = self.places = _places(*outs)
        y, x = y * stride - top, x * stride - left
        run = -(-self.kernel * channels // self.pair)
        kx, ci = np.divmod(np.arange(run * self.pair).reshape(-1, self.pair), channels)
        packing = [self._packing(self.tile, 0, ci, np.full_like(kx, ky), kx) for ky in range(self.kernel)]
        self.forward = Through(
            rows_of(self.inputs, y, x, size), self._steps(self.inputs, self.kernel, run, self.tile), _blocks(packing), self.places
        )
        ky, e = _places(self.kernel, self.kernel * channels)
        self.gradient_rows = (4 * (ky * self.inputs.width * channels + e)).astype(np.int32)
        self.chunk = max(1, CHUNK // (4 * (self.inputs.size + self.slopes.size)))
        images = np.arange(self.chunk)[:, None]
        a = images * self.inputs.size + self.inputs.at(y, x)
        b = images * self.slopes.size + self.slopes.at(*self.places)
        self.gradient_steps = (4 * np.stack((a, b), -1)).astype(np.int32)
        self.backward = [] if first else [self._back(*r, stride, top, left) for r in product(range(stride), repeat=2)]

    def _back(self, ry: int, rx: int, stride: int, top: int, left: int) -> Through:
        """The slopes in the places that have these remainders."""
        y, x = _places(*self.shape[1:])
        mine = ((y + top) % stride == ry) & ((x + left) % stride == rx)
        y, x = y[mine], x[mine]
        down, across = (-(-(self.kernel - r) // stride) for r in (ry, rx))
        start = (y + top) // stride - (down - 1), (x + left) // stride - (across - 1)
        filters = self.slopes.channels
        run = across * filters // self.pair
        tx, co = np.divmod(np.arange(run * self.pair).reshape(-1, self.pair), filters)
        kx = rx + stride * (across - 1 - tx)
        packing = [
            self._packing(self.back_tile, 1, co, np.full_like(kx, ry + stride * (down - 1 - ty)), kx)
            for ty in range(down)
        ]
        steps = self._steps(self.slopes, down, run, self.back_tile)
        return Through(rows_of(self.slopes, *start, self.bytes), steps, _blocks(packing), (y, x))

    def _steps(self, maps: Maps, rows: int, run: int, tile: Tile) -> Numbers:
        ty, unit = _places(rows, run)
        a = ty * maps.width * maps.channels * self.bytes + 4 * unit
        return np.stack((a, np.arange(rows * run) * 4 * tile.width), -1).astype(np.int32)

    def _packing(self, tile: Tile, columns: int, channel: Numbers, ky: Numbers, kx: Numbers) -> Numbers:
        """Of units (units, pair) that have these channels and places of the kernel, and whose columns run along that
        dimension of the weights: (blocks, units, 3)."""
        weight = self.conv.weight
        strides, other = weight.stride(), 1 - columns
        there = (channel < weight.shape[other]) & (kx < self.kernel)
        first = np.full((len(kx), 2), -1)
        first[:, : self.pair] = np.where(there, channel * strides[other] + ky * strides[2] + kx * strides[3], -1)
        found = np.zeros((tile.blocks, len(kx), 3), np.int32)
        for block in range(tile.blocks):
            begin = block * tile.width
            found[block, :, :2] = np.where(first >= 0, first + begin * strides[columns], -1)
            found[block, :, 2] = np.clip(weight.shape[columns] - begin, 0, tile.width)
        return found


def _places(height: int, width: int) -> tuple[Numbers, Numbers]:
    y, x = np.divmod(np.arange(height * width), width)
    return y, x


def _blocks(packing: Sequence[Numbers]) -> Numbers:
    """The rows of each block, one block after the other."""
    return np.concatenate(packing, 1).reshape(-1, 3)
