"""What a net says of many images, and how right it is.

Images may lie in a mapped file that is larger than memory: they are looked at a batch at a time, and of what the net
says no more is kept than was asked for.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rungwise.models.net import Shape
from rungwise.models.pixels import scaled_for

BATCH = 1000
"""Images that a net looks at together, of up to `PLACES`."""
PLACES = 32 * 32
"""Pixels of an image, whatever its channels. Of larger images fewer are looked at together: layers hold as much."""

Note = Callable[[int, tuple[Tensor, ...]], None]
"""Told the number of a batch's first image, and the logits of each task (B, classes)."""


def together(image: Shape) -> int:
    """How many images of a shape (C, H, W) a net looks at together."""
    _, height, width = image
    return min(BATCH, max(1, BATCH * PLACES // (height * width)))


def predict(net: nn.Module, images: Tensor, precision: str) -> tuple[Tensor, ...]:
    """The logits of each task, (N, classes) in float32, for uint8 images (N, C, H, W) on the net's device."""
    return _kept(len(images), lambda note: _look(net, images, precision, note))


def predict_views(net: nn.Module, images: Tensor, precision: str, views: str) -> tuple[Tensor, ...]:
    """The logits of each task summed over the views of each image (see `Recipe.test_views`)."""

    def seen(net: nn.Module, batch: Tensor) -> tuple[Tensor, ...]:
        first, *rest = _views(batch, views)
        total = [z.float() for z in net(scaled_for(net, first))]
        for view in rest:  # one by one: how a stack's `sum` rounds depends on the numbers of images and threads
            total = [sum_ + z.float() for sum_, z in zip(total, net(scaled_for(net, view)), strict=True)]
        return tuple(total)

    return _kept(len(images), lambda note: _look(net, images, precision, note, seen))


def score(net: nn.Module, images: Tensor, labels: Tensor, precision: str) -> list[tuple[float, float]]:
    """`loss_and_accuracy` of each task, with labels (K, N), without keeping the logits of all images."""
    own = torch.empty(labels.shape, device=labels.device)
    right = torch.zeros(len(labels), dtype=torch.int64, device=labels.device)

    def note(first: int, logits: tuple[Tensor, ...]) -> None:
        for k, z in enumerate(logits):
            y = labels[k, first : first + len(z)]
            own[k, first : first + len(z)] = _of_labels(z.float(), y)
            right[k] += (z.argmax(1) == y).sum()

    _look(net, images, precision, note)
    return [(_mean_loss(task), count / labels.shape[1]) for task, count in zip(own, right.tolist(), strict=True)]


def _plain(net: nn.Module, batch: Tensor) -> tuple[Tensor, ...]:
    logits: tuple[Tensor, ...] = net(scaled_for(net, batch))
    return logits


@torch.inference_mode()
def _look(
    net: nn.Module,
    images: Tensor,
    precision: str,
    note: Note,
    seen: Callable[[nn.Module, Tensor], tuple[Tensor, ...]] = _plain,
) -> None:
    """Have `note` told what a net says of images, batch by batch.

    Nothing of a batch stays: it would lie between the large maps of this one and the next, which then find no room
    where these were.
    """
    net.eval()
    count = together(tuple(images.shape[1:]))  # type: ignore[arg-type]
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        for first in range(0, len(images), count):
            note(first, seen(net, images[first : first + count]))
    net.train()


def _kept(count: int, look: Callable[[Note], None]) -> tuple[Tensor, ...]:
    """What is noted of so many images, (count, classes) of each task in float32."""
    found: list[Tensor] = []

    def note(first: int, logits: tuple[Tensor, ...]) -> None:
        if not found:
            found.extend(task.new_empty(count, *task.shape[1:], dtype=torch.float32) for task in logits)
        for whole, task in zip(found, logits, strict=True):
            whole[first : first + len(task)] = task

    look(note)
    return tuple(found)


def _views(images: Tensor, views: str) -> Iterator[Tensor]:
    if views == "mirror":
        yield from (images, images.flip(3))
    else:
        yield from (_shifted(images, *by) for by in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)))


def _shifted(images: Tensor, down: int, right: int) -> Tensor:
    """Images (N, C, H, W) moved by so many pixels; what comes in is black."""
    height, width = images.shape[2:]
    padded = F.pad(images, (1, 1, 1, 1))
    return padded[:, :, 1 - down : 1 - down + height, 1 - right : 1 - right + width]


def loss_and_accuracy(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean cross-entropy (nats) and the fraction right, of logits (N, classes) against labels (N,)."""
    right = (logits.argmax(1) == labels).sum().item()
    parts = zip(torch.split(logits, BATCH), torch.split(labels, BATCH), strict=True)
    return _mean_loss(torch.cat([_of_labels(z, y) for z, y in parts])), right / len(labels)


def _of_labels(logits: Tensor, labels: Tensor) -> Tensor:
    """The log-probability of each label (B,), by logits (B, classes) in float32."""
    return F.log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]


def _mean_loss(own: Tensor) -> float:
    """The mean cross-entropy by the log-probability of each label (N,): to the bit what `F.cross_entropy` finds, which
    sums these in the same order."""
    return F.nll_loss(own[:, None], own.new_zeros(len(own), dtype=torch.int64)).item()


def most_wrong(logits: np.ndarray, labels: np.ndarray, count: int = 20) -> np.ndarray:
    """The indices of the wrong predictions that the net was surest of (softmax), surest first; at most `count`."""
    wrong = np.flatnonzero(logits.argmax(1) != labels)
    parts = [_confidence(logits[wrong[i : i + BATCH]]) for i in range(0, len(wrong), BATCH)]
    return wrong[np.argsort(-np.concatenate([np.zeros(0), *parts]), kind="stable")][:count]


def _confidence(logits: np.ndarray) -> np.ndarray:
    """The largest logit's share (softmax), of logits (B, classes)."""
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    share: np.ndarray = 1 / np.exp(shifted).sum(1)
    return share
