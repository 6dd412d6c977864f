import pytest
import torch
import torch.nn.functional as F

from rungwise.training.precision import keep_float32


@pytest.mark.gpu
def test_convolutions_in_float32_are_not_rounded_to_tf32() -> None:
    draw = torch.Generator().manual_seed(1)
    images, weights = torch.randn(64, 128, 28, 28, generator=draw), torch.randn(128, 128, 3, 3, generator=draw)
    exact = F.conv2d(images.double(), weights.double())
    torch.backends.cudnn.allow_tf32 = True
    keep_float32()
    found = F.conv2d(images.cuda(), weights.cuda()).cpu()
    assert (found - exact).abs().max() < 1e-5 * exact.abs().max()  # TF32 keeps 10 bits: 5e-4 of each number
