"""A trunk's convolutions in training, forward and backward, in machine code: what `conv_kernels` is to do, with what.

Maps (`conv_layout`) have up to two forms: one image after the other; and of bfloat16 paired, with the same place of two
images in a unit, which gradients of weights are summed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rungwise.kernels.conv.layout import Kernels, Layer, Maps, Numbers, Through, pairs_of, room, rows_of
from rungwise.kernels.conv.passes import (
    BACKWARD,
    FORWARD,
    GRADIENT,
    GROUP,
    PRODUCT,
    couple,
    enter,
    judge,
    multiply,
    show,
)
from rungwise.kernels.conv.weights import Weights, bits, units
from rungwise.kernels.dense.step import DenseLayers
from rungwise.kernels.descent import machine_can, threads
from rungwise.kernels.llvm import vectors
from rungwise.kernels.llvm.conv_tiles import WIDTH
from rungwise.models.cnn import Cnn, SameConv, Trunk
from rungwise.models.multitask import Shared
from rungwise.models.net import Shape

SPARE = 64
"""Numbers after the last map, up to which a run may be read."""
MOST_ROOM = 1.1
"""Channels with those that only fill tiles, over channels: with more of them PyTorch's convolutions are faster."""


def pays(precision: str) -> bool:
    """Whether this machine has what it takes. With shorter vectors than AVX-512's PyTorch's convolutions are faster."""
    return vectors.LANES == 16 and machine_can(precision)


def can_compile(net: nn.Module, precision: str) -> bool:
    """Whether the net has a trunk of strided convolutions on a CPU, all of it learns, and its filters fill tiles."""
    if not isinstance(net, Cnn | Shared):
        return False
    trunk, parameters = net.trunk, list(net.trunk.parameters())
    convolutions = [conv for conv in trunk.convolutions if isinstance(conv, SameConv)]
    return (
        not trunk.pool
        and all(conv.kernel_size >= conv.stride for conv in convolutions)  # else some of what comes in meets nothing
        and all(p.requires_grad and p.device.type == "cpu" for p in parameters)
        and all(room(conv.out_channels) <= MOST_ROOM * conv.out_channels for conv in convolutions)
        and pays(precision)
    )


@dataclass(frozen=True)
class _Ends:
    """What passes of some pairs of images begin and end with, image by image."""

    images: Numbers
    out: Numbers
    slopes: Numbers
    """In what goes out."""
    coupled: list[tuple[Numbers, Numbers]]
    """Plain and paired maps that no product pairs."""


class ConvStep:
    """The passes of a trunk that `can_compile`, and of a dense layer over its maps: all their parameters get gradients,
    the images none."""

    def __init__(self, trunk: Trunk, image: Shape, precision: str, head: nn.Linear | None = None) -> None:
        self.dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self.bytes, self.threads = self.dtype.itemsize, threads()
        self.layers: list[Layer] = []
        for module in (*trunk.convolutions, *([] if head is None else [head])):
            assert isinstance(module, SameConv | nn.Linear)
            self.layers.append(Layer(Kernels(module, image), image, self.bytes, first=not self.layers))
            image = self.layers[-1].out_shape
        self.out = Maps(self.layers[-1].slopes.channels, *image[1:])
        self.weights = [Weights(layer, self.dtype, self.threads) for layer in self.layers]
        self.parameters = [p for one in self.weights for p in one.kernels.parameters]
        self.units = np.zeros(0, np.uint32 if self.dtype == torch.bfloat16 else np.float32)
        """By its dtype compiled code knows what units are."""
        self.places = self.layers[-1].slopes.at(*self.layers[-1].places)
        self.images = 0
        """That there is memory for."""
        self.ends: dict[int, _Ends] = {}
        """By pairs of images."""

    def forward(self, images: Tensor) -> Tensor:
        """What comes out of images (N, C, H, W): maps, or logits (N, classes, 1, 1); good until the next call."""
        count, first, last = len(images), self.layers[0], self.layers[-1]
        pairs = self._pairs(count)
        first.inputs.view(self.maps[0], first.shape)[:count] = images.permute(0, 2, 3, 1)
        self._pass_forward(pairs)
        return self.out.view(self.maps[-1], last.out_shape)[:count].permute(0, 3, 1, 2)

    def backward(self, slopes: Tensor) -> None:
        """Add to the weights' gradients, by slopes of the loss in what `forward` returned last."""
        pairs = self._pairs(len(slopes))
        ends, numbers = self._ends(pairs), bits(slopes.to(self.dtype).permute(0, 2, 3, 1).flatten(1, 2))
        active = ends.out if self.layers[-1].kernels.active else np.ones_like(ends.out)
        enter(numbers, active, self.places, ends.slopes, self.out.channels, self.threads)
        self._pass_back(pairs)

    def learn(self, images: Numbers, labels: Numbers, smoothing: float) -> tuple[float, int]:
        """Both passes where the last layer is a head: the mean cross-entropy of images (N, C, H, W) of uint8 with
        smoothed labels (N,), and how many are right."""
        pairs = self._pairs(len(images))
        ends, maps = self._ends(pairs), self.layers[0].inputs
        show(images, ends.images, int(maps.at(*np.zeros((2, 1), np.int64))[0]), maps.width * maps.channels)
        self._pass_forward(pairs)
        classes = self.layers[-1].out_shape[0]
        found: tuple[float, int] = judge(ends.out, labels, classes, smoothing, ends.slopes, self.places[0])
        self._pass_back(pairs)
        return found

    def _pairs(self, images: int) -> int:
        """Of so many images; there is memory for them then."""
        pairs = -(-images // 2)
        if 2 * pairs > self.images:
            self._allocate(2 * pairs)
        return pairs

    def _pass_forward(self, pairs: int) -> None:
        for one in self.weights:
            one.pack()
        multiply(*self.products, self.units, self.bytes, pairs, self.threads)

    def _pass_back(self, pairs: int) -> None:
        for plain, paired in self._ends(pairs).coupled:
            couple(plain, paired, self.threads)
        multiply(*self.back_products, self.units, self.bytes, pairs, self.threads)

    def _ends(self, pairs: int) -> "_Ends":
        if pairs not in self.ends:

            def by_image(memory: Tensor, maps: Maps, count: int = 2 * pairs) -> Tensor:
                return memory[: count * maps.size].view(count, maps.size)

            inputs, last, coupled = self.layers[0].inputs, self.layers[-1].slopes, []
            images, slopes = by_image(self.maps[0], inputs), by_image(self.slopes[-1], last)
            if self.bytes == 2:
                forms = by_image(self.paired[0], inputs, pairs), by_image(self.paired_slopes[-1], last, pairs)
                coupled = [(units(images), units(forms[0])), (units(slopes), units(forms[1]))]
            self.ends[pairs] = _Ends(bits(images), bits(by_image(self.maps[-1], self.out)), bits(slopes), coupled)
        return self.ends[pairs]

    def _allocate(self, images: int) -> None:
        """Memory for so many images, an even number, and the products."""
        self.images, self.ends = images, {}

        def plain(maps: Maps) -> Tensor:
            return torch.zeros(images * maps.size + SPARE, dtype=self.dtype)

        def paired(maps: Maps) -> Tensor:
            return torch.zeros(images // 2 * maps.size + SPARE, dtype=torch.int32)

        inputs, slopes = [layer.inputs for layer in self.layers], [layer.slopes for layer in self.layers]
        self.maps = [plain(maps) for maps in (*inputs, self.out)]
        self.slopes = [plain(maps) for maps in slopes]
        self.paired, self.paired_slopes = self.maps, self.slopes
        if self.bytes == 2:
            self.paired, self.paired_slopes = [paired(maps) for maps in inputs], [paired(maps) for maps in slopes]
        self.tables: list[Numbers] = []
        numbers = range(len(self.layers))
        self.products = _in_turn([[self._forward(number)] for number in numbers])
        self.back_products = _in_turn([[self._gradient(number), *self._backward(number)] for number in numbers[::-1]])
        """Of each convolution: its weights' gradients, and the slopes in what comes in."""

    def _forward(self, number: int) -> Numbers:
        layer, last = self.layers[number], number + 1 == len(self.layers)
        after = self.out if last else self.layers[number + 1].inputs
        one = self._product(FORWARD, layer.forward, layer.slopes.channels)
        self._factors(one, self.maps[number], layer.inputs, self.weights[number].forward)
        self._into(one, layer.forward, after, self.maps[number + 1], None if last else self.paired[number + 1])
        one["bias"], one["active"] = self.weights[number].bias.data_ptr(), layer.kernels.active
        return one

    def _backward(self, number: int) -> list[Numbers]:
        layer, found, begin = self.layers[number], [], 0
        for part in layer.backward:
            one = self._product(BACKWARD, part, layer.inputs.channels)
            self._factors(one, self.slopes[number], layer.slopes, self.weights[number].backward[begin * WIDTH :])
            # Nobody asks for the slopes in the images, for which the first convolution's would be needed plain.
            plain = None if number == 1 and self.bytes == 2 else self.slopes[number - 1]
            self._into(one, part, self.layers[number - 1].slopes, plain, self.paired_slopes[number - 1])
            one["active"] = self.maps[number].data_ptr()
            one["active_rows"] = self._keep(rows_of(layer.inputs, *part.to, self.bytes))
            one["active_group"] = GROUP * layer.inputs.size * self.bytes
            found.append(one)
            begin += part.starts.size
        return found

    def _gradient(self, number: int) -> Numbers:
        layer, weights, one = self.layers[number], self.weights[number], np.zeros(1, PRODUCT)
        one["kind"], one["blocks"] = GRADIENT, layer.slopes.channels // WIDTH
        one["rows"], one["count"] = self._keep(layer.gradient_rows), len(layer.gradient_rows)
        one["steps"], one["length"] = self._keep(layer.gradient_steps), len(layer.places[0])
        one["source"], one["factor"] = self.paired[number].data_ptr(), self.paired_slopes[number].data_ptr()
        for name, maps in (("source", layer.inputs), ("factor", layer.slopes)):
            one[f"{name}_chunk"] = 4 * layer.chunk * maps.size
            one[f"{name}_group"] = 4 * maps.size * (GROUP // 2 if self.bytes == 2 else GROUP)
        one["chunk"], one["places"] = layer.chunk, layer.slopes.height * layer.slopes.width
        one["into"], one["bias"] = weights.gradient.data_ptr(), weights.bias_gradient.data_ptr()
        return one

    def _product(self, kind: int, part: Through, columns: int) -> Numbers:
        one = np.zeros(1, PRODUCT)
        one["kind"], one["blocks"] = kind, columns // WIDTH
        one["rows"], one["count"] = self._keep(part.rows), 2 * len(part.to[0])
        one["steps"], one["length"] = self._keep(part.steps), len(part.steps)
        return one

    def _factors(self, one: Numbers, source: Tensor, maps: Maps, packed: Tensor) -> None:
        one["source"], one["source_group"] = source.data_ptr(), GROUP * maps.size * self.bytes
        one["factor"], one["factor_block"] = packed.data_ptr(), 4 * one["length"] * WIDTH

    def _into(self, one: Numbers, part: Through, maps: Maps, plain: Tensor | None, paired: Tensor | None) -> None:
        if plain is not None:
            one["into"], one["into_group"] = plain.data_ptr(), GROUP * maps.size * self.bytes
            one["into_rows"] = self._keep(rows_of(maps, *part.to, self.bytes))
        if paired is not None and self.bytes == 2:
            one["pairs"], one["pairs_group"] = paired.data_ptr(), GROUP // 2 * maps.size * 4
            one["pairs_rows"] = self._keep(pairs_of(maps, *part.to))

    def _keep(self, table: Numbers) -> int:
        """The address of a table, which then stays."""
        self.tables.append(table)
        return table.ctypes.data


def _in_turn(works: Sequence[Sequence[Numbers]]) -> tuple[Numbers, Numbers]:
    """Products of one convolution after the other, and where those of each end."""
    return np.concatenate([one for some in works for one in some]), np.cumsum([len(some) for some in works])


class Passes(torch.autograd.Function):
    """`apply(step, images, *step.parameters)`: what the trunk makes of images, with its gradients."""

    @staticmethod
    def forward(context: Any, step: ConvStep, images: Tensor, *parameters: Tensor) -> Tensor:
        context.step = step
        return step.forward(images)

    @staticmethod
    def backward(context: Any, *slopes: Tensor) -> Any:
        context.step.backward(slopes[0])
        return None, None, *(gradient for one in context.step.weights for gradient in one.take_gradients())


class CompiledNet(nn.Module):
    """A net in training, the convolutions of whose trunk are in machine code: (N, C, H, W) to its logits."""

    def __init__(self, net: Cnn | Shared, precision: str, dense: DenseLayers | None = None) -> None:
        """`dense`: what does a shared net's dense layers, where that is not the net."""
        super().__init__()
        self.net, self.precision, self.dense = net, precision, dense
        self.step: ConvStep | None = None
        """Made for the first images' shape: all have the same."""

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        if self.step is None:
            channels, height, width = images.shape[1:]
            head = self.net.head if isinstance(self.net, Cnn) else None
            self.step = ConvStep(self.net.trunk, (channels, height, width), self.precision, head)
        found: Tensor = Passes.apply(self.step, images, *self.step.parameters)  # type: ignore[no-untyped-call]
        if self.dense is not None:
            return self.dense(found)  # type: ignore[no-any-return]
        return self.net.answer(found) if isinstance(self.net, Shared) else (found.flatten(1),)
