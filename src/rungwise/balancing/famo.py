"""FAMO: weights under which all losses fall at one rate, learnt from the losses alone."""

from typing import ClassVar, Literal

import torch
from pydantic import Field

from rungwise.balancing.balancer import Balancer
from rungwise.balancing.fixed import descend
from rungwise.balancing.jacobian import TorchJDSettings
from rungwise.balancing.learner import Batch, Forward, Learner


class Settings(TorchJDSettings):
    method: Literal["famo"] = "famo"
    source: ClassVar[str] = "Liu, Feng, Stone and Liu 2023, arXiv 2306.03792"
    says: ClassVar[str] = (
        "The weights are learnt so that the logarithms of all losses fall equally fast; the losses before and after "
        "each step tell how fast."
    )
    rate: float = Field(0.025, gt=0, le=1000)
    """Of the weights' own Adam."""
    decay: float = Field(1e-3, ge=0, le=100)
    """Weight decay of that Adam, which pulls z below towards equal."""

    def passes(self, tasks: int) -> tuple[int, int]:
        return 2, 1

    def build(self, learner: Learner) -> "Famo":
        return Famo(learner, self.rate, self.decay)


class Famo(Balancer):
    """The net, heads included, descends c sum_k z_k log L_k: the weights of the losses are c z_k / L_k, and c has them
    sum to 1. z is the softmax of logits that learn from how much each log L_k fell in the step.

    Cost: one backward pass, and a second forward pass on the same batch, after the step, which BatchNorm's statistics
    don't see.
    """

    def __init__(self, learner: Learner, rate: float, decay: float) -> None:
        """Raises ImportError where TorchJD is missing."""
        from torchjd.scalarization import FAMO

        super().__init__(learner)
        device = next(learner.net.parameters()).device
        self.scalarise = FAMO(len(learner.weights), lr=rate, weight_decay=decay).to(device)

    def step(self, batch: Batch) -> Forward:
        learner = self.learner
        forward = learner.forward(batch)
        losses = forward.losses.detach().requires_grad_()
        (self.weights,) = torch.autograd.grad(self.scalarise(losses), losses)
        descend(learner, forward.losses @ self.weights)
        with torch.no_grad(), learner.still():
            self.scalarise.update(learner.forward(batch).losses)
        return Forward(losses.detach(), forward.right)
