"""Which images a trial learns from, and which it is tested on."""

import numpy as np

from rungwise.data.images import Dataset, ImageSet, Split
from rungwise.data.source import Data
from rungwise.seeding import stream


def split(dataset: Dataset, data: Data, seed: int) -> Split:
    """The training and test images of a seed, the same for every model that asks.

    A source's own test part is kept whole. Where it has none, a quarter of the images is drawn at random to
    be it. The training images are those that remain, in the source's order, or `data.train_images` of them
    drawn at random; a smaller draw of the same seed is the beginning of a larger one.
    """
    if data.source != dataset.name:
        raise ValueError(f"the setting asks for {data.source!r}, but the images are of {dataset.name!r}")
    train, test = dataset.train, dataset.test
    if test is None:
        train, test = _cut(train, stream(seed, "split"))
    if data.train_images is not None:
        if data.train_images > len(train):
            raise ValueError(f"{dataset.name} has {len(train):,} training images, not {data.train_images:,}")
        train = train.take(stream(seed, "subset").permutation(len(train))[: data.train_images])
    return Split(dataset.classes, train, test, dataset.sha256)


def _cut(images: ImageSet, random: np.random.Generator) -> tuple[ImageSet, ImageSet]:
    """Three quarters to train on and one to test on, each in the source's order."""
    order = random.permutation(len(images))
    quarter = len(images) // 4
    return images.take(np.sort(order[quarter:])), images.take(np.sort(order[:quarter]))
