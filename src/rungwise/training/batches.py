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
    """(M, C, H, W), uint8; on a CPU they may be a mapped file, of which a batch reads its own images alone."""
    labels: Tensor
    """(K, N), int64: one row per task."""
    rows: Tensor | None = None
    """(N,), int64: where in `images` each image is; None: in this order, and M is N."""

    @classmethod
    def of(cls, part: ImageSet, trial: Fit, device: str) -> "Resident":
        labels = np.stack([task_labels(task, part) for task in trial.tasks.values()])
        return cls(torch.from_numpy(part.images).to(device), torch.from_numpy(labels).to(device))

    @classmethod
    def joined(cls, parts: "Sequence[Resident]", *, same: bool) -> "Resident":
        """The images of some parts, one part after the other. Where all have the `same` images they are kept once."""
        labels = torch.cat([part.labels for part in parts], 1)
        if not same:
            return cls(torch.cat([part.images for part in parts]), labels)
        images = parts[0].images
        return cls(images, labels, torch.arange(len(images), device=images.device).repeat(len(parts)))

    def __len__(self) -> int:
        return self.labels.shape[1]

    def batch(self, index: Tensor) -> Batch:
        return Batch(self.images[index if self.rows is None else self.rows[index]], self.labels[:, index])

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
