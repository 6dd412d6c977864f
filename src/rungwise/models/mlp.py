"""Multilayer perceptron: fully connected layers with ReLU between them, and BatchNorm and dropout if wanted."""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from rungwise.models.dropout import Dropped, dropout
from rungwise.models.linear import Linear
from rungwise.models.net import MOST_LAYERS, NetSettings, Role, Shape
from rungwise.models.norm import BatchNorm1d

Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(max_length=MOST_LAYERS)]
"""Of dense layers, one after the other; () for none."""


class MlpSettings(NetSettings):
    """The widths of the hidden layers, from the image to the logits.

    A hidden layer is linear, BatchNorm, ReLU, dropout, in this order.
    """

    roles: ClassVar[tuple[Role, ...]] = ("mlp",)

    family: Literal["mlp"] = "mlp"
    hidden: Widths
    bias: bool = Field(True, exclude_if=lambda bias: bias)
    """Whether layers add a bias; theory is often of nets without."""
    batch_norm: bool = Field(False, exclude_if=lambda wanted: not wanted)
    """Whether each hidden layer is normalised before its ReLU. BatchNorm has a shift of its own: the layer adds no
    bias then."""
    dropout: Dropped = 0.0
    """The share of the values of each hidden layer that is dropped in training, after its ReLU."""

    @model_validator(mode="after")
    def _on_hidden_layers(self) -> Self:
        for name in ("batch_norm", "dropout"):
            if getattr(self, name) and not self.hidden:
                raise ValueError(f"{name} is of hidden layers, and hidden = [] has none: leave {name} out")
        return self

    @property
    def compiled(self) -> str:
        return "" if self.batch_norm or self.dropout else "mlp"

    def build(self, image: Shape, outputs: tuple[int, ...]) -> "Mlp":
        (classes,) = outputs
        return Mlp(self, image, classes)

    def in_short(self) -> str:
        """The hidden layers: "500 × 9" or "300, 100; dropout 0.5"."""
        widths = self.hidden
        short = f"{widths[0]} × {len(widths)}" if len(set(widths)) == 1 else ", ".join(map(str, widths)) or "none"
        norm, drop = "BatchNorm" if self.batch_norm else "", f"dropout {self.dropout:g}" if self.dropout else ""
        return "; ".join(filter(None, (short, norm, drop)))

    def remarks(self, name: str) -> tuple[str, ...]:
        norm = (
            f"{name} normalises each hidden layer over the batch before its ReLU (BatchNorm, Ioffe and Szegedy 2015): "
            "for a unit it has a scale and a shift in place of a bias."
        )
        drop = f"{name} drops {self.dropout:.4g} of the values of each hidden layer in training, after its ReLU."
        return (norm if self.batch_norm else "", drop if self.dropout else "")


class Mlp(nn.Module):
    flattens = True
    """See `models.pixels.scaled_for`."""

    def __init__(self, settings: MlpSettings, image: Shape, classes: int) -> None:
        super().__init__()
        widths = (image[0] * image[1] * image[2], *settings.hidden)
        normed, bias = settings.batch_norm, settings.bias
        self.hidden = nn.ModuleList(Linear(a, b, bias and not normed) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(BatchNorm1d(width) if normed else nn.Identity() for width in settings.hidden)
        self.dropout = dropout(settings.dropout)
        self.plain = not normed and not settings.dropout
        """Whether it has linear layers and ReLUs alone, which is what machine code knows."""
        self.head = Linear(widths[-1], classes, bias)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        stages = {}
        x = x.flatten(1)  # (N, C·H·W)
        for number, (layer, norm) in enumerate(zip(self.hidden, self.norms, strict=True), 1):
            stages[f"hidden {number}"] = norm(layer(x)).relu_()  # (N, width)
            x = self.dropout(stages[f"hidden {number}"])
        stages["logits"] = self.head(x)  # (N, classes)
        return stages

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (self.features(x)["logits"],)
