"""What every net here is: a setting in the study file that builds a module with logits and named stages."""

import functools
from typing import Protocol

import torch
from torch import Tensor, nn

from rungwise.settings import Settings

Shape = tuple[int, int, int]
"""(C, H, W) of one image."""


class NetSettings(Settings):
    """An architecture as a study file gives it. A subclass is one file in this folder."""

    def build(self, image: Shape, outputs: tuple[int, ...]) -> nn.Module:
        """The module for images of that shape, with one group of logits per task (``outputs``: classes of each)."""
        raise NotImplementedError


class Net(Protocol):
    """The module that `NetSettings.build` returns."""

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Every named stage for images x (N, C, H, W), in order; the last ones are the logits."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """One tensor of logits (N, classes) per task; of an ensemble in training (members, N, classes)."""


@functools.cache
def count_parameters(settings: NetSettings, image: Shape, outputs: tuple[int, ...]) -> int:
    """Trainable parameters, counted without allocating them."""
    with torch.device("meta"):
        return sum(p.numel() for p in settings.build(image, outputs).parameters() if p.requires_grad)


@functools.cache
def count_flops(settings: NetSettings, image: Shape, outputs: tuple[int, ...]) -> int:
    """Floating-point operations of one training step on one image: a multiply and an add count as two.

    Products of the forward pass, and of the backward pass for weights and inputs; the first layer needs no gradient
    for its input. Activations, the loss and the optimiser are left out.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        net = settings.build(image, outputs)
        counter = FlopCounterMode(display=False)
        with counter:
            total = torch.stack([logits.sum() for logits in net(torch.empty(1, *image))]).sum()
            torch.autograd.backward(total)
    return int(counter.get_total_flops())


class Undrawn(nn.Module):
    """A layer that starts at values of its own, which no generator draws."""

    def reset_parameters(self) -> None:
        """Put it back to its start."""
        raise NotImplementedError


@torch.no_grad()
def initialise(net: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights afresh: uniform after Glorot and Bengio (2010), biases 0. See docs/decisions.md.

    BatchNorm starts at weights 1, biases 0 and fresh running statistics.
    """
    for module in net.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d | Undrawn):
            module.reset_parameters()
