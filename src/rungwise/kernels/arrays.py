"""Tensors as arrays for compiled code, without a copy."""

import numpy as np
import torch
from torch import Tensor


def as_numbers(tensor: Tensor) -> np.ndarray:
    """As compiled code takes single numbers: float32, or of bfloat16 the bits."""
    return (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy()


def as_words(tensor: Tensor) -> np.ndarray:
    """As it takes words: float32, or uint32 with two bfloat16."""
    return (tensor if tensor.dtype == torch.float32 else tensor.view(torch.uint32)).numpy()
