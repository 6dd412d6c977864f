"""A net in training, and all that a way to balance its tasks may use of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rungwise.models.ensemble import answers
from rungwise.models.pixels import scaled_for

Part = Literal["validation", "train"]
"""Where a batch that no step is taken on comes from: the images set aside, or a second shuffle of the training ones."""


class Batch(NamedTuple):
    images: Tensor
    """(B, C, H, W), uint8."""
    labels: Tensor
    """(K, B), int64: one row per task."""
    weights: Tensor | None = None
    """(B,): how many times each image counts; None: once."""


class Forward(NamedTuple):
    """What the net says of a batch."""

    losses: Tensor
    """(K,): each task's mean cross-entropy, in nats."""
    right: Tensor
    """(K,): how many images each task has right; weighted where the batch is."""
    apart: tuple[Tensor, ...] = ()
    """The same losses as K scalars, before they were stacked."""
    of_images: Tensor | None = None
    """(K, B), detached: the losses of each image, unweighted; where the batch is weighted."""

    @property
    def each(self) -> Sequence[Tensor]:
        """The K losses, to take gradients of one by one: apart, a gradient does not run through the other tasks' heads,
        as that of a part of `losses` does, with zeros."""
        return self.apart or self.losses.unbind()


@dataclass(frozen=True)
class Learner:
    """A net in training, and all that a balancer may use of it."""

    net: nn.Module
    optimiser: torch.optim.Optimizer
    """Over all parameters."""
    rate: float
    """The learning rate, constant."""
    weights: tuple[float, ...]
    """Of the K tasks, as the study sets them; equal where it sets none."""
    shared: tuple[nn.Parameter, ...]
    """The parameters that two tasks or more depend on, in the net's order."""
    own: tuple[tuple[nn.Parameter, ...], ...]
    """For each task, the parameters that no other task depends on."""
    draw: Callable[[Part], Batch]
    """The next batch of a part, as large as a training batch; shuffled anew when the part is used up."""
    random: torch.Generator
    """For what a balancer draws; on the CPU."""
    precision: str = "float32"
    label_smoothing: float = 0.0
    class_weights: tuple[Tensor, ...] | None = None
    """Of each task, how much the images of each of its classes count, (classes,); None: all alike."""
    clip_norm: float | None = None
    """The longest gradient of all parameters that a step is taken along; None: any."""

    def forward(self, batch: Batch) -> Forward:
        """The net's losses on a batch, with their graph."""
        with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            outputs = self.net(scaled_for(self.net, batch.images))
        pairs = list(zip(outputs, batch.labels, strict=True))
        if batch.weights is not None:
            return self._weighted(pairs, batch.weights)
        counts = self.class_weights or (None,) * len(pairs)
        losses = tuple(self._losses(z, y, "mean", own) for (z, y), own in zip(pairs, counts, strict=True))
        return Forward(torch.stack(losses), torch.stack([_right(z, y).sum() for z, y in pairs]), losses)

    def _weighted(self, pairs: Sequence[tuple[Tensor, Tensor]], weights: Tensor) -> Forward:
        """Of logits (B, classes) and labels (B,) of each task, by the weight of each image."""
        each = [self._losses(z, y, "none") for z, y in pairs]
        losses = tuple((weights * loss).mean() for loss in each)
        right = torch.stack([weights @ _right(z, y).to(weights.dtype) for z, y in pairs])
        return Forward(torch.stack(losses), right, losses, torch.stack(each).detach())

    def _losses(self, logits: Tensor, labels: Tensor, reduction: str, counts: Tensor | None = None) -> Tensor:
        """Cross-entropy (B,), or its mean, of logits (B, classes); of an ensemble's (members, B, classes) the mean over
        its members. `counts`: the weights of the classes (classes,), by whose sum over the batch a mean is divided."""
        if logits.ndim == 3:
            flat, repeated = logits.flatten(0, 1), labels.repeat(len(logits))
            if counts is not None:
                return self._losses(flat, repeated, reduction, counts)  # all members have the same sum of weights
            apart = self._losses(flat, repeated, "none").view(len(logits), -1)
            return apart.mean(0) if reduction == "none" else apart.mean()
        return F.cross_entropy(
            logits.float(), labels, counts, label_smoothing=self.label_smoothing, reduction=reduction
        )

    def take_step(self) -> None:
        """One step of the optimiser along the gradients that the parameters have, which are clipped first."""
        self.clip([p.grad for group in self.optimiser.param_groups for p in group["params"] if p.grad is not None])
        self.optimiser.step()

    def clip(self, gradients: Sequence[Tensor]) -> None:
        """Scale gradients down, in place, where together they are longer than `clip_norm`."""
        if self.clip_norm is not None:
            self.scale_to_norm(gradients, nn.utils.get_total_norm(gradients))

    def scale_to_norm(self, gradients: Sequence[Tensor], norm: Tensor) -> None:
        """Scale them, in place, by what shortens that norm to `clip_norm`; as PyTorch does, and never up."""
        assert self.clip_norm is not None
        torch._foreach_mul_(list(gradients), (self.clip_norm / (norm + 1e-6)).clamp(max=1.0))

    @contextmanager
    def still(self) -> Iterator[None]:
        """Forward passes in here leave no trace: BatchNorm normalises by the batch as in training, but its running
        statistics stay as they are, and dropout drops nothing."""
        norms = [m for m in self.net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        tracked = [norm for norm in norms if norm.track_running_stats]
        dropouts = [m for m in self.net.modules() if isinstance(m, nn.modules.dropout._DropoutNd) and m.training]
        for norm in tracked:
            norm.track_running_stats = False
        for dropout in dropouts:
            dropout.eval()
        try:
            yield
        finally:
            for norm in tracked:
                norm.track_running_stats = True
            for dropout in dropouts:
                dropout.train()


def _right(logits: Tensor, labels: Tensor) -> Tensor:
    """Which labels (B,) are answered, bool."""
    return (logits if logits.ndim == 2 else answers(logits)).argmax(1) == labels
