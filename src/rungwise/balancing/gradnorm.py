"""GradNorm: weights are moved until all tasks pull on the net at a common rate (Chen et al. 2018)."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from rungwise.balancing.balancer import Balancer, BalancerSettings
from rungwise.balancing.fixed import descend
from rungwise.balancing.learner import Batch, Forward, Learner
from rungwise.balancing.updates import gradients

LEAST = 1e-3
"""No weight falls below this before all are scaled to sum to 1: a negative one would climb its task's loss."""


class Settings(BalancerSettings):
    method: Literal["gradnorm"] = "gradnorm"
    source: ClassVar[str] = "Chen, Badrinarayanan, Lee and Rabinovich 2018, arXiv 1711.02257"
    says: ClassVar[str] = (
        "The weights are learnt so that each task's gradient on the last shared layer has a common size, larger for "
        "tasks whose losses have fallen less."
    )
    alpha: float = Field(1.5, ge=0, le=100)
    """How much more a slow task may pull; 0: all alike."""
    rate: float | None = Field(None, gt=0, le=1000)
    """Of the weights' own Adam; left out: the net's."""

    def fault(self, optimiser: str, tasks: int) -> str:
        return "" if tasks > 1 else "gradnorm compares tasks: it needs two or more, got 1"

    def build(self, learner: Learner) -> "GradNorm":
        return GradNorm(learner, self.alpha, self.rate or learner.rate)


class GradNorm(Balancer):
    """The weights w descend sum_k |G_k - mean(G) r_k^alpha|, the latter held constant: G_k is the norm of w_k times
    task k's gradient on the last shared layer's weights, r_k its L_k / L_k(0) over the mean of all tasks.

    The weights sum to 1 (to K in the paper). Cost: K backward passes as far as the last shared layer, which are short.
    """

    def __init__(self, learner: Learner, alpha: float, rate: float) -> None:
        super().__init__(learner)
        self.alpha, tasks = alpha, len(learner.weights)
        device = next(learner.net.parameters()).device
        self.free = torch.full((tasks,), 1 / tasks, device=device, requires_grad=True)
        self.adam = torch.optim.Adam([self.free], rate)
        self.weights = self.free.detach().clone()
        self.layer: Tensor | None = None
        self.first: Tensor | None = None
        """(K,): the losses of the first step."""

    def step(self, batch: Batch) -> Forward:
        forward = self.learner.forward(batch)
        self.weights = self.free.detach().clone()
        losses = forward.losses.detach()
        self.first = losses if self.first is None else self.first
        self.layer = self._last_layer(forward.each) if self.layer is None else self.layer
        if self.layer is not None:
            self._learn(_norms(forward.each, self.layer), losses / self.first)
        descend(self.learner, forward.losses @ self.weights)
        return Forward(losses, forward.right)

    def _last_layer(self, losses: Sequence[Tensor]) -> Tensor | None:
        """The last of the shared matrices and kernels that every task depends on, not only two or more of them."""
        for layer in reversed(self.learner.shared):
            if layer.ndim > 1 and (_norms(losses, layer) > 0).all():
                return layer
        return None

    def _learn(self, norms: Tensor, left: Tensor) -> None:
        """Move the weights, from the unweighted gradients' norms (K,) and what is left of the first losses (K,)."""
        rates = left / left.mean().clamp_min(torch.finfo(left.dtype).tiny)  # 0, not NaN, once all losses are 0
        sizes = self.free * norms
        target = (sizes.mean() * rates**self.alpha).detach()
        self.adam.zero_grad(set_to_none=True)
        torch.autograd.backward((sizes - target).abs().sum())
        self.adam.step()
        with torch.no_grad():
            self.free.clamp_(min=LEAST).div_(self.free.sum())


def _norms(losses: Sequence[Tensor], layer: Tensor) -> Tensor:
    """(K,): of each task's gradient; 0 where a task doesn't depend on the layer."""
    return torch.stack([gradients(L, (layer,), keep_graph=True)[0].norm() for L in losses])
