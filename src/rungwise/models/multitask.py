"""Hard parameter sharing: one trunk and shared dense layers for all tasks, then dense layers of each task's own."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from rungwise.models.cnn import Filters, Halving, Trunk, kernel_fault
from rungwise.models.dropout import Dropout, Dropped
from rungwise.models.linear import Linear, dense
from rungwise.models.mlp import Widths
from rungwise.models.net import NetSettings, Role, Shape


class SharedSettings(NetSettings):
    """Convolutions and dense layers that all tasks share, and the hidden layers that each task adds."""

    roles: ClassVar[tuple[Role, ...]] = ("sharing", "trunk")

    family: Literal["shared"] = "shared"
    filters: Filters
    kernel: int = Field(3, ge=1)
    halving: Halving = "stride"
    shared: Widths = ()
    """Widths of the dense layers that all tasks share."""
    head: Widths = ()
    """Widths of each task's own hidden layers."""
    dropout: Dropped = 0.0
    """The share of the values of each dense layer, shared or a task's own, that is dropped in training, after its ReLU;
    without dense layers, of the last maps, for each task apart."""

    @property
    def compiled(self) -> str:
        return "" if self.dropout else "cnn"

    def build(self, image: Shape, outputs: tuple[int, ...]) -> "Shared":
        return Shared(self, image, outputs)

    def fault_on(self, image: Shape) -> str:
        return kernel_fault(self.kernel, image)

    def in_short(self) -> str:
        return "; ".join(filter(None, ("-".join(map(str, self.filters)), dropout_in_short(self.dropout))))

    def in_words(self) -> str:
        filters = ", ".join(map(str, self.filters))
        widths = ", ".join(map(str, self.shared))
        shared = f", then shared dense layers of {widths} units{with_dropout(self.dropout)}" if self.shared else ""
        trunk = f"convolutions of {filters} filters of {self.kernel} × {self.kernel}{shared}"
        return f"All tasks share {trunk}; each task adds {self.head_in_words()}."

    def trunk_in_words(self) -> str:
        dense = dense_in_words(self.shared, self.dropout)
        return f"convolutions of {', '.join(map(str, self.filters))} filters{dense}"

    def head_in_words(self) -> str:
        return own_in_words(self.head, self.dropout, after_maps=not self.shared)

    def halvings(self) -> Halving:
        return self.halving


def dropout_in_short(share: float) -> str:
    return f"dropout {share:g}" if share else ""


def with_dropout(share: float) -> str:
    """What is said of dense layers after their widths."""
    return f" with dropout of {share:g}" if share else ""


def dense_in_words(widths: tuple[int, ...], dropout: float = 0.0) -> str:
    """What follows a trunk's convolutions; "": nothing."""
    return f" and dense layers of {', '.join(map(str, widths))} units{with_dropout(dropout)}" if widths else ""


def own_in_words(widths: tuple[int, ...], dropout: float = 0.0, *, after_maps: bool = True) -> str:
    """What each task adds, as `heads` builds it."""
    if widths:
        return f"dense layers of {', '.join(map(str, widths))} units{with_dropout(dropout)} and its logits"
    return f"dropout of {dropout:g} and its logits" if dropout and after_maps else "its logits"


class Shared(nn.Module):
    """With one task, this is its single-task baseline."""

    def __init__(self, settings: SharedSettings, image: Shape, outputs: tuple[int, ...]) -> None:
        super().__init__()
        self.plain = not settings.dropout
        """Whether it has what machine code knows alone: no dropout."""
        self.trunk = Trunk(image, settings.filters, settings.kernel, settings.halving)
        widths = (self.trunk.outputs, *settings.shared)
        self.shared = dense(widths, settings.dropout)
        self.heads = heads(widths[-1], settings.head, outputs, settings.dropout, after_maps=not settings.shared)

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


def heads(
    width: int, hidden: tuple[int, ...], outputs: tuple[int, ...], dropout: float = 0.0, *, after_maps: bool = True
) -> nn.ModuleList:
    """Each task's own layers, from (N, width) to its logits (N, classes).

    Dropout follows each hidden layer. Where there is none, and what comes in are maps, to which no dropout was done, it
    is done before the logits.
    """
    widths = (width, *hidden)
    first = [Dropout(dropout)] if dropout and after_maps and not hidden else []
    return nn.ModuleList(
        nn.Sequential(dense(widths, dropout), *first, Linear(widths[-1], classes)) for classes in outputs
    )
