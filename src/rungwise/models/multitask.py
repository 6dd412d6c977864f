"""Hard parameter sharing: one trunk and shared dense layers for all tasks, then dense layers of each task's own."""

from itertools import pairwise
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from rungwise.models.cnn import Filters, Halving, Trunk
from rungwise.models.linear import Linear
from rungwise.models.mlp import Width
from rungwise.models.net import NetSettings, Shape


class SharedSettings(NetSettings):
    """Convolutions and dense layers that all tasks share, and the hidden layers that each task adds."""

    family: Literal["shared"] = "shared"
    filters: Filters
    kernel: int = Field(3, ge=1)
    halving: Halving = "stride"
    shared: tuple[Width, ...] = ()
    """Widths of the dense layers that all tasks share."""
    head: tuple[Width, ...] = ()
    """Widths of each task's own hidden layers."""

    def build(self, image: Shape, outputs: tuple[int, ...]) -> "Shared":
        return Shared(self, image, outputs)


class Shared(nn.Module):
    """With one task, this is its single-task baseline."""

    def __init__(self, settings: SharedSettings, image: Shape, outputs: tuple[int, ...]) -> None:
        super().__init__()
        self.trunk = Trunk(image, settings.filters, settings.kernel, settings.halving)
        widths = (self.trunk.outputs, *settings.shared)
        self.shared = dense(widths)
        self.heads = heads(widths[-1], settings.head, outputs)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        stages = self.trunk.features(x)
        stages["shared"] = self.shared(next(reversed(stages.values())).flatten(1))  # (N, width)
        for number, head in enumerate(self.heads, 1):
            stages[f"logits {number}"] = head(stages["shared"])  # (N, classes of the task)
        return stages

    def answer(self, maps: Tensor) -> tuple[Tensor, ...]:
        """Each task's logits (N, classes), of the trunk's last maps."""
        shared = self.shared(maps.flatten(1))
        return tuple(head(shared) for head in self.heads)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.answer(self.trunk(x))


def heads(width: int, hidden: tuple[int, ...], outputs: tuple[int, ...]) -> nn.ModuleList:
    """Each task's own layers, from (N, width) to its logits (N, classes)."""
    widths = (width, *hidden)
    return nn.ModuleList(nn.Sequential(dense(widths), Linear(widths[-1], classes)) for classes in outputs)


def dense(widths: tuple[int, ...]) -> nn.Sequential:
    """Fully connected layers with a ReLU after each; for one width alone, nothing."""
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [Linear(a, b), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
