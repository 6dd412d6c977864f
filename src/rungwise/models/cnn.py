"""Plain convolutional net: convolutions with ReLU, the side halved between them, then dense layers to the logits."""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from rungwise.models.dropout import Dropped, dropout
from rungwise.models.linear import Linear
from rungwise.models.mlp import Widths
from rungwise.models.net import MOST_LAYERS, NetSettings, Role, Shape
from rungwise.models.norm import BatchNorm
from rungwise.words import listed

Halving = Literal["stride", "pool"]
"""How the side halves between convolutions: a stride of 2 in every convolution after the first, or 2x2 max-pooling
(ceil mode) before it. Both give the same sides and parameter counts."""
Filters = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, max_length=MOST_LAYERS)]


class CnnSettings(NetSettings):
    """The number of filters of each convolution.

    A convolution is followed by BatchNorm and ReLU, a dense layer by ReLU and dropout, in this order.
    """

    roles: ClassVar[tuple[Role, ...]] = ("cnn",)

    family: Literal["cnn"] = "cnn"
    filters: Filters
    kernel: int = Field(4, ge=1)
    """Side of the square kernels."""
    halving: Halving = "stride"
    batch_norm: bool = Field(False, exclude_if=lambda wanted: not wanted)
    """Whether each convolution is normalised before its ReLU. BatchNorm has a shift of its own: the convolution adds no
    bias then."""
    dense: Widths = Field((), exclude_if=lambda widths: not widths)
    """Widths of the dense layers between the last convolution and the logits."""
    dropout: Dropped = 0.0
    """The share of the values of each dense layer that is dropped in training, after its ReLU; without dense layers, of
    the last maps."""

    @property
    def compiled(self) -> str:
        return "" if self.batch_norm or self.dense or self.dropout else "cnn"

    def build(self, image: Shape, outputs: tuple[int, ...]) -> "Cnn":
        (classes,) = outputs
        return Cnn(self, image, classes)

    def fault_on(self, image: Shape) -> str:
        return kernel_fault(self.kernel, image)

    def in_short(self) -> str:
        """The filters: "32-64", or "32-64; dense 128; BatchNorm; dropout 0.5"."""
        dense = f"dense {', '.join(map(str, self.dense))}" if self.dense else ""
        norm, drop = "BatchNorm" if self.batch_norm else "", f"dropout {self.dropout:g}" if self.dropout else ""
        return "; ".join(filter(None, ("-".join(map(str, self.filters)), dense, norm, drop)))

    def remarks(self, name: str) -> tuple[str, ...]:
        norm = (
            f"{name} normalises each filter's maps over the batch before the ReLU (BatchNorm, Ioffe and Szegedy 2015): "
            "a filter has a scale and a shift in place of a bias."
        )
        widths = listed([f"{width:,}" for width in self.dense])
        dense = f"{name} has dense layers of {widths} units with ReLU between its last convolution and the logits."
        where = "each dense layer" if self.dense else "the last maps"
        drop = f"{name} drops {self.dropout:.4g} of the values of {where} in training, after the ReLU."
        return (norm if self.batch_norm else "", dense if self.dense else "", drop if self.dropout else "")

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

    def __init__(
        self, image: Shape, filters: tuple[int, ...], kernel: int, halving: Halving, *, batch_norm: bool = False
    ) -> None:
        super().__init__()
        self.pool = halving == "pool"
        channels = (image[0], *filters)
        self.convolutions = nn.ModuleList(
            SameConv(a, b, kernel, stride=2 if i and not self.pool else 1, bias=not batch_norm)
            for i, (a, b) in enumerate(pairwise(channels))
        )
        self.norms = nn.ModuleList(BatchNorm(count) if batch_norm else nn.Identity() for count in filters)
        height, width = image[1:]
        for _ in filters[1:]:
            height, width = -(-height // 2), -(-width // 2)
        self.outputs = filters[-1] * height * width

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """The maps after each ReLU, (N, filters, side, side)."""
        stages = {}
        for number, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True), 1):
            if self.pool and number > 1:
                x = F.max_pool2d(x, 2, ceil_mode=True)
            x = stages[f"convolution {number}"] = norm(convolution(x)).relu_()
        return stages

    def forward(self, x: Tensor) -> Tensor:
        """The last of them."""
        return next(reversed(self.features(x).values()))


class Cnn(nn.Module):
    def __init__(self, settings: CnnSettings, image: Shape, classes: int) -> None:
        super().__init__()
        self.trunk = Trunk(image, settings.filters, settings.kernel, settings.halving, batch_norm=settings.batch_norm)
        widths = (self.trunk.outputs, *settings.dense)
        self.dense = nn.ModuleList(Linear(a, b) for a, b in pairwise(widths))
        self.dropout = dropout(settings.dropout)
        self.plain = not settings.batch_norm and not settings.dense and not settings.dropout
        """Whether it has convolutions, ReLUs and one dense layer alone, which is what machine code knows."""
        self.head = nn.Linear(widths[-1], classes)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        stages = self.trunk.features(x)
        return stages | self._dense_features(next(reversed(stages.values())))

    def _dense_features(self, maps: Tensor) -> dict[str, Tensor]:
        """What comes after the trunk's last maps: each dense layer after its ReLU, (N, width), and the logits."""
        if not self.dense and isinstance(self.dropout, nn.Identity):
            return {"logits": self._logits_of_maps(maps)}
        stages: dict[str, Tensor] = {}
        x = maps.flatten(1)
        if not self.dense:
            x = self.dropout(x)
        for number, layer in enumerate(self.dense, 1):
            stages[f"dense {number}"] = layer(x).relu_()
            x = self.dropout(stages[f"dense {number}"])
        return {**stages, "logits": self.head(x)}

    def _logits_of_maps(self, maps: Tensor) -> Tensor:
        weight = self.head.weight
        if not maps.is_contiguous(memory_format=torch.channels_last) or weight.numel() > maps.numel():
            logits: Tensor = self.head(maps.flatten(1))
            return logits
        # Channels last: there are fewer weights to bring into the maps' order than the other way round.
        weight = weight.view(len(weight), *maps.shape[1:]).permute(0, 2, 3, 1).flatten(1)
        return F.linear(maps.permute(0, 2, 3, 1).flatten(1), weight, self.head.bias)

    def answer(self, maps: Tensor) -> tuple[Tensor, ...]:
        """The logits (N, classes), of the trunk's last maps."""
        return (self._dense_features(maps)["logits"],)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.answer(self.trunk(x))
