"""Uncertainty weighting: each task's weight is learnt as the inverse of its noise (Kendall et al. 2018)."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from rungwise.balancing.balancer import Balancer, BalancerSettings
from rungwise.balancing.learner import Batch, Forward, Learner


class Settings(BalancerSettings):
    method: Literal["uncertainty"] = "uncertainty"
    source: ClassVar[str] = "Kendall, Gal and Cipolla 2018, arXiv 1705.07115"
    says: ClassVar[str] = (
        "Each task has a noise that is learnt with the net: the noisier a task, the less it counts. A penalty keeps "
        "the noise from growing without end."
    )
    rate: float | None = Field(None, gt=0, le=1000)
    """Of the noises' own Adam; left out: the net's."""

    def build(self, learner: Learner) -> "Uncertainty":
        return Uncertainty(learner, self.rate or learner.rate)


class Uncertainty(Balancer):
    """L = sum_k exp(-s_k) L_k + s_k / 2, with s_k = log sigma_k^2 learnt from 0: the paper's form for cross-entropies.

    The weights exp(-s_k) start at 1 each, not at 1/K. Cost: one backward pass, K numbers more to learn.
    """

    def __init__(self, learner: Learner, rate: float) -> None:
        super().__init__(learner)
        device = next(learner.net.parameters()).device
        self.log_variance = torch.zeros(len(learner.weights), device=device, requires_grad=True)
        self.adam = torch.optim.Adam([self.log_variance], rate)
        self.weights = self._weights()

    def step(self, batch: Batch) -> Forward:
        learner = self.learner
        forward = learner.forward(batch)
        self.weights = self._weights()
        learner.optimiser.zero_grad(set_to_none=True)
        self.adam.zero_grad(set_to_none=True)
        loss = forward.losses @ torch.exp(-self.log_variance) + self.log_variance.sum() / 2
        torch.autograd.backward(loss)
        learner.take_step()
        self.adam.step()
        return Forward(forward.losses.detach(), forward.right)

    def _weights(self) -> Tensor:
        return torch.exp(-self.log_variance.detach())
