"""Which images a trial learns from, and which it is tested on."""

import numpy as np

from rungwise.data.images import Dataset, ImageSet, Split
from rungwise.data.own.division import test_part
from rungwise.data.settings import TURN, Data
from rungwise.seeding import stream


def split(dataset: Dataset, data: Data, seed: int) -> Split:
    """The training and test images of a seed, the same for every model that asks.

    A source's own test and validation parts are kept whole. Where it has no test part, a quarter of the images is
    drawn at random to be it. The training images are those that remain, in the source's order, or `data.train_images`
    of them drawn at random; a smaller draw of the same seed is the beginning of a larger one. The images set aside are
    the same for every number of training images. What is drawn for an image (its turn, its random label) is drawn for
    all images of the source, so that it does not depend on which of them are used.
    """
    if data.facts.name != dataset.name:
        raise ValueError(f"the setting asks for {data.facts.name!r}, but the images are of {dataset.name!r}")
    train, test = dataset.train, dataset.test
    if test is None:
        train, test = _cut(train, data, stream(seed, "split"))
    aside = data.validation_images or 0
    if (data.train_images or 1) + aside > len(train):
        raise ValueError(f"{dataset.name} has {len(train):,} training images, not {(data.train_images or 1) + aside:,}")
    used = _drawn(data, len(train), None if data.split_by == "image" else train.groups, seed)
    turns, random = stream(seed, "turns"), stream(seed, "labels")
    train_turns, test_turns = (turns.integers(0, 4, len(part)) for part in (train, test))
    told_turns = train_turns
    if data.labels == "random":
        train = _random_labels(train, data, random)
        told_turns = random.integers(0, 4, len(train))
    validation = dataset.validation
    if validation is not None and data.labels == "random":
        validation = _random_labels(validation, data, random)
    own_turns = None if validation is None else turns.integers(0, 4, len(validation))

    def part(images: ImageSet, index: np.ndarray | None, turns: np.ndarray, told: np.ndarray) -> ImageSet:
        chosen = images if index is None else images.take(index)
        own = slice(None) if index is None else index
        return _turn(chosen, turns[own], told[own]) if data.turned else chosen

    return Split(
        dataset.classes,
        part(train, used["train"], train_turns, told_turns),
        part(test, None, test_turns, test_turns),
        dataset.sha256,
        part(train, used["validation"], train_turns, told_turns)
        if aside
        else part(validation, None, own_turns, own_turns)
        if validation is not None and own_turns is not None
        else None,
    )


def _drawn(data: Data, count: int, groups: np.ndarray | None, seed: int) -> dict[str, np.ndarray | None]:
    """The indices of the images to train on (None: all, in the source's order) and of those set aside.

    `groups` (count,): whole groups are set aside, but for the one that is cut where the number is reached.
    """
    aside = data.validation_images or 0
    if data.train_images is None and not aside:
        return {"train": None, "validation": None}
    random = stream(seed, "subset")
    order = random.permutation(count)
    if groups is not None and aside:
        ranks = random.permutation(groups.max() + 1)[groups]
        last = np.argsort(ranks, kind="stable")[count - aside :]
        order = np.concatenate([order[~np.isin(order, last)], last])
    train = np.sort(order[: count - aside]) if data.train_images is None else order[: data.train_images]
    return {"train": train, "validation": order[count - aside :]}


def _random_labels(images: ImageSet, data: Data, random: np.random.Generator) -> ImageSet:
    """The images with labels and columns drawn uniformly."""

    def draw(classes: int) -> np.ndarray:
        return random.integers(0, classes, len(images))

    columns = {name: draw(len(data.columns[name])) for name in sorted(images.columns)}
    return ImageSet(images.images, draw(len(data.classes)), columns)


def _turn(part: ImageSet, turns: np.ndarray, told: np.ndarray) -> ImageSet:
    """Each image turned counter-clockwise by its number of quarter turns; what is told of it is kept as a column."""
    images = part.images.copy()
    for quarters in (1, 2, 3):
        images[turns == quarters] = np.rot90(part.images[turns == quarters], quarters, axes=(2, 3))
    return ImageSet(images, part.labels, {**part.columns, TURN: told.astype(np.int64)})


def _cut(images: ImageSet, data: Data, random: np.random.Generator) -> tuple[ImageSet, ImageSet]:
    """Three quarters to train on and one to test on, each in the source's order; of own images as the setting says,
    class by class or group by group."""
    if data.own:
        groups = None if data.split_by == "image" else images.groups
        chosen = test_part(images.labels, groups, data.test_share, random)
        return images.take(np.flatnonzero(~chosen)), images.take(np.flatnonzero(chosen))
    order = random.permutation(len(images))
    quarter = len(images) // 4
    return images.take(np.sort(order[quarter:])), images.take(np.sort(order[:quarter]))
