"""Pixels as nets take them."""

import torch
from torch import Tensor


def scaled(images: Tensor) -> Tensor:
    """uint8 pixels (N, C, H, W) as float32 in [-1, 1], channels last: x / 127.5 - 1."""
    return images.to(torch.float32, memory_format=torch.channels_last).div_(127.5).sub_(1)
