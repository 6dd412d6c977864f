"""Passes of a trunk of convolutions in training, forward and backward, in machine code: what `conv_kernels` is to do.

Maps (`conv_layout`) have up to two forms: one image after the other; and of bfloat16 paired, with the same place of two
images in a unit, which gradients of weights are summed over.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from rungwise.balancing.balancer import Learner
from rungwise.models.cnn import SameConv, Trunk
from rungwise.models.net import Shape
from rungwise.training.conv_kernels import BACKWARD, FORWARD, GRADIENT, PRODUCT, couple, enter, gather, multiply, turn
from rungwise.training.conv_layout import GROUP, Layer, Maps, Numbers, Through, pairs_of, rows_of
from rungwise.training.conv_tiles import HEIGHT, WIDTH
from rungwise.training.mlp_step import machine_can, threads

SPARE = 64
"""Numbers after the last map: tiles may read as far."""


class ConvStep:
    """The passes of a trunk that `can_compile`: all its parameters get gradients, its images none."""

    def __init__(self, trunk: Trunk, image: Shape, precision: str) -> None:
        self.dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self.bytes, self.threads = self.dtype.itemsize, threads()
        self.pair = 4 // self.bytes
        self.layers: list[Layer] = []
        for conv in trunk.convolutions:
            assert isinstance(conv, SameConv)
            self.layers.append(Layer(conv, image, self.bytes, first=not self.layers))
            image = self.layers[-1].out_shape
        self.out = Maps(self.layers[-1].slopes.channels, *image[1:])
        self.parameters = [p for layer in self.layers for p in (layer.conv.weight, layer.conv.bias)]
        self.units = np.zeros(0, np.float32 if self.pair == 1 else np.uint32)
        """By its dtype compiled code knows what units are."""
        self.places = self.layers[-1].slopes.at(*self.layers[-1].places)
        self.images = 0
        """That there is memory for."""
        self.weights = [
            torch.zeros(layer.slopes.channels, layer.kernel, layer.run, dtype=self.dtype) for layer in self.layers
        ]
        """Channels last, with zeros for those that are not there."""
        self.starts = [
            np.concatenate([part.starts for part in (layer.forward, *layer.backward)]) for layer in self.layers
        ]
        self.packed = [torch.zeros(weights.numel(), dtype=self.dtype) for weights in self.weights]
        """In units, as the product forward takes them,"""
        self.back_packed = [torch.zeros(starts.size * WIDTH, dtype=self.dtype) for starts in self.starts]
        """and those backward."""
        self.packing = [self._views_of_weights(number) for number in range(len(self.layers))]
        self.biases = [torch.zeros(layer.slopes.channels) for layer in self.layers]
        shapes = [(-(-len(layer.gradient_rows) // HEIGHT) * HEIGHT, layer.slopes.channels) for layer in self.layers]
        self.all_sums = torch.zeros(sum((rows + 1) * columns for rows, columns in shapes))
        parts = iter(
            torch.split(self.all_sums, [size for rows, columns in shapes for size in (rows * columns, columns)])
        )
        self.sums = [(next(parts).view(shape), next(parts)) for shape in shapes]
        """Gradients of each convolution's weights (rows, columns and channels of the kernel; filters) and biases."""
        self.turned = [self._views_of_gradient(number) for number in range(len(self.layers))]

    def _views_of_weights(self, number: int) -> tuple[Tensor, Numbers, Numbers, Numbers, Numbers]:
        """Of a layer: where its weights go, units from there and to where they are turned, numbers from there and to
        where they are gathered."""
        layer, weights = self.layers[number], self.weights[number]
        (filters, channels), side = layer.conv.weight.shape[:2], layer.kernel
        there = weights[:filters, :, : side * layer.inputs.channels].unflatten(2, (side, -1))[..., :channels]
        rows = self._units(weights).reshape(len(weights), -1)
        turned = self._units(self.packed[number]).reshape(-1, rows.shape[1], WIDTH)
        back = _numbers(self.back_packed[number]).reshape(-1, WIDTH, self.pair)
        return there.permute(0, 3, 1, 2), rows, turned, _numbers(weights.flatten()), back

    def _views_of_gradient(self, number: int) -> tuple[Numbers, Numbers, Tensor]:
        """Of a layer: the rows of its weights' gradient, to where they are turned, and what is wanted of that."""
        layer = self.layers[number]
        (filters, channels), side, rows = layer.conv.weight.shape[:2], layer.kernel, len(layer.gradient_rows)
        turned = torch.zeros(1, layer.slopes.channels, rows)
        there = turned.view(-1, side, side, layer.inputs.channels)[:filters, :, :, :channels]
        return self.sums[number][0][:rows].numpy(), turned.numpy(), there.permute(0, 3, 1, 2)

    def forward(self, images: Tensor) -> Tensor:
        """What the last convolution makes of images (N, C, H, W); good until the next call."""
        count = len(images)
        pairs = -(-count // 2)
        if 2 * pairs > self.images:
            self._allocate(2 * pairs)
        first, last = self.layers[0], self.layers[-1]
        first.inputs.view(self.maps[0], first.shape)[:count] = images.permute(0, 2, 3, 1)
        for number, layer in enumerate(self.layers):
            self._pack(number)
            bias = layer.conv.bias
            assert bias is not None
            self.biases[number][: len(bias)] = bias.detach()
            multiply(self.works[number], self.units, self.bytes, pairs, self.threads)
        return self.out.view(self.maps[-1], last.out_shape)[:count].permute(0, 3, 1, 2)

    def backward(self, slopes: Tensor) -> list[Tensor]:
        """The parameters' gradients, by slopes of the loss in what `forward` returned last."""
        last, pairs = self.layers[-1], -(-len(slopes) // 2)
        enter(
            _numbers(slopes.to(self.dtype).flatten(2)),
            _numbers(self.maps[-1][: 2 * pairs * self.out.size].view(-1, self.out.size)),
            self.places,
            _numbers(self.slopes[-1][: 2 * pairs * last.slopes.size].view(-1, last.slopes.size)),
            self.out.channels,
            self.threads,
        )
        if self.pair == 2:
            for halves, paired, maps in (
                (self.maps[0], self.paired[0], self.layers[0].inputs),
                (self.slopes[-1], self.paired_slopes[-1], last.slopes),
            ):
                one = halves[: 2 * pairs * maps.size].view(torch.uint32).view(2 * pairs, -1)
                couple(
                    one.numpy(), paired[: pairs * maps.size].view(torch.uint32).view(pairs, -1).numpy(), self.threads
                )
        self.all_sums.zero_()
        found: list[Tensor] = []
        for number in reversed(range(len(self.layers))):
            multiply(self.back_works[number], self.units, self.bytes, pairs, self.threads)
            found = [*self._gradients(number), *found]
        return found

    def _gradients(self, number: int) -> tuple[Tensor, Tensor]:
        weight, (rows, turned, there), biases = (
            self.layers[number].conv.weight,
            self.turned[number],
            self.sums[number][1],
        )
        turn(rows, turned, self.threads)
        return torch.empty_like(weight).copy_(there), biases[: len(weight)].clone()

    def _pack(self, number: int) -> None:
        """The weights, rounded to the precision, in the order in which products read them."""
        there, rows, turned, values, back = self.packing[number]
        there[:] = self.layers[number].conv.weight.detach()
        turn(rows, turned, self.threads)
        if len(back):
            gather(values, self.starts[number], back, self.threads)

    def _units(self, numbers: Tensor) -> Numbers:
        units: Numbers = numbers.view(torch.uint32).numpy().view(self.units.dtype)
        return units

    def _allocate(self, images: int) -> None:
        """Memory for so many images, an even number, and what products there are."""
        self.images = images

        def halves(maps: Maps) -> Tensor:
            return torch.zeros(images * maps.size + SPARE, dtype=self.dtype)

        def paired(maps: Maps) -> Tensor:
            return torch.zeros(images // 2 * maps.size + SPARE, dtype=torch.int32)

        self.maps = [halves(layer.inputs) for layer in self.layers] + [halves(self.out)]
        self.slopes = [halves(layer.slopes) for layer in self.layers]
        self.paired, self.paired_slopes = self.maps, self.slopes
        if self.pair == 2:
            self.paired = [paired(layer.inputs) for layer in self.layers]
            self.paired_slopes = [paired(layer.slopes) for layer in self.layers]
        self.tables: list[Numbers] = []
        self.works = [self._forward_work(number) for number in range(len(self.layers))]
        """A product for each convolution."""
        self.back_works = [
            np.concatenate((self._gradient_work(number), *self._back_works(number)))
            for number in range(len(self.layers))
        ]
        """Products for each convolution: its weights' gradients, and the slopes in what comes in."""

    def _forward_work(self, number: int) -> Numbers:
        layer, last = self.layers[number], number + 1 == len(self.layers)
        after = self.out if last else self.layers[number + 1].inputs
        work = _work(FORWARD, layer.slopes.channels)
        self._factors(work, layer.forward, self.maps[number], layer.inputs, self.packed[number])
        self._into(work, layer.forward, self.maps[number + 1], None if last else self.paired[number + 1], after)
        work["bias"] = self.biases[number].data_ptr()
        return work

    def _back_works(self, number: int) -> list[Numbers]:
        layer, works = self.layers[number], []
        begin = 0
        for part in layer.backward:
            work, before = _work(BACKWARD, layer.inputs.channels), self.layers[number - 1].slopes
            packed = self.back_packed[number][begin * WIDTH :]
            self._factors(work, part, self.slopes[number], layer.slopes, packed)
            # Nobody asks for the slopes in the images, which the first convolution's would be taken back for.
            halves = None if number == 1 and self.pair == 2 else self.slopes[number - 1]
            self._into(work, part, halves, self.paired_slopes[number - 1], before)
            work["active"] = self.maps[number].data_ptr()
            work["active_rows"] = self._keep(rows_of(layer.inputs, *part.to, self.bytes))
            work["active_group"] = GROUP * layer.inputs.size * self.bytes
            works.append(work)
            begin += part.starts.size
        return works

    def _gradient_work(self, number: int) -> Numbers:
        layer = self.layers[number]
        work, (weights, biases) = _work(GRADIENT, layer.slopes.channels), self.sums[number]
        work["rows"], work["group_rows"] = self._keep(layer.gradient_rows), len(layer.gradient_rows)
        work["steps"], work["length"] = self._keep(layer.gradient_steps), len(layer.places[0])
        work["source"], work["factor"] = self.paired[number].data_ptr(), self.paired_slopes[number].data_ptr()
        work["source_group"], work["factor_group"] = (
            4 * layer.chunk * maps.size for maps in (layer.inputs, layer.slopes)
        )
        work["group_images"], work["places"] = layer.chunk, layer.slopes.height * layer.slopes.width
        work["into"], work["bias"] = weights.data_ptr(), biases.data_ptr()
        return work

    def _factors(self, work: Numbers, part: Through, source: Tensor, maps: Maps, packed: Tensor) -> None:
        places = len(part.to[0])
        work["rows"], work["group_rows"], work["rows_of_two"] = self._keep(part.rows), GROUP * places, 2 * places
        work["steps"], work["length"] = self._keep(part.steps), len(part.steps)
        work["source"], work["source_group"] = source.data_ptr(), GROUP * maps.size * self.bytes
        work["factor"] = packed.data_ptr()
        work["factor_block"] = 4 * len(part.steps) * WIDTH

    def _into(self, work: Numbers, part: Through, halves: Tensor | None, paired: Tensor | None, maps: Maps) -> None:
        if halves is not None:
            work["into"], work["into_group"] = halves.data_ptr(), GROUP * maps.size * self.bytes
            work["into_rows"] = self._keep(rows_of(maps, *part.to, self.bytes))
        if paired is not None and self.pair == 2:
            work["pairs"], work["pairs_group"] = paired.data_ptr(), GROUP // 2 * maps.size * 4
            work["pairs_rows"] = self._keep(pairs_of(maps, *part.to))

    def _keep(self, table: Numbers) -> int:
        """The address of a table, which then stays."""
        self.tables.append(table)
        return table.ctypes.data


def _numbers(tensor: Tensor) -> Numbers:
    """As compiled code takes them: float32, or of bfloat16 the bits."""
    return (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _work(kind: int, columns: int) -> Numbers:
    work = np.zeros(1, PRODUCT)
    work["kind"], work["blocks"] = kind, columns // WIDTH
    return work


class Passes(torch.autograd.Function):
    """`apply(step, images, *step.parameters)`: what the trunk makes of images, with its gradients."""

    @staticmethod
    def forward(context: Any, step: ConvStep, images: Tensor, *parameters: Tensor) -> Tensor:
        context.step = step
        return step.forward(images)

    @staticmethod
    def backward(context: Any, *slopes: Tensor) -> Any:
        return None, None, *context.step.backward(slopes[0])


def can_compile(learner: Learner) -> bool:
    """Whether the net has a trunk of strided convolutions on a CPU, all of which learns, and the machine has what it
    takes."""
    trunk = learner.net.trunk
    parameters = list(trunk.parameters())
    return (
        not trunk.pool
        and (len(trunk.convolutions) == 1 or all(conv.kernel_size[0] >= 2 for conv in trunk.convolutions))
        and all(p.requires_grad and p.device.type == "cpu" for p in parameters)
        and machine_can(learner.precision)
    )


class CompiledNet:
    """A net, the convolutions of whose trunk are in machine code, in training."""

    def __init__(self, learner: Learner) -> None:
        self.net, self.precision = learner.net, learner.precision
        self.step: ConvStep | None = None

    def __call__(self, images: Tensor) -> tuple[Tensor, ...]:
        if self.step is None:
            self.step = ConvStep(self.net.trunk, tuple(images.shape[1:]), self.precision)
        maps: Tensor = Passes.apply(self.step, images, *self.step.parameters)
        return self.net.answer(maps)
