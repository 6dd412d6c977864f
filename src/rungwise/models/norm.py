"""BatchNorm that takes any batch."""

import torch.nn.functional as F
from torch import Tensor, nn


class BatchNorm(nn.BatchNorm2d):
    """`nn.BatchNorm2d`, but for a batch of one image whose maps have one place.

    A single value per channel has no variance, and PyTorch refuses it in training. Such a batch is what an epoch can
    leave over where deep maps of small images have shrunk to a place: it is normalised by the running statistics, as
    in evaluation, and does not change them.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        if single_values(self, x):
            return by_running_statistics(self, x)
        normal: Tensor = super().forward(x)
        return normal


class BatchNorm1d(nn.BatchNorm1d):
    """`nn.BatchNorm1d`, but for a batch of one image, of which the same holds."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) to the same."""
        if single_values(self, x):
            return by_running_statistics(self, x)
        normal: Tensor = super().forward(x)
        return normal


def single_values(norm: nn.BatchNorm2d | nn.BatchNorm1d, x: Tensor) -> bool:
    """Whether training would take the variance of one value per channel."""
    return norm.training and x.numel() <= norm.num_features


def by_running_statistics(norm: nn.BatchNorm2d | nn.BatchNorm1d, x: Tensor) -> Tensor:
    return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
