"""CIFAR-10 in its binary version: colour photographs of 32 x 32 pixels."""

from dataclasses import dataclass

import numpy as np

from rungwise.data.files.cifar import read_cifar
from rungwise.data.files.contents import Progress
from rungwise.data.files.known import File
from rungwise.data.files.obtain import obtain
from rungwise.data.images import Dataset, ImageSet
from rungwise.data.sources.parts import check_part, digests
from rungwise.data.sources.source import Facts


@dataclass(frozen=True)
class CifarFiles:
    """Colour images, each with a label."""

    facts: Facts
    files: tuple[File, ...]
    """Batches to train on, then the one to test on."""
    origin: str = ""

    def load(self, *, offline: bool = False, progress: Progress | None = None) -> Dataset:
        """The images of both parts, in the order of the files. Raises `DataError`."""
        contents = obtain(self.files, offline=offline, progress=progress)
        sha256 = digests(self.files, contents)
        train, test = _part(self.files[:-1], contents), _part(self.files[-1:], contents)
        check_part(self.facts, "training", train, self.facts.train_images)
        check_part(self.facts, "test", test, self.facts.test_images)
        return Dataset(self.facts.name, self.facts.classes, train, test, sha256)


def _part(files: tuple[File, ...], contents: dict[str, bytearray]) -> ImageSet:
    """Of files in this order. Each is let go once it is read: together they are as large as the images."""
    batches = [read_cifar(contents.pop(file.name), 1) for file in files]
    images = np.concatenate([images for images, _ in batches])
    labels = np.concatenate([labels for _, labels in batches])  # (N, 1)
    return ImageSet(images, labels[:, 0].astype(np.int64))
