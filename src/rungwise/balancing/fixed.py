"""Fixed weights: the loss of several tasks is the weighted sum of theirs."""

import torch
from torch import Tensor


def weighted_sum(losses: Tensor, weights: tuple[float, ...]) -> Tensor:
    """sum_k w_k L_k of the losses (K,), as a scalar."""
    return losses @ torch.tensor(weights, dtype=losses.dtype, device=losses.device)
