"""Images whole on the device, and the random orders in which batches are cut from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rungwise.balancing.learner import Batch
from rungwise.data.images import ImageSet
from rungwise.data.tasks import task_labels
from rungwise.training.settings import Fit

TOGETHER = 16
"""Batches that are cut out at once."""


@dataclass(frozen=True)
class Resident:
    """Images and every task's labels, whole on the device: a batch is one indexing, not one object per image."""

    images: Tensor
    """(N, C, H, W), uint8."""
    labels: Tensor
    """(K, N), int64: one row per task."""

    @classmethod
    def of(cls, part: ImageSet, trial: Fit, device: str) -> "Resident":
        labels = np.stack([task_labels(task, part) for task in trial.tasks.values()])
        return cls(torch.from_numpy(part.images).to(device), torch.from_numpy(labels).to(device))

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, index: Tensor) -> Batch:
        return Batch(self.images[index], self.labels[:, index])

    def batches(self, indices: Sequence[Tensor]) -> Iterator[Batch]:
        """The batch of each index, several cut out at once: views of one indexing."""
        for first in range(0, len(indices), TOGETHER):
            some = indices[first : first + TOGETHER]
            whole, sizes = self.batch(torch.cat(list(some))), [len(index) for index in some]
            yield from map(Batch, torch.split(whole.images, sizes), torch.split(whole.labels, sizes, 1))

    def shuffled(self, size: int, random: torch.Generator, seen: Tensor | None = None) -> list[Tensor]:
        """The indices of all images, or of those `seen` (N,), in a new random order, cut into batches; the last one may
        be smaller."""
        order = torch.randperm(len(self), generator=random).to(self.images.device)
        if seen is not None:
            order = order[seen[order]]
        return list(torch.split(order, size))

    def endlessly(self, size: int, random: torch.Generator) -> Iterator[Batch]:
        """Batches without end: shuffled anew whenever all images were seen."""
        while True:
            yield from map(self.batch, self.shuffled(size, random))
