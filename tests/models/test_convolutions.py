"""The convolution that keeps sides, against the library's and against its sums; pooling by hand."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rungwise.models.cnn import CnnSettings, SameConv


def convolved(x, weight, bias, stride):
    """(N, C, H, W) by (O, C, k, k), with the sums written out: zeros around, one more after than before if odd."""
    kernel = weight.shape[2]
    sides = [math.ceil(side / stride) for side in x.shape[2:]]
    totals = [max((out - 1) * stride + kernel - side, 0) for out, side in zip(sides, x.shape[2:], strict=True)]
    x = np.pad(x, ((0, 0), (0, 0), *((total // 2, total - total // 2) for total in totals)))
    y = np.empty((len(x), len(weight), *sides))
    for i in range(sides[0]):
        for j in range(sides[1]):
            window = x[:, :, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
            y[:, :, i, j] = np.einsum("nckl,ockl->no", window, weight) + bias
    return y


def convolution(kernel, stride):
    torch.manual_seed(0)
    return SameConv(2, 3, kernel, stride=stride).double()


def maps(height, width):
    return torch.rand(2, 2, height, width, generator=torch.Generator().manual_seed(3), dtype=torch.float64) - 0.5


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # of the oracle, which copies for even kernels
@pytest.mark.parametrize("sides", [(8, 8), (7, 7), (6, 9), (2, 3), (1, 1)])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_convolution_of_stride_1_is_the_librarys(kernel, sides):
    layer, x = convolution(kernel, 1), maps(*sides)
    torch.testing.assert_close(layer(x), F.conv2d(x, layer.weight, layer.bias, padding="same"))


@pytest.mark.parametrize("sides", [(8, 8), (7, 7), (6, 9), (2, 3), (1, 1)])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolution_written_out(kernel, stride, sides):
    layer, x = convolution(kernel, stride), maps(*sides)
    expected = convolved(x.numpy(), layer.weight.detach().numpy(), layer.bias.detach().numpy(), stride)
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, atol=1e-12)


def test_padding_by_hand():
    """A kernel of ones on ones counts the pixels under it: side 4, kernel 4, stride 2 has one zero on every side."""
    layer = SameConv(1, 1, 4, stride=2, bias=False)
    torch.nn.init.ones_(layer.weight)
    with torch.no_grad():
        assert layer(torch.ones(1, 1, 4, 4)).squeeze().tolist() == [[9, 9], [9, 9]]
        assert layer(torch.ones(1, 1, 3, 3)).squeeze().tolist() == [[9, 6], [6, 4]]  # 1 before, 2 after


def test_pooling_by_hand():
    """A 1x1 kernel of 1 leaves the image alone, so that the second map is the greatest of each four pixels."""
    net = CnnSettings(filters=(1, 1), kernel=1, halving="pool").build((1, 3, 3), (2,))
    for layer in net.trunk.convolutions:
        torch.nn.init.ones_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    x = torch.tensor([[[[1.0, 2, 3], [4, 5, 6], [-7, -8, -9]]]])
    with torch.no_grad():
        stages = net.features(x)
    assert stages["convolution 1"].squeeze().tolist() == [[1, 2, 3], [4, 5, 6], [0, 0, 0]]
    assert stages["convolution 2"].squeeze().tolist() == [[5, 6], [0, 0]]
