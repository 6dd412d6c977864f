"""A small modern net with hard sharing: convolutions with BatchNorm, the side halved early, a head per task."""

from itertools import pairwise
from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from rungwise.models.cnn import Filters
from rungwise.models.dropout import Dropped
from rungwise.models.linear import dense
from rungwise.models.mlp import Widths
from rungwise.models.multitask import dense_in_words, dropout_in_short, heads, own_in_words
from rungwise.models.net import NetSettings, Role, Shape
from rungwise.models.norm import BatchNorm


class CompactSettings(NetSettings):
    """Blocks of one convolution each, which all tasks share, and the hidden layers that each task adds."""

    roles: ClassVar[tuple[Role, ...]] = ("sharing", "trunk")

    family: Literal["compact"] = "compact"
    filters: Filters = (16, 32, 64)
    """Of each block; the first block is the stem. The side halves at the end of each (see `Blocks`)."""
    shared: Widths = ()
    """Widths of the dense layers that all tasks share."""
    head: Widths = ()
    """Widths of each task's own hidden layers."""
    dropout: Dropped = 0.0
    """As of `SharedSettings`."""

    def build(self, image: Shape, outputs: tuple[int, ...]) -> "Compact":
        return Compact(self, image, outputs)

    def in_short(self) -> str:
        return "; ".join(filter(None, ("-".join(map(str, self.filters)), dropout_in_short(self.dropout))))

    def in_words(self) -> str:
        trunk = f"{blocks_in_words(self.filters)}{dense_in_words(self.shared, self.dropout)}"
        return f"All tasks share {trunk}; each task adds {self.head_in_words()}."

    def trunk_in_words(self) -> str:
        filters = ", ".join(map(str, self.filters))
        return f"convolutions with BatchNorm of {filters} filters{dense_in_words(self.shared, self.dropout)}"

    def head_in_words(self) -> str:
        return own_in_words(self.head, self.dropout, after_maps=not self.shared)

    def halvings(self) -> Literal["pool"]:
        return "pool"


def blocks_in_words(filters: tuple[int, ...]) -> str:
    told = ", ".join(map(str, filters))
    return f"blocks of {told} filters (convolution of 3 × 3, max-pooling, BatchNorm, ReLU)"


class Block(nn.Module):
    """A convolution of 3x3 without bias, 2x2 max-pooling (ceil mode) where it halves, BatchNorm, ReLU.

    Pooling before the normalisation leaves it a quarter of the work.
    """

    def __init__(self, channels: int, filters: int, halves: bool) -> None:
        super().__init__()
        self.halves = halves
        self.convolution = nn.Conv2d(channels, filters, 3, padding=1, bias=False)
        self.norm = BatchNorm(filters)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, filters, H', W')."""
        x = self.convolution(x)
        if self.halves:
            x = F.max_pool2d(x, 2, ceil_mode=True)
        normal: Tensor = self.norm(x)
        return normal.relu_()


class Blocks(nn.ModuleList):
    """A column of blocks. The side halves, rounding up, in each block until the shorter side is 2.

    A side of 1 would leave BatchNorm a single value per channel in a batch of one image, of which it learns nothing.
    """

    def __init__(self, image: Shape, filters: tuple[int, ...]) -> None:
        channels, height, width = image
        blocks = []
        for a, b in pairwise((channels, *filters)):
            halves = min(height, width) > 2
            blocks.append(Block(a, b, halves))
            if halves:
                height, width = -(-height // 2), -(-width // 2)
        super().__init__(blocks)
        self.outputs = filters[-1] * height * width
        """Numbers per image that the last block gives."""


class Compact(nn.Module):
    """With one task, this is its single-task baseline, and that of the columns that several tasks may have."""

    def __init__(self, settings: CompactSettings, image: Shape, outputs: tuple[int, ...]) -> None:
        super().__init__()
        self.blocks = Blocks(image, settings.filters)
        widths = (self.blocks.outputs, *settings.shared)
        self.shared = dense(widths, settings.dropout)
        self.heads = heads(widths[-1], settings.head, outputs, settings.dropout, after_maps=not settings.shared)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        stages = {}
        for number, block in enumerate(self.blocks, 1):
            x = stages[f"block {number}"] = block(x)  # (N, filters, side, side)
        # All cells, not each map's mean: on Fashion-MNIST that was right on 8 percentage points fewer after one epoch.
        stages["shared"] = self.shared(x.flatten(1))  # (N, width)
        for number, head in enumerate(self.heads, 1):
            stages[f"logits {number}"] = head(stages["shared"])  # (N, classes of the task)
        return stages

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        stages = self.features(x)
        return tuple(stages[f"logits {number}"] for number in range(1, len(self.heads) + 1))
