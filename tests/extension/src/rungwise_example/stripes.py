"""A data set: bright stripes on noise, to be told by their direction."""

import hashlib

import numpy as np

from rungwise.data.images import Dataset, ImageSet
from rungwise.data.sources.source import Facts

SIDE, EACH = 12, {"train": 60, "test": 20}
DIRECTIONS = ("across", "down", "diagonal")


class Stripes:
    facts = Facts(
        name="stripes",
        classes=DIRECTIONS,
        image=(1, SIDE, SIDE),
        train_images=3 * EACH["train"],
        test_images=3 * EACH["test"],
        licence="public domain",
    )
    files = ()
    origin = "made by rungwise-example"

    def load(self, *, offline=False, progress=None):
        train, test = (make(EACH[part], seed) for seed, part in enumerate(EACH))
        sha256 = {"train": digest(train), "test": digest(test)}
        return Dataset(self.facts.name, self.facts.classes, train, test, sha256)


STRIPES = Stripes()


def make(each, seed):
    """`each` images of each direction, in turns."""
    noise = np.random.PCG64(seed).random_raw(3 * each * SIDE * SIDE) % np.uint64(100)  # the same in every NumPy
    images = noise.astype(np.uint8).reshape(-1, SIDE, SIDE)
    labels = np.arange(len(images), dtype=np.int64) % 3
    row, column = np.indices((SIDE, SIDE))
    for image, label in zip(images, labels, strict=True):
        position = (row, column, row + column)[label]
        image[position % 4 == 0] += 120
    return ImageSet(images[:, np.newaxis], labels)


def digest(part):
    return hashlib.sha256(part.images.tobytes() + part.labels.astype("<i8").tobytes()).hexdigest()
