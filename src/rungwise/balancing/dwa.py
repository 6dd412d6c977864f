"""Dynamic weight average: a task whose loss falls slowly counts for more (Liu, Johns and Davison 2019)."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from rungwise.balancing.balancer import Balancer, BalancerSettings
from rungwise.balancing.fixed import descend
from rungwise.balancing.learner import Batch, Forward, Learner


class Settings(BalancerSettings):
    method: Literal["dwa"] = "dwa"
    source: ClassVar[str] = "Liu, Johns and Davison 2019, arXiv 1803.10704"
    says: ClassVar[str] = (
        "After each epoch, the tasks are weighted by how slowly their losses fell over the last two: a softmax of the "
        "ratios."
    )
    temperature: float = Field(2.0, ge=0.01, le=1e6)
    """The higher, the more equal the weights."""

    def build(self, learner: Learner) -> "Dwa":
        return Dwa(learner, self.temperature)


class Dwa(Balancer):
    """w_k = softmax(r_k / T), r_k = L_k(t - 1) / L_k(t - 2) of the last two epochs' mean losses; equal before that.

    The weights sum to 1 (to K in the paper). Cost: none to speak of.
    """

    def __init__(self, learner: Learner, temperature: float) -> None:
        super().__init__(learner)
        self.temperature = temperature
        self.weights = torch.full((len(learner.weights),), 1 / len(learner.weights))
        self.past: list[Tensor] = []

    def step(self, batch: Batch) -> Forward:
        forward = self.learner.forward(batch)
        descend(self.learner, forward.losses @ self.weights.to(forward.losses))
        return Forward(forward.losses.detach(), forward.right)

    def end_epoch(self, losses: Tensor) -> None:
        self.past = [*self.past[-1:], losses.detach().clone()]
        if len(self.past) == 2:
            before, last = self.past
            ratios = torch.nan_to_num(last / before, nan=1.0)  # a loss that stays 0 doesn't fall
            self.weights = torch.softmax(ratios / self.temperature, 0)
