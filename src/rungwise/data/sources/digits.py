"""The 1,797 digits that scikit-learn carries, in MNIST's size, so that a first run needs no network."""

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.files.contents import Progress
from rungwise.data.files.known import File
from rungwise.data.images import Dataset, ImageSet
from rungwise.data.sources.source import Facts

SHA256 = {
    "pixels": "28e94d53a2698536df9e8e4e8d9be89f3fdfc2bcb87ab0ac952a1b34c5fead10",
    "labels": "a3c91c262eddcf7ba8f0e37507c30284493c9b20412ffe4af30d536401f7ba21",
}
"""Of the resized images and of the labels as little-endian 64-bit numbers."""


@dataclass(frozen=True)
class Digits:
    """All digits as one training part, enlarged to 28x28."""

    facts: Facts
    files: ClassVar[tuple[File, ...]] = ()
    origin: ClassVar[str] = "scikit-learn"

    def load(self, *, offline: bool = False, progress: Progress | None = None) -> Dataset:
        """Raises `DataError` where scikit-learn carries other digits."""
        from sklearn.datasets import load_digits  # half a second, and not needed for other data sets

        digits = load_digits()
        images = enlarge(digits.images.astype(np.int64))[:, np.newaxis]
        labels = digits.target.astype(np.int64)
        sha256 = {
            "pixels": hashlib.sha256(images.tobytes()).hexdigest(),
            "labels": hashlib.sha256(labels.astype("<i8").tobytes()).hexdigest(),
        }
        if sha256 != SHA256:
            raise DataError(
                f"scikit-learn's digits are not those that rungwise knows: SHA-256 {sha256}, expected {SHA256}. "
                "Install another version of scikit-learn, or use another data set."
            )
        return Dataset(self.facts.name, self.facts.classes, ImageSet(images, labels), None, sha256)


def enlarge(images: np.ndarray) -> np.ndarray:
    """(N, 8, 8) integers from 0 to 16 to (N, 28, 28) uint8 from 0 to 255, bilinearly.

    Bilinear rather than bicubic: it never overshoots, so nothing is clipped, and its weights here are whole
    fourteenths, so it is exact in integers. The same pixels come out on every machine, which the checksums
    need: an area of eights scales to 127.5, and floating point would round that up here and down there.
    """
    # In fourteenths of a source pixel, output pixel i lies at 14 ((i + 1/2) 8/28 - 1/2) = 4 i - 5, and source
    # pixel j at 14 j. Beyond the outermost centres the edge's value goes on.
    position = np.clip(4 * np.arange(28) - 5, 0, 14 * 7)
    weights = np.clip(14 - abs(position[:, np.newaxis] - 14 * np.arange(8)), 0, None)  # (28, 8); rows sum to 14
    sums = weights @ images @ weights.T  # (N, 28, 28), 14^2 times the value
    whole = 16 * 14**2
    scaled: np.ndarray = (255 * sums + whole // 2) // whole  # halves go up
    return scaled.astype(np.uint8)
