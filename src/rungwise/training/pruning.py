"""Images that a net has learnt already are left out of most epochs, by chance: InfoBatch (Qin et al. 2024, ICLR)."""

import torch
from pydantic import Field
from torch import Tensor

from rungwise.settings import Settings


class Pruning(Settings):
    """Which images an epoch leaves out.

    An image whose loss, when last seen, was below the mean of all is left out with a chance of `share`; where it is
    not, its loss counts 1 / (1 - share) times, so that the expected sum of the losses is that of all images.
    """

    share: float = Field(0.5, gt=0, lt=1)
    whole: float = Field(0.125, ge=0, le=1)
    """The last share of the epochs, which see all images; the first epoch does, too."""


class Pruner:
    """What is known of N images, and which of them each epoch sees."""

    def __init__(self, settings: Pruning, images: int, epochs: int, device: str) -> None:
        self.settings, self.epochs = settings, epochs
        self.losses = torch.zeros(images, device=device)
        """Of each image when it was last seen, (N,)."""
        self.weights = torch.ones(images, device=device)
        """What each image's loss counts in this epoch, (N,): 0 where it is left out."""

    def draw(self, epoch: int, random: torch.Generator) -> Tensor:
        """Choose anew: which images this epoch (from 0) sees, (N,), bool. `random` is on the CPU."""
        share = self.settings.share
        self.weights.fill_(1)  # in place: a captured step reads them here
        if 0 < epoch < self.epochs * (1 - self.settings.whole):
            learnt = self.losses < self.losses.mean()
            out = torch.rand(len(self.losses), generator=random).to(self.losses.device) < share
            self.weights[learnt] = 1 / (1 - share)
            self.weights[learnt & out] = 0
        return self.weights > 0
