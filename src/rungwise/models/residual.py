"""A small residual net: a stem that halves the side at once, then stages of 3x3 convolutions with BatchNorm."""

from typing import Annotated, ClassVar, Literal, Self

import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from rungwise.errors import UserError
from rungwise.models.cnn import Filters
from rungwise.models.ensemble import Ensemble
from rungwise.models.net import MOST_LAYERS, NetSettings, Role, Shape
from rungwise.models.norm import BatchNorm
from rungwise.words import counted

MOST_MEMBERS = 20
"""Each is a net that is trained beside the others. Ensembles gain little from more than ten."""


class ResidualSettings(NetSettings):
    """The stem, then stages of one convolution and some residual blocks; the side halves between stages, too."""

    roles: ClassVar[tuple[Role, ...]] = ("cnn",)

    family: Literal["residual"] = "residual"
    stem: int = Field(32, ge=1)
    """Filters of the first convolution."""
    filters: Filters
    """Of each stage."""
    blocks: tuple[Annotated[int, Field(ge=0, le=MOST_LAYERS)], ...]
    """How many each stage has: 0 or more."""
    members: int = Field(1, ge=1, le=MOST_MEMBERS, exclude_if=lambda members: members == 1)
    """How many such nets learn side by side and answer as one."""
    crop: int = Field(0, ge=0, exclude_if=lambda pixels: pixels == 0)
    """Pixels along each edge that the net does not look at; those of MNIST are black but for a few."""

    @model_validator(mode="after")
    def _one_per_stage(self) -> Self:
        if len(self.blocks) != len(self.filters):
            raise ValueError(
                f"blocks has one number, 0 or more, for each of the {len(self.filters)} stages in filters; got "
                f"{list(self.blocks)}"
            )
        return self

    def build(self, image: Shape, outputs: tuple[int, ...]) -> "Residual | Ensemble":
        (classes,) = outputs
        if fault := self.fault_on(image):
            raise UserError(fault)
        nets = [Residual(image[0], self, classes) for _ in range(self.members)]
        return Ensemble(nets) if len(nets) > 1 else nets[0]

    def fault_on(self, image: Shape) -> str:
        if 2 * self.crop < min(image[1:]):
            return ""
        most = (min(image[1:]) - 1) // 2
        return (
            f"crop = {self.crop:,} leaves nothing of images of {image[1]} x {image[2]} pixels; expected at most {most}"
        )

    def in_short(self) -> str:
        """The filters, "64+1" where a residual block of as many follows the convolution, "3 of" an ensemble's."""
        stages = zip(self.filters, self.blocks, strict=True)
        count = f"{self.members} of " if self.members > 1 else ""
        return f"{count}{self.stem}-" + "-".join(
            f"{filters}+{blocks}" if blocks else str(filters) for filters, blocks in stages
        )

    def halvings(self) -> Literal["pool"]:
        return "pool"

    def remarks(self, name: str) -> tuple[str, ...]:
        crop = f"{name} does not look at {counted(self.crop, 'pixel')} along each edge of an image."
        ensemble = (
            f"{name} is an ensemble of {self.members} nets that start apart, see the same batches, learn each from its "
            "own loss, and answer by the mean of their probabilities (Lakshminarayanan et al. 2017)."
        )
        return (crop if self.crop else "", ensemble if self.members > 1 else "")


class Normalised(nn.Module):
    """A 3x3 convolution without bias, 2x2 max-pooling (ceil mode) where it halves, then BatchNorm.

    Pooling before the normalisation leaves it a quarter of the work.
    """

    def __init__(self, channels: int, filters: int, *, halves: bool = False) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, filters, 3, padding=1, bias=False)
        self.halves = halves
        self.norm = BatchNorm(filters)

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolution(x)
        normed: Tensor = self.norm(_halved(x) if self.halves else x)
        return normed


class Block(nn.Module):
    """relu(x + f(x)) with two convolutions in f (He et al. 2016)."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.first, self.second = Normalised(filters, filters), Normalised(filters, filters)

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.second(self.first(x).relu_())
        return inner.add_(x).relu_()


class Stage(nn.Module):
    """A convolution to the stage's filters, then its blocks."""

    def __init__(self, channels: int, filters: int, blocks: int) -> None:
        super().__init__()
        self.widen = Normalised(channels, filters)
        self.blocks = nn.ModuleList(Block(filters) for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        x = self.widen(x).relu_()
        for block in self.blocks:
            x = block(x)
        return x


class Residual(nn.Module):
    """The logits are read off each map's largest value."""

    def __init__(self, channels: int, settings: ResidualSettings, classes: int) -> None:
        super().__init__()
        widths = (settings.stem, *settings.filters)
        self.crop = settings.crop
        self.stem = Normalised(channels, settings.stem, halves=True)
        self.stages = nn.ModuleList(
            Stage(a, b, blocks) for a, b, blocks in zip(widths, settings.filters, settings.blocks, strict=False)
        )
        self.head = nn.Linear(widths[-1], classes, bias=False)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """The maps after the stem and each stage, (N, filters, side, side), then the logits (N, classes)."""
        height, width = x.shape[2:]
        x = self.stem(x[..., self.crop : height - self.crop, self.crop : width - self.crop]).relu_()
        maps = {"stem": x}
        for number, stage in enumerate(self.stages, 1):
            x = maps[f"stage {number}"] = stage(_halved(x) if number > 1 else x)
        return {**maps, "logits": self.head(x.amax((2, 3)))}

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (self.features(x)["logits"],)


def _halved(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2, ceil_mode=True)
