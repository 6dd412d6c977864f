"""Images in memory: one uint8 array for all, never a file or an object per image."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class ImageSet:
    """Labelled images."""

    images: np.ndarray
    """(N, C, H, W), uint8, 0 to 255."""
    labels: np.ndarray
    """(N,), int64, 0 to classes - 1."""
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    """What else is known of each image, by name: (N,) each, int64, 0 to the column's classes - 1."""
    groups: np.ndarray | None = None
    """(N,), int64: images of one number stay on one side of a split; None where each may go by itself."""
    names: np.ndarray | None = None
    """(N,), bytes: the files that images come from, in UTF-8; None where images are no files of their own."""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def take(self, index: np.ndarray) -> "ImageSet":
        """The images at `index`, in that order."""
        columns = {name: values[index] for name, values in self.columns.items()}
        groups, names = (None if each is None else each[index] for each in (self.groups, self.names))
        return ImageSet(self.images[index], self.labels[index], columns, groups, names)

    @property
    def file_names(self) -> list[str]:
        """`names` as text; of images that are no files of their own there are none."""
        return [] if self.names is None else [name.decode("utf-8", "replace") for name in self.names.tolist()]


@dataclass(frozen=True)
class Dataset:
    """A whole data set as its source gives it."""

    name: str
    classes: tuple[str, ...]
    train: ImageSet
    test: ImageSet | None
    """None where the source has no test part of its own: it is then cut off by the trial's seed."""
    sha256: dict[str, str]
    """SHA-256 of the uncompressed bytes of each file, or of the pixels and labels, by name."""
    validation: ImageSet | None = None
    """None where the source has no validation part of its own."""


@dataclass(frozen=True)
class Split:
    """What one trial sees."""

    classes: tuple[str, ...]
    train: ImageSet
    test: ImageSet
    sha256: dict[str, str]
    validation: ImageSet | None = None
    """Training images set aside to choose by, where the setting asks for some."""


def scale(images: np.ndarray) -> np.ndarray:
    """Pixels 0..255 (uint8, any shape) as float32 in [-1, 1]: x / 127.5 - 1."""
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1)
