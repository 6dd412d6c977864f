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
        if not self.training or x.numel() > self.num_features:
            normal: Tensor = super().forward(x)
            return normal
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
