"""Plain convolutional net: convolutions with ReLU, the side halved between them, one dense layer at the end."""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from rungwise.models.net import MOST_LAYERS, NetSettings, Role, Shape

Halving = Literal["stride", "pool"]
"""How the side halves between convolutions: a stride of 2 in every convolution after the first, or 2x2 max-pooling
(ceil mode) before it. Both give the same sides and parameter counts."""
Filters = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, max_length=MOST_LAYERS)]


class CnnSettings(NetSettings):
    """The number of filters of each convolution."""

    roles: ClassVar[tuple[Role, ...]] = ("cnn",)
    compiled: ClassVar[str] = "cnn"

    family: Literal["cnn"] = "cnn"
    filters: Filters
    kernel: int = Field(4, ge=1)
    """Side of the square kernels."""
    halving: Halving = "stride"

    def build(self, image: Shape, outputs: tuple[int, ...]) -> "Cnn":
        (classes,) = outputs
        return Cnn(image, self.filters, self.kernel, self.halving, classes)

    def fault_on(self, image: Shape) -> str:
        return kernel_fault(self.kernel, image)

    def in_short(self) -> str:
        """The filters: "32-64"."""
        return "-".join(map(str, self.filters))

    def halvings(self) -> Halving:
        return self.halving


def kernel_fault(kernel: int, image: Shape) -> str:
    """What is wrong with kernels of that side; "": nothing."""
    largest = 2 * max(image[1:]) - 1  # from one edge of the image, such a kernel reaches the other
    if kernel <= largest:
        return ""
    return (
        f"kernel: the outer weights of kernels of {kernel:,} x {kernel:,} would see nothing of images of {image[1]} x "
        f"{image[2]} pixels; expected at most {largest}"
    )


class SameConv(nn.Conv2d):
    """A convolution whose output side is ceil(side / stride); an odd zero of padding is at the right and bottom."""

    def forward(self, x: Tensor) -> Tensor:
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        before, after = zip(*(same_padding(side, kernel, stride) for side in x.shape[2:]), strict=True)
        if before == after:  # the convolution pads by itself, without a padded copy of its input
            return F.conv2d(x, self.weight, self.bias, stride, before)
        padded = F.pad(x, (before[1], after[1], before[0], after[0]))
        return F.conv2d(padded, self.weight, self.bias, stride)


def same_padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after one side, so that the output's side is ceil(side / stride)."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


class Trunk(nn.Module):
    """The convolutions alone. The side halves, rounding up, between consecutive ones and not after the last."""

    def __init__(self, image: Shape, filters: tuple[int, ...], kernel: int, halving: Halving) -> None:
        super().__init__()
        self.pool = halving == "pool"
        channels = (image[0], *filters)
        self.convolutions = nn.ModuleList(
            SameConv(a, b, kernel, stride=2 if i and not self.pool else 1)
            for i, (a, b) in enumerate(pairwise(channels))
        )
        height, width = image[1:]
        for _ in filters[1:]:
            height, width = -(-height // 2), -(-width // 2)
        self.outputs = filters[-1] * height * width

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """The maps after each ReLU, (N, filters, side, side)."""
        stages = {}
        for number, convolution in enumerate(self.convolutions, 1):
            if self.pool and number > 1:
                x = F.max_pool2d(x, 2, ceil_mode=True)
            x = stages[f"convolution {number}"] = convolution(x).relu_()
        return stages

    def forward(self, x: Tensor) -> Tensor:
        """The last of them."""
        return next(reversed(self.features(x).values()))


class Cnn(nn.Module):
    def __init__(self, image: Shape, filters: tuple[int, ...], kernel: int, halving: Halving, classes: int) -> None:
        super().__init__()
        self.trunk = Trunk(image, filters, kernel, halving)
        self.head = nn.Linear(self.trunk.outputs, classes)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        stages = self.trunk.features(x)
        (logits,) = self.answer(next(reversed(stages.values())))
        return {**stages, "logits": logits}

    def answer(self, maps: Tensor) -> tuple[Tensor, ...]:
        """The logits (N, classes), of the trunk's last maps."""
        weight = self.head.weight
        if not maps.is_contiguous(memory_format=torch.channels_last) or weight.numel() > maps.numel():
            return (self.head(maps.flatten(1)),)
        # Channels last: there are fewer weights to bring into the maps' order than the other way round.
        weight = weight.view(len(weight), *maps.shape[1:]).permute(0, 2, 3, 1).flatten(1)
        return (F.linear(maps.permute(0, 2, 3, 1).flatten(1), weight, self.head.bias),)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.answer(self.trunk(x))
