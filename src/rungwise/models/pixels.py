"""Pixels as nets take them."""

import torch
from torch import Tensor, nn


def scaled(images: Tensor, *, channels_last: bool = True) -> Tensor:
    """uint8 pixels (N, C, H, W) as float32 in [-1, 1], stored channels last or contiguously: x / 127.5 - 1."""
    kind = torch.channels_last if channels_last else torch.contiguous_format
    return images.to(torch.float32, memory_format=kind).div_(127.5).sub_(1)


def scaled_for(net: nn.Module, images: Tensor) -> Tensor:
    """The same, stored as a net takes them: channels last, unless it flattens images at once and says so by an
    attribute `flattens`. Of images with several channels it would otherwise make a copy."""
    return scaled(images, channels_last=not getattr(net, "flattens", False))
