"""Where the numbers of convolutions in machine code (`conv_kernels`) lie, and the tables by which they are found.

Maps lie channels last, with zeros around them, so that what a convolution's kernel covers of a row is one run of
numbers, and a convolution a product of matrices, one of which is read where it lies (implicit GEMM; Chetlur et al.
2014). Slopes of the loss in what comes into a strided convolution are such products, too: one for each remainder of the
place by the stride, with the part of the weights that meets it.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from torch import Tensor, nn

from rungwise.kernels.conv.passes import GROUP
from rungwise.kernels.llvm.conv_tiles import HEIGHT, WIDTH
from rungwise.models.cnn import same_padding
from rungwise.models.net import Shape

CHUNK = 512 << 10
"""Bytes of both factors of a gradient that all tiles go through before the next: half of a core's second cache."""
Numbers = np.ndarray


class Kernels:
    """A convolution of a net, or its dense layer over maps, which is a convolution by kernels as large as they are."""

    def __init__(self, module: nn.Conv2d | nn.Linear, image: Shape) -> None:
        """`image`: the shape of what comes in."""
        self.module = module
        self.active = isinstance(module, nn.Conv2d)
        """Whether ReLU comes after it."""
        kernel = self.stride = image[1:]
        if isinstance(module, nn.Conv2d):
            kernel, self.stride = ((down, across) for down, across in (module.kernel_size, module.stride))
        self.shape = len(module.weight), image[0], *kernel
        self.last = not module.weight.is_contiguous()
        """Whether channels lie last in the weight."""

    @property
    def size(self) -> int:
        """Weights of a filter."""
        _, channels, height, width = self.shape
        return channels * height * width

    @property
    def parameters(self) -> tuple[Tensor, Tensor]:
        assert self.module.bias is not None
        return self.module.weight, self.module.bias

    def matrix(self, weight: Tensor) -> Tensor:
        """The weight, or a tensor that lies like it, as (filters, what a filter has): a view. Raises RuntimeError where
        it does not lie as the weight did at the start."""
        whole = weight.detach().view(self.shape)
        return (whole.permute(0, 2, 3, 1) if self.last else whole).view(len(whole), -1)


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
        first: Numbers = ((y + self.top) * self.width + x + self.left) * self.channels
        return first

    def view(self, memory: Tensor, shape: Shape) -> Tensor:
        """(images, height, width, channels) of the maps themselves, without what is around them."""
        channels, height, width = shape
        strides = self.size, self.width * self.channels, self.channels, 1
        place = (self.top * self.width + self.left) * self.channels
        return memory.as_strided((len(memory) // self.size, height, width, channels), strides, place)


def rows_of(maps: Maps, y: Numbers, x: Numbers, size: int) -> Numbers:
    """Distances in bytes of places in a group's images, numbers having `size` bytes: of the first place in two images,
    of the second, ..., then in the next two; with spare ones at the end."""
    images = np.arange(GROUP).reshape(-1, 1, 2) * maps.size
    return np.append(size * (images + maps.at(y, x)[:, None]), np.zeros(HEIGHT)).astype(np.int64)


def pairs_of(maps: Maps, y: Numbers, x: Numbers) -> Numbers:
    """The same where two images share their units."""
    images = np.arange(GROUP // 2)[:, None] * maps.size
    return np.append(4 * (images + maps.at(y, x)), np.zeros(HEIGHT)).astype(np.int64)


def room(channels: int) -> int:
    """Channels with those that fill the last tile."""
    return -(-channels // WIDTH) * WIDTH


@dataclass(frozen=True)
class Through:
    """The tables of a product from maps to maps."""

    rows: Numbers
    """Distances of what each row begins with, by `rows_of`."""
    steps: Numbers
    """(steps of the sum, 2): distances in what comes in, and in the packed weights."""
    starts: Numbers
    """(rows of packed units, 1 or 2): where in the layer's weights the row's first unit has its numbers; of a block of
    columns after the other. Empty where the weights are packed by being transposed."""
    to: tuple[Numbers, Numbers]
    """y and x of the rows in the maps that come out."""


class Layer:
    """One convolution of images of a shape (channels, height, width): its maps and tables. Its weights are to lie as
    (filters, the kernel's rows, `run`: the numbers of such a row, channels last)."""

    def __init__(self, kernels: Kernels, image: Shape, size: int, *, first: bool) -> None:
        self.kernels, self.shape, self.bytes, self.pair = kernels, image, size, 4 // size
        out_channels, _, *self.kernel = kernels.shape
        self.stride = kernels.stride
        channels, filters = image[0] if first else room(image[0]), room(out_channels)
        self.run = -(-self.kernel[1] * channels // self.pair) * self.pair
        sides = list(zip(image[1:], self.kernel, self.stride, strict=True))
        (top, bottom), (left, right) = (same_padding(*side) for side in sides)
        height, width = image[1:]
        self.inputs = Maps(channels, height + top + bottom, width + left + right, top, left)
        out_height, out_width = (-(-side // stride) for side, _, stride in sides)
        self.out_shape: Shape = out_channels, out_height, out_width
        above, before = (0 if first else -(-kernel // stride) - 1 for _, kernel, stride in sides)
        down = max((height - 1 + top) // self.stride[0] + 1, out_height)
        across = max((width - 1 + left) // self.stride[1] + 1, out_width)
        self.slopes = Maps(filters, above + down, before + across, above, before)

        self.places = _grid(out_height, out_width)
        y, x = self.places[0] * self.stride[0] - top, self.places[1] * self.stride[1] - left
        steps = self._steps(self.inputs, self.kernel[0], self.run)
        self.forward = Through(rows_of(self.inputs, y, x, size), steps, np.zeros((0, self.pair), np.int64), self.places)
        ky, kx, channel = np.meshgrid(*(np.arange(count) for count in (*self.kernel, image[0])), indexing="ij")
        order = (0, 1, 2) if kernels.last else (2, 0, 1)
        number = kx * channels + channel
        self.lies = np.full(self.kernel[0] * self.run, -1)
        """What lies at a place of a filter: which of its weights, in the order in which the net has them, or -1."""
        self.lies[(ky * self.run + number).transpose(order).flatten()] = np.arange(number.size)
        rows = 4 * (ky * self.inputs.width * channels + number).transpose(order).flatten()
        self.gradient_rows = np.append(rows, np.zeros(-len(rows) % HEIGHT)).astype(np.int64)
        """What these weights meet; with spare ones that fill the last tile."""
        self.chunk = max(1, CHUNK // (4 * (self.inputs.size + self.slopes.size)))
        images = np.arange(self.chunk)[:, None]
        places = self.inputs.at(y, x), self.slopes.at(*self.places)
        sizes = self.inputs.size, self.slopes.size
        pairs = [4 * (images * size + place) for size, place in zip(sizes, places, strict=True)]
        self.gradient_steps = np.stack(pairs, -1).astype(np.int64)
        self.backward = [] if first else [self._back(*rest) for rest in product(*map(range, self.stride))]

    def _back(self, rest_y: int, rest_x: int) -> Through:
        """The slopes in the places that have these remainders: by every so many of the kernel's rows and columns, the
        last of which meet what comes first."""
        (kernel_y, kernel_x), (stride_y, stride_x) = self.kernel, self.stride
        y, x = _grid(*self.shape[1:])
        y, x = y + self.inputs.top, x + self.inputs.left
        mine = (y % stride_y == rest_y) & (x % stride_x == rest_x)
        y, x = y[mine], x[mine]
        down, across = -(-(kernel_y - rest_y) // stride_y), -(-(kernel_x - rest_x) // stride_x)
        begin = y // stride_y - down + 1, x // stride_x - across + 1
        filters, channels = self.slopes.channels, self.inputs.channels
        steps = self._steps(self.slopes, down, across * filters)
        block, ty, tx, filter_ = np.meshgrid(
            *(np.arange(count) for count in (channels // WIDTH, down, across, filters)), indexing="ij"
        )
        ky, kx = rest_y + stride_y * (down - 1 - ty), rest_x + stride_x * (across - 1 - tx)
        starts = (filter_ * kernel_y + ky) * self.run + kx * channels + block * WIDTH
        to = y - self.inputs.top, x - self.inputs.left
        starts = starts.astype(np.int64).reshape(-1, self.pair)
        return Through(rows_of(self.slopes, *begin, self.bytes), steps, starts, to)

    def _steps(self, maps: Maps, rows: int, run: int) -> Numbers:
        """Over so many rows of maps, a run of numbers of each."""
        row, unit = _grid(rows, run // self.pair)
        a = row * maps.width * maps.channels * self.bytes + 4 * unit
        return np.stack((a, np.arange(len(a)) * 4 * WIDTH), -1).astype(np.int64)


def _grid(height: int, width: int) -> tuple[Numbers, Numbers]:
    """y and x of all places, row by row."""
    y, x = np.divmod(np.arange(height * width), width)
    return y, x
