"""What a net says of many images, and how right it is."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rungwise.models.pixels import scaled

BATCH = 1000


@torch.inference_mode()
def predict(net: nn.Module, images: Tensor, precision: str) -> tuple[Tensor, ...]:
    """The logits of each task, (N, classes) in float32, for uint8 images (N, C, H, W) on the net's device."""
    net.eval()
    found: tuple[Tensor, ...] = ()
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        for i in range(0, len(images), BATCH):
            logits = net(scaled(images[i : i + BATCH]))
            # Nothing of a batch stays: it would lie between the large maps of this one and the next, which then find no
            # room where these were.
            found = found or tuple(task.new_empty(len(images), *task.shape[1:], dtype=torch.float32) for task in logits)
            for whole, task in zip(found, logits, strict=True):
                whole[i : i + BATCH] = task
            del logits, task
    net.train()
    return found


def predict_views(net: nn.Module, images: Tensor, precision: str, views: str) -> tuple[Tensor, ...]:
    """The logits of each task summed over the views of each image (see `Recipe.test_views`)."""
    reach = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
    seen = (images, images.flip(3)) if views == "mirror" else tuple(_shifted(images, *by) for by in reach)
    told = [predict(net, view, precision) for view in seen]
    return tuple(torch.stack(task).sum(0) for task in zip(*told, strict=True))


def _shifted(images: Tensor, down: int, right: int) -> Tensor:
    """Images (N, C, H, W) moved by so many pixels; what comes in is black."""
    height, width = images.shape[2:]
    padded = F.pad(images, (1, 1, 1, 1))
    return padded[:, :, 1 - down : 1 - down + height, 1 - right : 1 - right + width]


def loss_and_accuracy(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean cross-entropy (nats) and the fraction right, of logits (N, classes) against labels (N,)."""
    right = (logits.argmax(1) == labels).sum().item()
    return F.cross_entropy(logits, labels).item(), right / len(labels)


def most_wrong(logits: np.ndarray, labels: np.ndarray, count: int = 20) -> np.ndarray:
    """The indices of the wrong predictions that the net was surest of (softmax), surest first; at most `count`."""
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    confidence = 1 / np.exp(shifted).sum(1)  # the largest logit's share
    wrong = np.flatnonzero(logits.argmax(1) != labels)
    return wrong[np.argsort(-confidence[wrong], kind="stable")][:count]
