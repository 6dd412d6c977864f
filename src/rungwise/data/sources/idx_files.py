"""Data sets in four IDX files, as MNIST's: images and labels to train on, then those to test on."""

from dataclasses import dataclass

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.files.contents import Progress
from rungwise.data.files.idx import read_idx
from rungwise.data.files.known import File
from rungwise.data.files.obtain import obtain
from rungwise.data.images import Dataset, ImageSet
from rungwise.data.sources.parts import check_part, digests
from rungwise.data.sources.source import Facts


@dataclass(frozen=True)
class IdxFiles:
    """Grey images, each with a label."""

    facts: Facts
    files: tuple[File, ...]
    """Images and labels to train on, then images and labels to test on."""
    origin: str = ""
    transposed: bool = False
    """Whether the files have each image column by column, as those of EMNIST do."""
    first_label: int = 0
    """What the files call the first class: EMNIST counts its letters from 1."""
    balanced: bool = False
    """Whether all classes are published to have the same number of images: compared where no checksum is."""

    def load(self, *, offline: bool = False, progress: Progress | None = None) -> Dataset:
        """The images of both parts, upright, in the order of the files. Raises `DataError`."""
        contents = obtain(self.files, offline=offline, progress=progress)
        arrays = [_read(file, contents[file.name]) for file in self.files]
        sha256 = digests(self.files, contents)
        del contents
        train, test = self._part(*arrays[:2]), self._part(*arrays[2:])
        self._check(train, test)
        return Dataset(self.facts.name, self.facts.classes, train, test, sha256)

    def _part(self, images: np.ndarray, labels: np.ndarray) -> ImageSet:
        """Of (N, H, W) pixels, or (N, W, H), and (N,) labels."""
        if self.transposed and images.ndim == 3:
            images = np.ascontiguousarray(images.transpose(0, 2, 1))
        return ImageSet(images[:, np.newaxis], labels.astype(np.int64) - self.first_label)

    def _check(self, train: ImageSet, test: ImageSet) -> None:
        unverifiable = self.balanced and not all(file.verifiable for file in self.files)
        for part, images, name in (
            (train, self.facts.train_images, "training"),
            (test, self.facts.test_images, "test"),
        ):
            check_part(self.facts, name, part, images, balanced=unverifiable)


def _read(file: File, content: bytearray) -> np.ndarray:
    try:
        return read_idx(content)
    except DataError as error:
        raise DataError(f"{file.source}/{file.name}: {error}") from None
