import pytest
import torch
import torch.nn.functional as F

from rungwise.training.precision import keep_float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_convolutions_in_float32_are_not_rounded_to_tf32() -> None:
    draw = torch.Generator().manual_seed(1)
    images, weights = torch.randn(8, 32, 14, 14, generator=draw), torch.randn(64, 32, 3, 3, generator=draw)
    exact = F.conv2d(images.double(), weights.double())

    def error() -> float:
        return float((F.conv2d(images.cuda(), weights.cuda()).cpu() - exact).abs().max() / exact.abs().max())

    torch.backends.cudnn.allow_tf32 = True
    rounded = error()
    keep_float32()
    assert error() < 1e-5 < rounded
