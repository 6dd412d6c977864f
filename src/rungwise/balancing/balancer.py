"""What every way to balance tasks is: it takes the training steps of a net of several tasks."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from rungwise.balancing.learner import Batch, Forward, Learner
from rungwise.balancing.updates import task_steps
from rungwise.settings import Settings


class Balancer(ABC):
    """One way to balance the tasks of one net in training, with what it remembers from step to step."""

    weights: Tensor
    """(K,), detached: the weights of the tasks' losses (or of their gradients) in the last step; NaN where the method
    has none."""

    constant: ClassVar[bool] = False
    """Whether the weights never change, so that a step goes down one weighted sum of losses and needs nothing else."""

    def __init__(self, learner: Learner) -> None:
        self.learner = learner
        self.weights = torch.tensor(learner.weights)

    @abstractmethod
    def step(self, batch: Batch) -> Forward:
        """Update the net, once, from a batch. Returns the forward pass on it from before the update, detached."""

    def end_epoch(self, losses: Tensor) -> None:  # noqa: B027 (few methods look at whole epochs)
        """Told after each epoch: the mean losses (K,) over its batches, as `step` returned them."""

    def task_updates(self, gradients: Sequence[Sequence[Tensor]]) -> list[list[Tensor]]:
        """What each task alone asks of the shared parameters in a step, from the gradients of the K unweighted losses.

        `gradients`: for each task, one tensor for each of `learner.shared`; the answer has the same shape. Unless a
        method does otherwise: the task's weighted gradient, scaled as the optimiser would scale the sum of all.
        """
        weighted = [[w * g for g in task] for w, task in zip(self.weights.tolist(), gradients, strict=True)]
        return task_steps(self.learner.optimiser, self.learner.shared, weighted)


class BalancerSettings(Settings):
    """A way to balance tasks, as a study file sets it. A subclass is one file in this folder."""

    method: str
    """Its name in the registry."""
    source: ClassVar[str]
    """Who published it: authors, year, number."""
    says: ClassVar[str]
    """What it does, in a sentence for the report."""

    @property
    def validates(self) -> bool:
        """Whether it draws batches from a validation part, which the data then must have."""
        return False

    def fault(self, optimiser: str, tasks: int) -> str:
        """Why this method can't be used with a recipe's optimiser and that many tasks, in plain words; "" if it can."""
        return ""

    def passes(self, tasks: int) -> tuple[int, int]:
        """How many forward and backward passes a step takes with that many tasks: one each with fixed weights."""
        return 1, 1

    def build(self, learner: Learner) -> Balancer:
        raise NotImplementedError
