"""The forward and backward passes of a trunk's convolutions in training, in machine code.

    images -> scaled or copied into maps -> products forward -> maps or logits
    gradient in these, 0 where ReLU was 0 -> per layer: weights' gradient, gradient in the layer's input

`conv.layout` draws how a convolution is a product, `conv.products` what is stored, `conv.weights` how weights are.
Batches of any size go through; memory grows with the largest. An odd batch has an image more, whose gradient is 0.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rungwise.kernels.arrays import as_numbers, as_words
from rungwise.kernels.conv.layout import Filters, Layer, Maps, padded_channels
from rungwise.kernels.conv.passes import head_loss, mask_gradient, multiply, pair_images, scale_images
from rungwise.kernels.conv.products import Products
from rungwise.kernels.conv.weights import Weights
from rungwise.kernels.dense.step import DenseLayers
from rungwise.kernels.descent import machine_can, threads
from rungwise.kernels.llvm import vectors
from rungwise.models.cnn import Cnn, SameConv, Trunk
from rungwise.models.multitask import Shared
from rungwise.models.net import Shape

MOST_PADDING = 1.1
"""Channels with those that only fill tiles, over channels: with more of them PyTorch's convolutions are faster."""


def pays(precision: str) -> bool:
    """Whether this machine has what it takes. With shorter vectors than AVX-512's PyTorch's convolutions are faster."""
    return vectors.LANES == 16 and machine_can(precision)


def can_compile(net: nn.Module, precision: str) -> bool:
    """Whether the net has a trunk of strided convolutions on a CPU, without BatchNorm, all of it learns, its filters
    fill tiles, and what follows is what machine code knows (`plain`)."""
    if not isinstance(net, Cnn | Shared) or not net.plain:
        return False
    trunk, parameters = net.trunk, list(net.trunk.parameters())
    convolutions = [conv for conv in trunk.convolutions if isinstance(conv, SameConv)]
    return (
        not trunk.pool
        and all(conv.kernel_size >= conv.stride for conv in convolutions)  # else some inputs meet no weight
        and all(p.requires_grad and p.device.type == "cpu" for p in parameters)
        and all(padded_channels(conv.out_channels) <= MOST_PADDING * conv.out_channels for conv in convolutions)
        and pays(precision)
    )


@dataclass(frozen=True)
class _Ends:
    """Views of what the passes of some pairs of images begin and end with, (images, numbers of an image)."""

    images: np.ndarray
    """The first layer's maps."""
    out: np.ndarray
    """The last maps, or logits."""
    gradient: np.ndarray
    """Of the loss in these, before ReLU."""
    to_pair: list[tuple[np.ndarray, np.ndarray]]
    """Plain and paired maps, as words, that no product writes in pairs."""


class ConvStep:
    """The passes of a trunk that `can_compile`, and of a dense layer over its maps: all their parameters get gradients,
    the images none."""

    def __init__(self, trunk: Trunk, image: Shape, precision: str, head: nn.Linear | None = None) -> None:
        self.dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self.bytes, self.threads = self.dtype.itemsize, threads()
        self.layers: list[Layer] = []
        for module in (*trunk.convolutions, *([] if head is None else [head])):
            assert isinstance(module, SameConv | nn.Linear)
            self.layers.append(Layer(Filters(module, image), image, self.bytes, first=not self.layers))
            image = self.layers[-1].out_shape
        self.out = Maps(self.layers[-1].gradients.channels, *image[1:])
        self.weights = [Weights(layer, self.dtype, self.threads) for layer in self.layers]
        self.parameters = [p for one in self.weights for p in one.filters.parameters]
        self.like = np.zeros(0, np.uint32 if self.dtype == torch.bfloat16 else np.float32)
        """By its dtype compiled code knows what words hold."""
        self.places = self.layers[-1].gradients.at(*self.layers[-1].places)
        """Where the places of the last maps are stored among their gradients."""
        self.images = 0
        """That there is memory for."""
        self.ends: dict[int, _Ends] = {}
        """By pairs of images."""

    def forward(self, images: Tensor) -> Tensor:
        """What comes out of images (N, C, H, W): maps, or logits (N, classes, 1, 1); good until the next call."""
        count, first, last = len(images), self.layers[0], self.layers[-1]
        pairs = self._pairs(count)
        first.inputs.view(self.products.maps[0], first.shape)[:count] = images.permute(0, 2, 3, 1)
        self._pass_forward(pairs)
        return self.out.view(self.products.maps[-1], last.out_shape)[:count].permute(0, 3, 1, 2)

    def backward(self, gradient: Tensor) -> None:
        """Add to the weights' gradients, by the gradient of the loss in what `forward` returned last."""
        pairs = self._pairs(len(gradient))
        ends, numbers = self._ends(pairs), as_numbers(gradient.to(self.dtype).permute(0, 2, 3, 1).flatten(1, 2))
        active = ends.out if self.layers[-1].filters.relu else np.ones_like(ends.out)
        mask_gradient(numbers, active, self.places, ends.gradient, self.out.channels, self.threads)
        self._pass_backward(pairs)

    def learn(self, images: np.ndarray, labels: np.ndarray, smoothing: float) -> tuple[float, int]:
        """Both passes where the last layer is a head: the mean cross-entropy of images (N, C, H, W) of uint8 with
        smoothed labels (N,), and how many answers are correct."""
        pairs = self._pairs(len(images))
        ends, maps = self._ends(pairs), self.layers[0].inputs
        first = int(maps.at(*np.zeros((2, 1), np.int64))[0])
        scale_images(images, ends.images, first, maps.width * maps.channels)
        self._pass_forward(pairs)
        classes = self.layers[-1].out_shape[0]
        found: tuple[float, int] = head_loss(ends.out, labels, classes, smoothing, ends.gradient, self.places[0])
        self._pass_backward(pairs)
        return found

    def _pairs(self, images: int) -> int:
        """Of so many images; there is memory for them then."""
        pairs = -(-images // 2)
        if 2 * pairs > self.images:
            self.images, self.ends = 2 * pairs, {}
            self.products = Products(self.layers, self.weights, self.out, self.images, self.dtype)
        return pairs

    def _pass_forward(self, pairs: int) -> None:
        for one in self.weights:
            one.pack()
        multiply(*self.products.forward, self.like, self.bytes, pairs, self.threads)

    def _pass_backward(self, pairs: int) -> None:
        for plain, paired in self._ends(pairs).to_pair:
            pair_images(plain, paired, self.threads)
        multiply(*self.products.backward, self.like, self.bytes, pairs, self.threads)

    def _ends(self, pairs: int) -> _Ends:
        if pairs not in self.ends:

            def by_image(memory: Tensor, maps: Maps, count: int = 2 * pairs) -> Tensor:
                return memory[: count * maps.size].view(count, maps.size)

            inputs, last, to_pair, all_of = self.layers[0].inputs, self.layers[-1].gradients, [], self.products
            images, gradient = by_image(all_of.maps[0], inputs), by_image(all_of.gradients[-1], last)
            if self.bytes == 2:
                paired = by_image(all_of.paired[0], inputs, pairs), by_image(all_of.paired_gradients[-1], last, pairs)
                to_pair = [(as_words(images), as_words(paired[0])), (as_words(gradient), as_words(paired[1]))]
            out = as_numbers(by_image(all_of.maps[-1], self.out))
            self.ends[pairs] = _Ends(as_numbers(images), out, as_numbers(gradient), to_pair)
        return self.ends[pairs]


class ConvFunction(torch.autograd.Function):
    """`apply(step, images, *step.parameters)`: what the trunk makes of images, with its gradients."""

    @staticmethod
    def forward(context: Any, step: ConvStep, images: Tensor, *parameters: Tensor) -> Tensor:
        context.step = step
        return step.forward(images)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Any:
        context.step.backward(gradients[0])
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
        found: Tensor = ConvFunction.apply(self.step, images, *self.step.parameters)  # type: ignore[no-untyped-call]
        if self.dense is not None:
            return self.dense(found)  # type: ignore[no-any-return]
        return self.net.answer(found) if isinstance(self.net, Shared) else (found.flatten(1),)
