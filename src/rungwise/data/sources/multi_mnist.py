"""Multi-MNIST: two digits in each image, one at the top left and one at the bottom right, made from MNIST.

After Sener and Koltun (2018), arXiv 1810.04650, section 4.1, who simplify Sabour et al. (2017), arXiv 1710.09829: each
image of MNIST is at the top left of one image, and another one, drawn at random from the same part, at the bottom
right. The paper leaves the details open. Their code, and that of Kurin et al. (2022), arXiv 2201.04122, differs in two
of them: the second digit lies at 6 rather than 8, and pixels are dropped rather than averaged.

Training and test images share no digit. Images set aside for validation do share digits with those trained on, in other
pairs.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.files.contents import Progress
from rungwise.data.files.known import File
from rungwise.data.images import Dataset, ImageSet
from rungwise.data.sources.source import Facts, Source

SIDE, CANVAS = 28, 36
SHIFT = CANVAS - SIDE
"""The row and the column of the canvas at which the second digit begins."""
STREAMS = {"train": (0, 0), "test": (0, 1)}
"""The seeds of the pairs: those are part of the data set, and the same in every study."""
CHUNK = 1000
"""Images to make at a time, so that what is between takes little memory."""
SHA256 = {
    "multi-mnist-train": "2b83d630485aa23d40f7029fee3e5b3ca942b7ff8a4109aa7490b59636423f8c",
    "multi-mnist-test": "c14b5a6ee28dd71555a6aeeeff6ead7ab742a80da319bd2707acef6ea61aff44",
}
"""Of the images, the left and the right labels, one after the other, a byte per pixel and label."""


@dataclass(frozen=True)
class MultiMnist:
    """The labels are those of the left digits, in MNIST's order; the columns "left" and "right" those of both."""

    facts: Facts
    mnist: Source
    """Whose digits are put together."""

    @property
    def files(self) -> tuple[File, ...]:
        return self.mnist.files

    @property
    def origin(self) -> str:
        return f"images made from {self.mnist.facts.name}"

    def load(self, *, offline: bool = False, progress: Progress | None = None) -> Dataset:
        """Raises `DataError` where other images come out than those that rungwise knows."""
        mnist = self.mnist.load(offline=offline, progress=progress)
        assert mnist.test is not None
        train, test = _make(mnist.train, STREAMS["train"]), _make(mnist.test, STREAMS["test"])
        sha256 = {"multi-mnist-train": _digest(train), "multi-mnist-test": _digest(test)}
        if sha256 != SHA256:
            raise DataError(
                f"the images of {self.facts.name} made here are not those that rungwise knows: SHA-256 {sha256}, "
                f"expected {SHA256}. Install another version of NumPy (this is {np.__version__}), or use another data "
                "set."
            )
        return Dataset(self.facts.name, self.facts.classes, train, test, {**mnist.sha256, **sha256})


def partners(count: int, seed: tuple[int, ...]) -> np.ndarray:
    """For each of `count` images another one, drawn uniformly from the others: (count,), int64.

    Drawn from the bits of PCG64, which NumPy promises to keep, as it doesn't for the methods of a Generator. The
    remainder's bias is below 2^-48.
    """
    steps = np.random.PCG64(seed).random_raw(count) % np.uint64(count - 1)  # 0 to count - 2
    return (np.arange(count) + 1 + steps.astype(np.int64)) % count


def overlay(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(N, 28, 28) uint8 twice to (N, 36, 36) uint8: the larger pixel where both lie."""
    canvas = np.zeros((len(left), CANVAS, CANVAS), np.uint8)
    canvas[:, :SIDE, :SIDE] = left
    lower = canvas[:, SHIFT:, SHIFT:]
    np.maximum(lower, right, out=lower)
    return canvas


def shrink(canvas: np.ndarray) -> np.ndarray:
    """(N, 36, 36) uint8 to (N, 28, 28) uint8: bilinear, as Pillow's, the mean over what a pixel then covers.

    The same bytes on every machine. The weights are whole numbers, and so are all sums, which stay below 2^24: exact
    in float32, whatever the order in which they are added. Halves go up.
    """
    # The centre of output pixel i lies at (i + 1/2) 36/28, that of pixel j at j + 1/2: their distance is
    # |7 j - 9 i - 1| / 7. The weight falls linearly from there to 0 at one output pixel, 9/7.
    distance = abs(7 * np.arange(CANVAS) - 9 * np.arange(SIDE)[:, np.newaxis] - 1)
    weights = np.clip(9 - distance, 0, None)  # (28, 36); rows sum to 11, 12 or 13
    row = weights.sum(1)
    whole = np.outer(row, row).astype(np.uint16)  # 255 * 13^2 and half of 13^2 fit into 16 bits
    exact = weights.astype(np.float32)
    sums = (exact @ canvas.astype(np.float32) @ exact.T).astype(np.uint16)  # (N, 28, 28), `whole` times the value
    values: np.ndarray = (sums + whole // 2) // whole
    return values.astype(np.uint8)


def _make(part: ImageSet, seed: tuple[int, ...]) -> ImageSet:
    pairs, digits = partners(len(part), seed), part.images[:, 0]
    images = np.empty((len(part), 1, SIDE, SIDE), np.uint8)
    for start in range(0, len(part), CHUNK):
        chunk = slice(start, start + CHUNK)
        images[chunk, 0] = shrink(overlay(digits[chunk], digits[pairs[chunk]]))
    return ImageSet(images, part.labels, {"left": part.labels, "right": part.labels[pairs]})


def _digest(part: ImageSet) -> str:
    digest = hashlib.sha256(part.images.tobytes())
    for column in ("left", "right"):
        digest.update(part.columns[column].astype(np.uint8).tobytes())
    return digest.hexdigest()
