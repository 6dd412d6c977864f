"""Data sets in MNIST's four IDX files: images and labels, to train and to test on."""

from dataclasses import dataclass

import numpy as np

from rungwise.data.files.contents import Progress
from rungwise.data.files.idx import read_idx
from rungwise.data.files.known import File
from rungwise.data.files.obtain import obtain
from rungwise.data.images import Dataset, ImageSet
from rungwise.data.sources.source import Facts


@dataclass(frozen=True)
class IdxFiles:
    """Grey images, each with a label."""

    facts: Facts
    files: tuple[File, ...]
    origin: str = ""

    def load(self, *, offline: bool = False, progress: Progress | None = None) -> Dataset:
        """The images of both parts, in the order of the files."""
        arrays = {file.name: read_idx(obtain(file, offline=offline, progress=progress)) for file in self.files}
        train = _image_set(arrays["train-images-idx3-ubyte"], arrays["train-labels-idx1-ubyte"])
        test = _image_set(arrays["t10k-images-idx3-ubyte"], arrays["t10k-labels-idx1-ubyte"])
        sha256 = {file.name: file.sha256 for file in self.files}
        return Dataset(self.facts.name, self.facts.classes, train, test, sha256)


def _image_set(images: np.ndarray, labels: np.ndarray) -> ImageSet:
    """Of (N, H, W) pixels and (N,) labels."""
    return ImageSet(images[:, np.newaxis], labels.astype(np.int64))
