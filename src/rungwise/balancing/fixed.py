"""Fixed weights: the loss of several tasks is the weighted sum of theirs."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor

from rungwise.balancing.balancer import Balancer, BalancerSettings
from rungwise.balancing.learner import Batch, Forward, Learner


class Settings(BalancerSettings):
    method: Literal["fixed"] = "fixed"
    source: ClassVar[str] = "the usual way"
    says: ClassVar[str] = "The weights are set beforehand and stay."

    def build(self, learner: Learner) -> "Fixed":
        return Fixed(learner)


class Fixed(Balancer):
    constant = True

    def __init__(self, learner: Learner) -> None:
        super().__init__(learner)
        self.on_device = self.weights.to(next(learner.net.parameters()).device)

    def step(self, batch: Batch) -> Forward:
        return step_down(self.learner, self.on_device, batch, partial(descend, self.learner))


def step_down(learner: Learner, weights: Tensor, batch: Batch, move: Callable[[Tensor], None]) -> Forward:
    """A step down the sum of the tasks' losses, weighted by weights (K,); what the net said before it, detached.

    `move`: takes the optimiser's step down a scalar loss.
    """
    forward = learner.forward(batch)
    move(forward.losses @ weights)
    return Forward(forward.losses.detach(), forward.right, of_images=forward.of_images)


def weighted_sum(losses: Tensor, weights: tuple[float, ...]) -> Tensor:
    """sum_k w_k L_k of the losses (K,), as a scalar."""
    return losses @ torch.tensor(weights, dtype=losses.dtype, device=losses.device)


def descend(learner: Learner, loss: Tensor) -> None:
    """One step of the optimiser down the gradient of a scalar loss."""
    learner.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    learner.take_step()
