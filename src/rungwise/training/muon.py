"""Muon: momentum whose steps are made orthogonal (Jordan et al. 2024, kellerjordan.github.io/posts/muon)."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that drives singular values towards 1; the published ones."""
ITERATIONS = 5
BETAS = (0.9, 0.99)
"""Of Adam; the shorter memory of squares suits short training."""


class Muon(torch.optim.Optimizer):
    """For weights of two dimensions or more, all but the first taken together as columns; Adam moves the others.

    A step is rate * sqrt(max(1, rows / columns)) times the orthogonal factor of the Nesterov momentum, whatever the
    size of the gradient.
    """

    def __init__(
        self,
        weights: Iterable[nn.Parameter],
        others: Iterable[nn.Parameter],
        rate: float | Tensor,
        momentum: float,
        adam_rate: float | Tensor,
        *,
        capturable: bool = False,
    ) -> None:
        super().__init__(weights, {"lr": rate, "momentum": momentum})
        self.adam = torch.optim.Adam(others, adam_rate, betas=BETAS, fused=True, capturable=capturable)
        self.own = list(self.param_groups)
        self.param_groups += self.adam.param_groups  # so that a schedule and `zero_grad` reach all

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None
        self.adam.step()
        for group in self.own:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, group)

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["velocity"] = torch.zeros_like(weight)
        velocity = state["velocity"].mul_(group["momentum"]).add_(gradient)
        ahead = gradient.add(velocity, alpha=group["momentum"]).flatten(1)
        rows, columns = ahead.shape
        weight.sub_(orthogonal(ahead).view(weight.shape) * (group["lr"] * max(1, rows / columns) ** 0.5))


def orthogonal(matrix: Tensor) -> Tensor:
    """Nearly the orthogonal factor of a matrix (m, n): U V^T of its singular value decomposition U S V^T.

    Five steps of a Newton-Schulz iteration bring the singular values to between about 0.7 and 1.2.
    """
    a, b, c = COEFFICIENTS
    wide = matrix if len(matrix) <= matrix.shape[1] else matrix.T
    x: Tensor = wide / (wide.norm() + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x if wide is matrix else x.T
