"""A way to balance tasks: the larger a task's loss, the more it weighs."""

from typing import ClassVar, Literal

from torch import autograd

from rungwise.balancing.balancer import Balancer, BalancerSettings
from rungwise.balancing.learner import Batch, Forward, Learner


class Settings(BalancerSettings):
    method: Literal["largest"] = "largest"
    source: ClassVar[str] = "an example"
    says: ClassVar[str] = "Each task counts by its loss."
    power: float = 1.0

    def build(self, learner: Learner) -> Balancer:
        return Largest(learner, self.power)


class Largest(Balancer):
    def __init__(self, learner: Learner, power: float) -> None:
        super().__init__(learner)
        self.power = power

    def step(self, batch: Batch) -> Forward:
        forward = self.learner.forward(batch)
        losses = forward.losses.detach()
        self.weights = losses**self.power / (losses**self.power).sum()
        self.learner.optimiser.zero_grad(set_to_none=True)
        autograd.backward(forward.losses @ self.weights)
        self.learner.take_step()
        return Forward(losses, forward.right)
