"""A fully connected layer whose products on a CPU in float32 are oneDNN's."""

import functools
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from rungwise.models.dropout import Dropout

LARGE = 100_000
"""Weights from which on it pays: below, a step is overhead, and PyTorch's own layer has less of it."""


class Linear(nn.Linear):
    """`nn.Linear`; large layers in float32 on a CPU take oneDNN's products instead of BLAS's.

    With batches of 64 on two cores with AVX-512, oneDNN multiplies at the processor's peak, forwards and backwards, and
    MKL at 50 to 90% of it. The results are the same up to the order of sums.
    """

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_autocast_enabled("cpu") or not pays(self.weight, x.dtype):
            return super().forward(x)
        product: Tensor = _Product.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return product


def pays(weight: Tensor, dtype: torch.dtype) -> bool:
    """Whether products with a weight in this dtype are left to oneDNN."""
    large = weight.numel() >= LARGE
    return large and weight.device.type == "cpu" and dtype == torch.float32 and available() and faster()


@functools.cache
def available() -> bool:
    """Whether this build of PyTorch has oneDNN, and the product in it that its compiler uses, too."""
    built: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return built and hasattr(torch.ops.mkldnn, "_linear_pointwise")


@functools.cache
def faster() -> bool:
    """Whether oneDNN's products are the faster ones. With AVX2 they took 1.1 to 1.5 times as long as MKL's forwards and
    in both gradients (64 rows, 784 to 3,072 inputs, 1,000 outputs, a Zen 3 core), and up to twice for 12,288 inputs."""
    return torch.backends.cpu.get_cpu_capability() != "AVX2"


def times(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """a (M, K) times the transpose of b (N, K), plus bias (N,), by oneDNN."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(a, b, bias, "none", [], "")
    return product


def dense(widths: tuple[int, ...], dropout: float = 0.0) -> nn.Sequential:
    """Fully connected layers with a ReLU after each, and dropout after that; for one width alone, nothing."""
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [Linear(a, b), nn.ReLU(inplace=True), *([Dropout(dropout)] if dropout else [])]
    return nn.Sequential(*layers)


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        context.save_for_backward(x, weight)
        return times(x, weight, bias)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,), (x, weight) = gradients, context.saved_tensors
        of_x, of_weight, of_bias = context.needs_input_grad
        return (
            times(gradient, weight.T) if of_x else None,
            times(gradient.T, x.T) if of_weight else None,
            gradient.sum(0) if of_bias else None,
        )
