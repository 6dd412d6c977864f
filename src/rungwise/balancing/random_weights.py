"""Random weights at each step: what any method that adapts should do better than (Lin et al. 2022)."""

from typing import ClassVar, Literal

import torch

from rungwise.balancing.balancer import Balancer, BalancerSettings
from rungwise.balancing.fixed import descend
from rungwise.balancing.learner import Batch, Forward, Learner


class Settings(BalancerSettings):
    method: Literal["random"] = "random"
    source: ClassVar[str] = "Lin, Ye, Zhang and Tsang 2022, arXiv 2111.10603"
    says: ClassVar[str] = "Each step draws new weights: the softmax of normal random numbers. It adapts to nothing."

    def build(self, learner: Learner) -> "RandomWeights":
        return RandomWeights(learner)


class RandomWeights(Balancer):
    """w = softmax(z), z standard normal, drawn for each step. Cost: none to speak of."""

    def step(self, batch: Batch) -> Forward:
        self.weights = torch.softmax(torch.randn(len(self.learner.weights), generator=self.learner.random), 0)
        forward = self.learner.forward(batch)
        descend(self.learner, forward.losses @ self.weights.to(forward.losses))
        return Forward(forward.losses.detach(), forward.right)
