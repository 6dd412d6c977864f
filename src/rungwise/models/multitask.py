"""Hard parameter sharing: one trunk and shared dense layers for all tasks, then dense layers of each task's own."""

from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from rungwise.models.cnn import Filters, Halving, Trunk, kernel_fault
from rungwise.models.linear import Linear
from rungwise.models.mlp import Widths
from rungwise.models.net import NetSettings, Role, Shape


class SharedSettings(NetSettings):
    """Convolutions and dense layers that all tasks share, and the hidden layers that each task adds."""

    roles: ClassVar[tuple[Role, ...]] = ("sharing", "trunk")
    compiled: ClassVar[str] = "cnn"

    family: Literal["shared"] = "shared"
    filters: Filters
    kernel: int = Field(3, ge=1)
    halving: Halving = "stride"
    shared: Widths = ()
    """Widths of the dense layers that all tasks share."""
    head: Widths = ()
    """Widths of each task's own hidden layers."""

    def build(self, image: Shape, outputs: tuple[int, ...]) -> "Shared":
        return Shared(self, image, outputs)

    def fault_on(self, image: Shape) -> str:
        return kernel_fault(self.kernel, image)

    def in_short(self) -> str:
        return "-".join(map(str, self.filters))

    def in_words(self) -> str:
        filters = ", ".join(map(str, self.filters))
        shared = f", then shared dense layers of {', '.join(map(str, self.shared))} units" if self.shared else ""
        trunk = f"convolutions of {filters} filters of {self.kernel} × {self.kernel}{shared}"
        return f"All tasks share {trunk}; each task adds {self.head_in_words()}."

    def trunk_in_words(self) -> str:
        return f"convolutions of {', '.join(map(str, self.filters))} filters{dense_in_words(self.shared)}"

    def head_in_words(self) -> str:
        return own_in_words(self.head)

    def halvings(self) -> Halving:
        return self.halving


def dense_in_words(widths: tuple[int, ...]) -> str:
    """What follows a trunk's convolutions; "": nothing."""
    return f" and dense layers of {', '.join(map(str, widths))} units" if widths else ""


def own_in_words(widths: tuple[int, ...]) -> str:
    """What each task adds, of the widths of its own hidden layers."""
    return f"dense layers of {', '.join(map(str, widths))} units and its logits" if widths else "its logits"


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
