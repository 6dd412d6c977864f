"""From a name to the images, wherever they are."""

import logging

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.files.contents import Progress, read
from rungwise.data.files.fetch import fetch
from rungwise.data.files.idx import read_idx
from rungwise.data.files.locate import CACHE, VARIABLE, cache, locate
from rungwise.data.images import Dataset, ImageSet
from rungwise.data.sources.catalogue import CATALOGUE, File
from rungwise.data.sources.digits import load_digits
from rungwise.data.sources.multi_mnist import make_multi_mnist
from rungwise.errors import nearest

logger = logging.getLogger(__name__)


def load(name: str, *, offline: bool = False, progress: Progress | None = None) -> Dataset:
    """A whole data set, its files' checksums verified; what is missing is downloaded unless `offline`.

    Images are (N, 1, H, W), uint8; labels (N,), int64. Raises `DataError`.
    """
    if name not in CATALOGUE:
        raise DataError(f"no data set is called {name!r}; {nearest(name, CATALOGUE)}")
    entry = CATALOGUE[name]
    if entry.made_from:
        return make_multi_mnist(load(entry.made_from, offline=offline, progress=progress))
    if not entry.files:
        return load_digits()
    arrays = {file.name: read_idx(obtain(name, file, offline, progress)) for file in entry.files}
    train = _image_set(arrays["train-images-idx3-ubyte"], arrays["train-labels-idx1-ubyte"])
    test = _image_set(arrays["t10k-images-idx3-ubyte"], arrays["t10k-labels-idx1-ubyte"])
    return Dataset(name, entry.classes, train, test, {file.name: file.sha256 for file in entry.files})


def obtain(name: str, file: File, offline: bool, progress: Progress | None = None) -> bytearray:
    """The uncompressed bytes of one file. A wrong file is an error, but in the cache it is replaced."""
    found = locate(name, file)
    if found is not None:
        try:
            return read(found.path, file)
        except DataError as error:
            if found.place.title != CACHE or offline:
                raise DataError(
                    f"{found.path} is {error}. Replace it, or remove it to have it looked for elsewhere or downloaded."
                ) from error
            logger.warning("%s is %s; it is fetched anew", found.path, error)
    if offline:
        raise DataError(
            f"{name}: {file.name} is not on this machine, and downloads are off. Run "
            f"`rungwise data fetch {name}` where there is a network, or put the files into a folder called "
            f"{name!r} and set {VARIABLE} to the folder around it."
        )
    return fetch(file, cache(name), progress)


def _image_set(images: np.ndarray, labels: np.ndarray) -> ImageSet:
    return ImageSet(images[:, np.newaxis], labels.astype(np.int64))
