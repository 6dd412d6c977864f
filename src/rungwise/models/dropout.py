"""Dropout that the seed decides (Srivastava et al. 2014, JMLR 15)."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

Dropped = Annotated[float, Field(ge=0, lt=1, exclude_if=lambda share: not share)]
"""The share of values that dropout drops; 0 is left out of what is kept."""


class Dropout(nn.Dropout):
    """`nn.Dropout`, but for its generator: PyTorch's has the global one, which other code draws from, too.

    In training each value is 0 with a chance of `p`, and else divided by 1 - p. The masks are drawn on the CPU, so that
    every device has the same ones.
    """

    def __init__(self, p: float) -> None:
        super().__init__(p)
        self.generator = torch.Generator()
        """Of the masks. A deep copy of the layer has a copy of it, and so leaves it alone."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) to the same."""
        if not self.training:
            return x
        if x.is_meta:  # only shapes and memory are asked for
            return x * torch.empty_like(x)
        noise = torch.empty(x.shape, dtype=x.dtype, device="cpu")
        noise.bernoulli_(1 - self.p, generator=self.generator).div_(1 - self.p)
        return x * noise.to(x.device)


def dropout(share: float) -> nn.Module:
    """A layer that drops that share of its input; without any, one that does nothing."""
    return Dropout(share) if share else nn.Identity()


def seed_dropout(net: nn.Module, seed: int) -> None:
    """Have all dropout in a net draw its masks from one new generator of that seed, each after the other."""
    generator = torch.Generator().manual_seed(seed)
    for layer in net.modules():
        if isinstance(layer, Dropout):
            layer.generator = generator


def has_dropout(net: nn.Module) -> bool:
    """Whether some layer of it is `Dropout`: no step is then the same work as the one before."""
    return any(isinstance(layer, Dropout) for layer in net.modules())
