"""Multilayer perceptron: fully connected layers with ReLU between them."""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from rungwise.models.linear import Linear
from rungwise.models.net import MOST_LAYERS, NetSettings, Role, Shape

Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(max_length=MOST_LAYERS)]
"""Of dense layers, one after the other; () for none."""


class MlpSettings(NetSettings):
    """The widths of the hidden layers, from the image to the logits."""

    roles: ClassVar[tuple[Role, ...]] = ("mlp",)
    compiled: ClassVar[str] = "mlp"

    family: Literal["mlp"] = "mlp"
    hidden: Widths
    bias: bool = Field(True, exclude_if=lambda bias: bias)
    """Whether layers add a bias; theory is often of nets without."""

    def build(self, image: Shape, outputs: tuple[int, ...]) -> "Mlp":
        (classes,) = outputs
        return Mlp(image, self.hidden, classes, bias=self.bias)

    def in_short(self) -> str:
        """The hidden layers: "500 × 9" or "300, 100"."""
        widths = self.hidden
        return f"{widths[0]} × {len(widths)}" if len(set(widths)) == 1 else ", ".join(map(str, widths)) or "none"


class Mlp(nn.Module):
    flattens = True
    """See `models.pixels.scaled_for`."""

    def __init__(self, image: Shape, hidden: tuple[int, ...], classes: int, *, bias: bool = True) -> None:
        super().__init__()
        widths = (image[0] * image[1] * image[2], *hidden)
        self.hidden = nn.ModuleList(Linear(a, b, bias) for a, b in pairwise(widths))
        self.head = Linear(widths[-1], classes, bias)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        stages = {}
        x = x.flatten(1)  # (N, C·H·W)
        for number, layer in enumerate(self.hidden, 1):
            x = stages[f"hidden {number}"] = layer(x).relu_()  # (N, width)
        stages["logits"] = self.head(x)  # (N, classes)
        return stages

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (self.features(x)["logits"],)
