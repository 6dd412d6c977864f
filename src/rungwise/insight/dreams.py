"""Deep dreams: images in which a net sees a class, found by gradient ascent on the class's logit.

The objective is that of Simonyan et al. (2014, arXiv 1312.6034): the logit before the softmax, less a penalty
on the image. Random shifts and scales from coarse to fine are those of Mordvintsev et al. (2015, "Inceptionism");
the penalty is the total variation of Mahendran and Vedaldi (2015, arXiv 1412.0035) with beta = 2.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, field_validator
from torch import Tensor, nn

from rungwise.settings import Settings

TINY = 1e-12
"""Keeps a gradient of zero at zero when it is divided by its size."""


class DreamSettings(Settings):
    """How the ascent goes."""

    steps: int = Field(24, ge=1, le=10_000)
    """At each scale."""
    rate: float = Field(0.05, gt=0, le=2)
    """The root mean square of one step over the pixels of its scale; pixels lie in [-1, 1]."""
    jitter: int = Field(2, ge=0, le=1000)
    """The largest shift each way, in pixels of the net's input; a new one is drawn for each step."""
    smoothness: float = Field(10.0, ge=0, le=1e6)
    """Weight of the total variation against the logit."""
    scales: Annotated[tuple[Annotated[int, Field(ge=1, le=1024)], ...], Field(min_length=1)] = (7, 14, 28)
    """Sides at which the image is changed, coarse to fine; of an image that is not square, its longer one."""
    noise: float = Field(0.3, ge=0, le=10)
    """Standard deviation of the noise that dreams start from, about grey (0)."""

    @field_validator("scales")
    @classmethod
    def _coarse_to_fine(cls, scales: tuple[int, ...]) -> tuple[int, ...]:
        if list(scales) != sorted(set(scales)):
            raise ValueError(f"scales go from coarse to fine without repeating, got {list(scales)}")
        return scales


def noise(shape: tuple[int, ...], deviation: float, random: np.random.Generator) -> Tensor:
    """Gaussian pixels of that shape about 0, float32, cut off at -1 and 1."""
    return torch.from_numpy(random.normal(0, deviation, shape).astype(np.float32)).clamp_(-1, 1)


def ascend(
    net: nn.Module, starts: Tensor, aims: Tensor, settings: DreamSettings, random: np.random.Generator
) -> Tensor:
    """The dreams that climb from `starts` (B, C, H, W), pixels in [-1, 1], to the classes `aims` (B,).

    Each image climbs alone: the objectives are summed, and in eval mode no output depends on another image of
    the batch, so that no gradient does. All take the same random shifts.
    """
    net.eval()
    x = starts
    for side in settings.scales:
        for shift in random.integers(-settings.jitter, settings.jitter + 1, (settings.steps, 2)):
            direction = _direction(net, x, aims, side, (int(shift[0]), int(shift[1])), settings.smoothness)
            x = (x + settings.rate * direction).clamp_(-1, 1)
    return x


def _direction(net: nn.Module, x: Tensor, aims: Tensor, side: int, shift: tuple[int, int], smoothness: float) -> Tensor:
    """(B, C, H, W): each image's gradient for a change at that side, of unit root mean square there."""
    change = x.new_zeros(*x.shape[:2], *scaled_sides(x.shape[2:], side), requires_grad=True)
    seen = x + _resized(change, x.shape[2:])
    (logits,) = net(torch.roll(seen, shift, (2, 3)))
    aimed = logits.gather(1, aims[:, None])
    objective = aimed.sum() - smoothness * total_variation(seen).sum()
    (gradient,) = torch.autograd.grad(objective, change)
    size = gradient.square().mean((1, 2, 3), keepdim=True).sqrt()
    return _resized(gradient / (size + TINY), x.shape[2:])


def scaled_sides(sides: Sequence[int], longer: int) -> tuple[int, int]:
    """(H, W) of an image whose longer side has another length, in proportion, at least 1."""
    height, width = (max(1, round(side * longer / max(sides))) for side in sides)
    return height, width


def _resized(images: Tensor, size: torch.Size) -> Tensor:
    return F.interpolate(images, tuple(size), mode="bilinear", align_corners=False)


def total_variation(x: Tensor) -> Tensor:
    """(B,): squared differences of neighbours, down and across, summed and divided by the number of pixels.

    Squared, not absolute: with absolute ones the dreams had flat grey grounds with a checkered grain.
    """
    down = x.diff(dim=2).square().sum((1, 2, 3))
    across = x.diff(dim=3).square().sum((1, 2, 3))
    return (down + across) / x[0].numel()
