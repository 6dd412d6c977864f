"""Which task dominates the shared parameters: AU, after Yang et al. 2022 (AdaTask, arXiv 2211.15055)."""

import torch
from torch import Tensor

from rungwise.balancing.balancer import Balancer
from rungwise.balancing.learner import Batch
from rungwise.balancing.updates import sum_of_squares, task_gradients

DECAY = 0.9
"""Of the exponential average over the steps that are looked at."""


class Dominance:
    """AU_k, the exponentially decaying average of task k's squared updates, averaged over the shared parameters.

    The paper has one AU for each parameter, from every step. Here an update is what `Balancer.task_updates` says:
    the method's weights and the optimiser's scaling are in it, momentum is not, so that the tasks' parts are those of
    the step that is looked at. NaN where the method gives no weights.

    The average starts with the second look; the first one's value stands until then. So early the accumulators hold
    little but the tasks' sum, and where two tasks nearly cancel, their parts are as huge as they are short-lived.
    """

    def __init__(self, balancer: Balancer) -> None:
        self.balancer = balancer
        self.looks = 0
        self.average: Tensor | None = None
        """(K,), as of the last look."""

    def look(self, batch: Batch) -> None:
        """Take one step's share into the average: one forward and K backward passes. The net stays as it is."""
        learner = self.balancer.learner
        with learner.still():
            found = task_gradients(learner, learner.forward(batch).each, keep_graph=False)
        updates = self.balancer.task_updates(found)
        squares = torch.stack([sum_of_squares(task) for task in updates]) / sum(p.numel() for p in learner.shared)
        known = squares if self.average is None or self.looks < 2 else self.average
        self.average = torch.lerp(squares, known, DECAY)
        self.looks += 1
