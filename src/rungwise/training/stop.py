"""Early stopping: the epoch that answered the images set aside best, and its weights (Prechelt 1998)."""

import math

import torch
from torch import Tensor, nn

from rungwise.training.batches import Resident
from rungwise.training.evaluate import score
from rungwise.training.settings import Fit
from rungwise.trial import Outcome


class EarlyStop:
    """Looks at the images set aside after each epoch, and at no others."""

    def __init__(self, trial: Fit, aside: Resident, precision: str) -> None:
        assert trial.fit.stop is not None
        self.trial, self.aside, self.precision, self.settings = trial, aside, precision, trial.fit.stop
        self.epoch = 0
        """The best so far, counted from 1; 0: none yet."""
        self.value = 0.0
        self.weights: dict[str, Tensor] = {}

    def look(self, net: nn.Module, epoch: int, out: Outcome) -> bool:
        """Whether training is over, after an epoch of that number, from 1; what was seen goes into the history."""
        found = score(net, self.aside.images, self.aside.labels, self.precision)
        for (loss, accuracy), task in zip(found, self.trial.tasks, strict=True):
            for name, value in (("validation_loss", loss), ("validation_accuracy", accuracy)):
                out.history.setdefault(self.trial.key(name, task), []).append(value)
        value = self._value(found)
        if not self.epoch or value > self.value or math.isnan(self.value):
            self.epoch, self.value = epoch, value
            self.weights = {name: kept.detach().clone() for name, kept in net.state_dict().items()}
        return epoch - self.epoch >= self.settings.patience

    def _value(self, found: list[tuple[float, float]]) -> float:
        """What is to be high."""
        if self.settings.metric == "validation_accuracy":
            return sum(accuracy for _, accuracy in found) / len(found)
        return -sum(weight * loss for weight, (loss, _) in zip(self.trial.loss_weights, found, strict=True))

    def restore(self, net: nn.Module) -> None:
        """Give the net the weights of the best epoch."""
        with torch.no_grad():
            net.load_state_dict(self.weights)
