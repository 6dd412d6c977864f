"""What training steps are fed with: the images of an index, changed at random and weighted as the recipe asks."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rungwise.balancing.learner import Batch
from rungwise.training.augment import Augmentation, Drawn
from rungwise.training.batches import Resident
from rungwise.training.pruning import Pruner


@dataclass(frozen=True)
class Feed:
    train: Resident
    augment: Augmentation | None = None
    mirrored: Tensor | None = None
    """(N,), bool: which images are mirrored in this epoch, where that alternates."""
    pruner: Pruner | None = None

    def counted(self, indices: Sequence[Tensor]) -> float:
        """How many images some batches' indices (B,) count for: with weights, not as many as they have, nor as all of
        them together do by the end of an epoch."""
        if self.pruner is None:
            return float(sum(map(len, indices)))
        return self.pruner.weights[torch.cat(list(indices))].sum().item()

    def draw(self, count: int, random: torch.Generator) -> Drawn:
        """What happens to that many images."""
        return Drawn() if self.augment is None else self.augment.draw(count, self.train.images.shape[2:], random)

    def changed(self, index: Tensor, batch: Batch, drawn: Drawn) -> Batch:
        """The batch of an index (B,) as a step takes it: weighted, augmented."""
        if self.pruner is not None:
            batch = batch._replace(weights=self.pruner.weights[index])
        if self.augment is None:
            return batch
        if self.mirrored is not None:
            drawn = drawn._replace(mirrored=self.mirrored[index])
        return batch._replace(images=self.augment.change(batch.images, drawn))

    def batch(self, index: Tensor, drawn: Drawn) -> Batch:
        return self.changed(index, self.train.batch(index), drawn)

    def note(self, index: Tensor, losses: Tensor | None) -> None:
        """Take the losses of a step's images (K, B), by which later epochs leave images out."""
        if self.pruner is not None and losses is not None:
            self.pruner.losses[index] = losses[0]
