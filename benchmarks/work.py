"""What a peer is given and what it returns. Nothing here needs a deep-learning library."""

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

Shape = tuple[int, int, int]
"""(C, H, W) of one image."""
Weights = tuple[np.ndarray, np.ndarray]
"""Of one layer, as PyTorch keeps them: (out, in) or (out, in, side, side), and the bias (out,)."""


@dataclass(frozen=True)
class Conv:
    """Square kernels; the side becomes ceil(side / stride), and an odd zero of padding is at the right and bottom."""

    filters: int
    kernel: int
    stride: int


@dataclass(frozen=True)
class Dense:
    width: int


@dataclass(frozen=True)
class Net:
    """An architecture in no library's words."""

    image: Shape
    trunk: tuple[Conv | Dense, ...]
    """The layers that all tasks share, a ReLU after each. Maps are flattened in the order (C, H, W)."""
    heads: tuple[tuple[Dense, ...], ...]
    """Each task's own layers, a ReLU after each but the last, which gives its logits."""

    @property
    def layers(self) -> tuple[Conv | Dense, ...]:
        """All layers, in the order of `Work.weights`."""
        return self.trunk + tuple(layer for head in self.heads for layer in head)


@dataclass(frozen=True)
class Work:
    """One net to be fitted to images, for some epochs."""

    net: Net
    images: np.ndarray
    """(N, C, H, W), uint8."""
    labels: np.ndarray
    """(K, N), int64: one row per task."""
    test_images: np.ndarray
    test_labels: np.ndarray
    loss_weights: tuple[float, ...]
    """One per task; the loss is the weighted sum of the tasks' mean cross-entropies."""
    batch: int
    """The last batch of an epoch may be smaller."""
    rate: float
    """Of Adam."""
    epochs: int
    equal: bool
    """Whether the work must be the same for all: float32, Adam's constants as PyTorch has them (`EPSILON`, betas 0.9
    and 0.999), and the two fields below. Otherwise the library's defaults are wanted."""
    weights: tuple[Weights, ...] = ()
    """The initial ones, by layer."""
    orders: tuple[np.ndarray, ...] = ()
    """The order of the images in each epoch, (N,) int64."""
    device: str = "cpu"
    """Or "cuda": where the net is fitted."""
    trial: bytes = field(default=b"", repr=False)
    """The same for rungwise: a pickled `Fit`, which other peers have no need to load."""


@dataclass(frozen=True)
class Result:
    predictions: tuple[np.ndarray, ...]
    """Each task's predicted classes of the test images, (M,)."""
    precision: str = "float32"
    """In which matrices were multiplied."""


class Pace(Protocol):
    """How a peer is held to its turn."""

    def epoch(self, loss: float) -> None:
        """To be called after each epoch with its mean training loss. Returns when it is the peer's turn again."""

    def stop(self) -> None:
        """The test predictions are there: what a peer does until it returns is not timed."""


EPSILON = 1e-8
"""Of PyTorch's Adam."""
UNCORRECTED_EPSILON = EPSILON * math.sqrt(1 - 0.999)
"""For libraries that add epsilon before the second moment is corrected for bias: the same as `EPSILON` at the first
step, and closest to it in the first epoch's loss. With 1e-8 that loss was up to .6% off, with this .05%."""


class Unavailable(Exception):
    """Why a peer can't do a work here, in words for the table."""


def scaled(images: np.ndarray) -> np.ndarray:
    """uint8 pixels as float32 in [-1, 1]: x / 127.5 - 1."""
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1)
