"""Muon: momentum whose steps are made orthogonal (Jordan et al. 2024, kellerjordan.github.io/posts/muon)."""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from rungwise.optimisers.adam import Adam

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
        self.adam = Adam(others, adam_rate, betas=BETAS, fused=True, capturable=capturable)
        self.own = list(self.param_groups)
        self.param_groups += self.adam.param_groups  # so that a schedule and `zero_grad` reach all

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None
        self.adam.step()
        for group in self.own:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            steps = orthogonal([self._ahead(weight, group["momentum"]).flatten(1) for weight in weights])
            for weight, step in zip(weights, steps, strict=True):
                rows, columns = step.shape
                weight.sub_(step.view(weight.shape) * (group["lr"] * max(1, rows / columns) ** 0.5))

    def _ahead(self, weight: Tensor, momentum: float) -> Tensor:
        """The Nesterov momentum of a weight, which takes in its gradient."""
        assert weight.grad is not None
        state = self.state[weight]
        if not state:
            state["velocity"] = torch.zeros_like(weight)
        return weight.grad.add(state["velocity"].mul_(momentum).add_(weight.grad), alpha=momentum)


def orthogonal(matrices: Sequence[Tensor]) -> list[Tensor]:
    """Nearly the orthogonal factors of matrices (m, n): U V^T of each singular value decomposition U S V^T.

    Five steps of a Newton-Schulz iteration, X <- (a + b G + c G^2) X where G = X X^T, bring the singular values to
    between about 0.7 and 1.2. The polynomials commute with G, so that G alone, of the shorter side, is iterated, and X
    multiplied once; matrices of the same shorter side go together.
    """
    wide = [matrix if len(matrix) <= matrix.shape[1] else matrix.T for matrix in matrices]
    wide = [x / (x.norm() + 1e-7) for x in wide]
    factors: list[Tensor] = [torch.empty(0)] * len(wide)
    for side in {len(x) for x in wide}:
        chosen = [i for i, x in enumerate(wide) if len(x) == side]
        for i, factor in zip(chosen, _factors(torch.stack([wide[i] @ wide[i].T for i in chosen])), strict=True):
            factors[i] = factor @ wide[i]
    return [x if x.shape == matrix.shape else x.T for x, matrix in zip(factors, matrices, strict=True)]


def _factors(gram: Tensor) -> Tensor:
    """What the iteration multiplies each X by, (K, m, m), given all X X^T, (K, m, m)."""
    a, b, c = COEFFICIENTS
    product = None
    for _ in range(ITERATIONS):
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        polynomial.diagonal(dim1=1, dim2=2).add_(a)
        product = polynomial if product is None else polynomial @ product
        gram = polynomial @ gram @ polynomial
    assert product is not None
    return product
