"""Where the numbers of convolutions in machine code are stored, and the tables by which they are found.

Maps are stored channels last with zeros around them, so that what a kernel covers of a row is one run of contiguous
numbers, and a convolution is a product of matrices, one of which is read where it is stored (implicit GEMM; Chetlur et
al. 2014). A 3 x 3 kernel, C channels; x marks the window of one output place:

    0 0 0 0 0 0         each cell: C numbers         a row of the product's matrix a is the window's
    0 x x x . 0         run = 3 C numbers            kernel rows, one run after the other:
    0 x x x . 0         of a row                     3 runs, each `width * C` numbers after the one before
    0 x x x . 0
    0 0 0 0 0 0         so a row needs one address, and all rows share one table of steps

                 a                           b                        out
    places   [run run run]    x     [packed weights]   =   places  [filters]       forward
    places   [run run run]    x     [packed weights]   =   places  [channels]      backward, once per remainder
    weights  [   places  ]    x     [output gradient]  =   weights [filters]       gradient of the weights

Backward: the gradient in the input of a convolution with stride s is a product, too, but a place meets only every s-th
row and column of the kernel, those that have its remainder modulo s. So there are s x s products, each with its own
part of the weights. In one dimension, kernel 3, stride 2, p the padded place, which output o meets it by which weight:

    p       0   1   2   3   4           remainder 0:  weights 2, 0 of outputs p/2 - 1, p/2
    o = 0   w0  w1  w2                  remainder 1:  weight 1 of output (p - 1)/2
    o = 1           w0  w1  w2          the kernel's last weight meets the first output

Numbers are float32 or bfloat16; `bytes` is their size and `per_word` how many a 32-bit word holds. A run is padded to
whole words: in bfloat16 an odd run reads one number of the next cell, times a weight of 0.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from torch import Tensor, nn

from rungwise.kernels.conv.records import GROUP
from rungwise.kernels.llvm.conv_tiles import TILE_COLUMNS, TILE_ROWS
from rungwise.models.cnn import same_padding
from rungwise.models.net import Shape

CHUNK = 512 << 10
"""Bytes of both factors of a gradient that all tiles go through before the next: half of a core's second cache."""


class Filters:
    """A convolution of a net, or its dense layer over maps, which is a convolution by kernels as large as they are."""

    def __init__(self, module: nn.Conv2d | nn.Linear, image: Shape) -> None:
        """`image`: the shape (channels, height, width) of what comes in."""
        self.module = module
        self.relu = isinstance(module, nn.Conv2d)
        """Whether ReLU comes after it."""
        kernel = self.stride = image[1:]
        if isinstance(module, nn.Conv2d):
            kernel, self.stride = ((down, across) for down, across in (module.kernel_size, module.stride))
        self.shape = len(module.weight), image[0], *kernel
        self.channels_last = not module.weight.is_contiguous()
        """In which of PyTorch's orders the weight is stored. It may not change."""

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
        """The weight, or a tensor stored like it, as a contiguous matrix (filters, weights of a filter): a view. Raises
        RuntimeError where it is not stored as the weight was at the start."""
        whole = weight.detach().view(self.shape)
        return (whole.permute(0, 2, 3, 1) if self.channels_last else whole).view(len(whole), -1)


@dataclass(frozen=True)
class Maps:
    """How an image's maps are stored: (height, width, channels), padding included, counted in numbers."""

    channels: int
    """With those that fill the last tile."""
    height: int
    width: int
    top: int = 0
    """Rows of zeros above the first place, and"""
    left: int = 0
    """columns of zeros before it."""

    @property
    def size(self) -> int:
        """Of an image; even, so that the next one begins with a word."""
        count = self.height * self.width * self.channels
        return count + count % 2

    def at(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The number of the first channel at places y, x, which count from the first place inside the padding."""
        first: np.ndarray = ((y + self.top) * self.width + x + self.left) * self.channels
        return first

    def view(self, memory: Tensor, shape: Shape) -> Tensor:
        """(images, height, width, channels) of the maps themselves, without their padding."""
        channels, height, width = shape
        strides = self.size, self.width * self.channels, self.channels, 1
        place = (self.top * self.width + self.left) * self.channels
        return memory.as_strided((len(memory) // self.size, height, width, channels), strides, place)


def row_table(maps: Maps, y: np.ndarray, x: np.ndarray, size: int) -> np.ndarray:
    """Distances in bytes of places in a group's images, numbers having `size` bytes: the first place in two images, the
    second place in these two, ..., then the next two images; at the end TILE_ROWS spare ones."""
    images = np.arange(GROUP).reshape(-1, 1, 2) * maps.size
    return np.append(size * (images + maps.at(y, x)[:, None]), np.zeros(TILE_ROWS)).astype(np.int64)


def pair_table(maps: Maps, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The same where two images share their words."""
    images = np.arange(GROUP // 2)[:, None] * maps.size
    return np.append(4 * (images + maps.at(y, x)), np.zeros(TILE_ROWS)).astype(np.int64)


def padded_channels(channels: int) -> int:
    """Channels with those that fill the last tile."""
    return -(-channels // TILE_COLUMNS) * TILE_COLUMNS


@dataclass(frozen=True)
class MapsProduct:
    """The tables of a product from maps to maps."""

    rows: np.ndarray
    """Where each row's window begins, by `row_table`."""
    steps: np.ndarray
    """(words of the sum, 2): distances in bytes in the maps, and in the packed weights."""
    starts: np.ndarray
    """(rows of packed words, numbers per word): the number in the layer's padded weights where the row's runs of
    TILE_COLUMNS channels begin; one block of columns after the other. Empty forward, where packing transposes."""
    places: tuple[np.ndarray, np.ndarray]
    """y and x of the rows in the maps that come out."""


class Layer:
    """One convolution of images of a shape (channels, height, width): its maps and tables. Its padded weights are
    stored as (padded filters, the kernel's rows, `run`: the numbers of such a row, channels last)."""

    def __init__(self, filters: Filters, image: Shape, size: int, *, first: bool) -> None:
        """`size`: bytes of a number. The first layer's channels are not padded, and its images need no gradient."""
        self.filters, self.shape, self.bytes, self.per_word = filters, image, size, 4 // size
        out_channels, _, *self.kernel = filters.shape
        self.stride = filters.stride
        channels, padded_filters = image[0] if first else padded_channels(image[0]), padded_channels(out_channels)
        self.run = -(-self.kernel[1] * channels // self.per_word) * self.per_word
        sides = list(zip(image[1:], self.kernel, self.stride, strict=True))
        (top, bottom), (left, right) = (same_padding(*side) for side in sides)
        height, width = image[1:]
        self.inputs = Maps(channels, height + top + bottom, width + left + right, top, left)
        out_height, out_width = (-(-side // stride) for side, _, stride in sides)
        self.out_shape: Shape = out_channels, out_height, out_width
        # Backward, windows are of outputs: those before the first and after the last are zeros around the gradient.
        above, before = (0 if first else -(-kernel // stride) - 1 for _, kernel, stride in sides)
        down = max((height - 1 + top) // self.stride[0] + 1, out_height)
        across = max((width - 1 + left) // self.stride[1] + 1, out_width)
        self.gradients = Maps(padded_filters, above + down, before + across, above, before)

        self.places = _grid(out_height, out_width)
        y, x = self.places[0] * self.stride[0] - top, self.places[1] * self.stride[1] - left
        steps = self._steps(self.inputs, self.kernel[0], self.run)
        nothing = np.zeros((0, self.per_word), np.int64)
        self.forward = MapsProduct(row_table(self.inputs, y, x, size), steps, nothing, self.places)
        self._index_weights(channels)
        self._index_gradient(y, x)
        self.backward = [] if first else [self._back(*rest) for rest in product(*map(range, self.stride))]

    def _index_weights(self, channels: int) -> None:
        """Where the net's weights, in its own order, are stored in padded filters, and which inputs they meet."""
        ky, kx, channel = np.meshgrid(*(np.arange(n) for n in (*self.kernel, self.shape[0])), indexing="ij")
        order = (0, 1, 2) if self.filters.channels_last else (2, 0, 1)
        number = kx * channels + channel
        self.weight_at = np.full(self.kernel[0] * self.run, -1)
        """(kernel rows x run,): which weight of a filter is stored at a place of a padded one, or -1."""
        self.weight_at[(ky * self.run + number).transpose(order).flatten()] = np.arange(number.size)
        rows = 4 * (ky * self.inputs.width * channels + number).transpose(order).flatten()
        self.gradient_rows = np.append(rows, np.zeros(-len(rows) % TILE_ROWS)).astype(np.int64)
        """Distances in bytes, of words, from a window's start to the input that a weight meets; spare ones fill the
        last tile. In bfloat16 gradients read paired maps, so that a number is a word here in both formats."""

    def _index_gradient(self, y: np.ndarray, x: np.ndarray) -> None:
        """The steps of the sum of a weight's gradient: over places, and images, or pairs, of a chunk."""
        self.chunk = max(1, CHUNK // (4 * (self.inputs.size + self.gradients.size)))
        images = np.arange(self.chunk)[:, None]
        places = self.inputs.at(y, x), self.gradients.at(*self.places)
        sizes = self.inputs.size, self.gradients.size
        pairs = [4 * (images * size + place) for size, place in zip(sizes, places, strict=True)]
        self.gradient_steps = np.stack(pairs, -1).astype(np.int64)
        """(images, places, 2): distances in bytes, of words, in what came in and in the gradient of what went out."""

    def _back(self, rest_y: int, rest_x: int) -> MapsProduct:
        """The product for the places that have these remainders, drawn above. It sums over `down` x `across` outputs,
        the first of which meets the last of the kernel's rows and columns."""
        (kernel_y, kernel_x), (stride_y, stride_x) = self.kernel, self.stride
        y, x = _grid(*self.shape[1:])
        y, x = y + self.inputs.top, x + self.inputs.left
        mine = (y % stride_y == rest_y) & (x % stride_x == rest_x)
        y, x = y[mine], x[mine]
        down, across = -(-(kernel_y - rest_y) // stride_y), -(-(kernel_x - rest_x) // stride_x)
        begin = y // stride_y - down + 1, x // stride_x - across + 1
        filters, channels = self.gradients.channels, self.inputs.channels
        steps = self._steps(self.gradients, down, across * filters)
        block, ty, tx, filter_ = np.meshgrid(
            *(np.arange(count) for count in (channels // TILE_COLUMNS, down, across, filters)), indexing="ij"
        )
        ky, kx = rest_y + stride_y * (down - 1 - ty), rest_x + stride_x * (across - 1 - tx)
        starts = (filter_ * kernel_y + ky) * self.run + kx * channels + block * TILE_COLUMNS
        starts = starts.astype(np.int64).reshape(-1, self.per_word)
        places = y - self.inputs.top, x - self.inputs.left
        return MapsProduct(row_table(self.gradients, *begin, self.bytes), steps, starts, places)

    def _steps(self, maps: Maps, rows: int, run: int) -> np.ndarray:
        """Over so many rows of a window, a run of numbers of each, word by word: distances in bytes."""
        row, word = _grid(rows, run // self.per_word)
        a = row * maps.width * maps.channels * self.bytes + 4 * word
        return np.stack((a, np.arange(len(a)) * 4 * TILE_COLUMNS), -1).astype(np.int64)


def _grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """y and x of all places, row by row."""
    y, x = np.divmod(np.arange(height * width), width)
    return y, x
