"""Own images made equal in size, in an order that does not depend on the disk, and split."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rungwise.data.checks.duplicates import pixel_keys
from rungwise.data.errors import DataError
from rungwise.data.images import ImageSet
from rungwise.data.own.division import test_part
from rungwise.data.own.encoded import LEAST_IMAGES
from rungwise.data.own.found import Coded, Items, Size
from rungwise.data.own.parts import NO_PART, PARTS, TEST, TRAIN
from rungwise.data.own.preparation import Preparation
from rungwise.data.own.sizes import Fitting, common_size
from rungwise.seeding import stream
from rungwise.words import counted, listed, some_of

MOST_IMAGES = 1_000_000
LEAST_CLASSES, MOST_CLASSES = 2, 1000
MOST_VALUES = 50
"""Of a column that can be a task; one of more values, as a file's number, is passed over."""
LEAST_EACH = 3
"""Images for a value of a column, on average, below which it says who or which an image is, and is no task."""
GROUP = "group"
"""The column that groups are read from unless another is named."""
ROWS = 4096
"""Images that are copied at a time."""
MOST_NAMED = 5
Progress = Callable[[int, int], None]
"""Told how many of how many images are decoded."""


class Prepared(NamedTuple):
    """What was made of own data."""

    classes: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    parts: dict[str, ImageSet]
    """By name: train and, where there are some, validation and test."""
    sizes: dict[Size, int]
    """How many images had which size before."""
    notes: tuple[str, ...]
    drawn: bool
    """Whether the data has no test part of its own."""
    group_column: str | None
    """By which images belong together."""
    label_name: str = ""
    """The column that has the class; "" where none has."""


def prepare(items: Items, preparation: Preparation, folder: Path, progress: Progress | None = None) -> Prepared:
    """The images of each part, mapped from files ``PART.npy`` that are written into a folder.

    Images are in the order of their classes and, within a class, of the digests of their pixels. Raises DataError where
    they cannot be classified, or where some are damaged and `preparation` does not say to go on without them.
    """
    check_counts(items)
    raw, kept = _decode(items, preparation, folder, progress)
    notes = [*items.notes, *_damage(items, kept, preparation)]
    whole = _Kept(items, kept, preparation, notes)
    order = whole.ordered(_pixel_keys(raw, kept))
    parts = {}
    for name, index in whole.divided(order, preparation).items():
        path = folder / f"{name}.npy"
        images = np.lib.format.open_memmap(path, "w+", np.uint8, (len(index), *raw.shape[1:]))
        for rows in _chunks(len(index)):
            images[rows] = raw[whole.places[index[rows]]]
        images.flush()
        columns = {column: values[index] for column, (values, _) in whole.columns.items()}
        groups = None if whole.groups is None else whole.groups[index]
        names = None if whole.names is None else whole.names[index]
        parts[name] = ImageSet(images, whole.labels.values[index], columns, groups, names)
    drawn = not (whole.parts == PARTS.index(TEST)).any()
    values = {column: coded.names for column, coded in whole.columns.items()}
    return Prepared(
        whole.labels.names,
        values,
        parts,
        dict(items.pixels.sizes()),
        tuple(notes),
        drawn,
        whole.group_column,
        items.label_name,
    )


class _Kept:
    """The images that are not damaged, and what is known of them."""

    def __init__(self, items: Items, kept: np.ndarray, preparation: Preparation, notes: list[str]) -> None:
        self.places = np.flatnonzero(kept)
        """(M,): where they are among all."""
        _check_images(len(self.places), len(kept) - len(self.places))
        files = items.files or ()
        self.names = np.array([files[i].encode("utf-8", "replace") for i in self.places.tolist()]) if files else None
        """(M,), bytes."""
        self.parts = items.parts[kept]
        self.labels = _without(items.labels, kept)
        _check_classes(self.labels)
        column = preparation.group_column or (GROUP if GROUP in items.columns else None)
        if column not in (None, "none", *items.columns):
            known = listed(sorted(items.columns)) or "none at all"
            raise DataError(f"expected the groups in a column {column!r}; the data has {known}")
        self.group_column = None if column == "none" else column
        self.groups = None if column in (None, "none") else items.columns[column].values[kept]
        self.columns: dict[str, Coded] = {}
        for name, whole in items.columns.items():
            coded = _without(whole, kept)
            if name == column:
                continue
            if why := _no_task(coded) or self._same_as(coded):
                notes.append(f"the column {name!r} is no task: {why}")
            else:
                self.columns[name] = coded

    def _same_as(self, column: Coded) -> str:
        """Which task, the class or a column before it, a column is under other names; "" where it is another task."""
        others = {"the class": self.labels, **{f"the column {name!r}": coded for name, coded in self.columns.items()}}
        return next((f"it says the same as {name}" for name, one in others.items() if _alike(one, column)), "")

    def ordered(self, keys: np.ndarray) -> np.ndarray:
        """Places (M,) by part, class and pixels; equal images by all else that is known of them."""
        further = [coded.values for coded in self.columns.values()]
        groups = [] if self.groups is None else [self.groups]
        return np.lexsort((*groups, *further, keys["low"], keys["high"], self.labels.values, self.parts))

    def divided(self, order: np.ndarray, preparation: Preparation) -> dict[str, np.ndarray]:
        """The places of each part's images, in that order."""
        own = {name: order[self.parts[order] == number] for number, name in enumerate(PARTS)}
        own[TRAIN] = np.concatenate([order[self.parts[order] == NO_PART], own[TRAIN]])
        if not len(own[TEST]) and preparation.split == "once":
            train = own[TRAIN]
            chosen = self.drawn(train, preparation)
            own |= {TRAIN: train[~chosen], TEST: train[chosen]}
        if missing := set(range(len(self.labels.names))) - set(self.labels.values[own[TRAIN]].tolist()):
            names = [repr(self.labels.names[label]) for label in sorted(missing)]
            raise DataError(
                f"expected images of every class to train on, got none of {some_of(names)}: add some, or take "
                f"{'it' if len(names) == 1 else 'them'} out of the other parts"
            )
        return {name: index for name, index in own.items() if len(index) or name == TRAIN}

    def drawn(self, train: np.ndarray, preparation: Preparation) -> np.ndarray:
        groups = None if self.groups is None else self.groups[train]
        random = stream(preparation.split_seed, "split")
        try:
            return test_part(self.labels.values[train], groups, preparation.test_share, random)
        except ValueError as error:
            raise DataError(
                f'no test part can be drawn by groups: {error}. Set group_column = "none" to split image '
                "by image, or give a test part"
            ) from None


def _no_task(column: Coded) -> str:
    """Why images cannot be told apart by a column; "" where they can."""
    if "" in column.names:
        return "it has images without a value"
    values, images = len(column.names), len(column.values)
    if not 2 <= values <= MOST_VALUES:
        return f"it has {counted(values, 'value')}, expected 2 to {MOST_VALUES}"
    if values == images:
        return "each image has a value of its own"
    return f"it has {values} values for {images} images" if images < LEAST_EACH * values else ""


def _alike(one: Coded, other: Coded) -> bool:
    """Whether two columns part the images in the same way, whatever they call the parts."""
    both, names = one.values * len(other.names) + other.values, len(one.names)
    if names != len(other.names) or len(np.unique(both[:ROWS])) > names:  # the first images mostly tell
        return False
    return len(np.unique(both)) == names


def check_counts(items: Items) -> None:
    """Raise DataError where there are too few or too many images or classes."""
    _check_images(len(items))
    _check_classes(items.labels)


def _check_images(count: int, damaged: int = 0) -> None:
    if not LEAST_IMAGES <= count <= MOST_IMAGES:
        without = f" without the {damaged:,} that are damaged" if damaged else ""
        raise DataError(f"expected {LEAST_IMAGES} to {MOST_IMAGES:,} images, got {count:,}{without}")


def _check_classes(labels: Coded) -> None:
    count = len(labels.names)
    if not LEAST_CLASSES <= count <= MOST_CLASSES:
        names = f": {some_of([repr(name) for name in labels.names])}" if count else ""
        raise DataError(f"expected {LEAST_CLASSES} to {MOST_CLASSES:,} classes, got {count:,}{names}")


def _decode(
    items: Items, preparation: Preparation, folder: Path, progress: Progress | None
) -> tuple[np.ndarray, np.ndarray]:
    """All images in equal size (N, C, H, W), mapped from a file of the folder, and which of them are there (N,)."""
    kept = np.zeros(len(items), bool)
    if not (sizes := items.pixels.sizes()):
        return np.empty((0, 1, 1, 1), np.uint8), kept
    size, done, grey = common_size(sizes, preparation), 0, True
    shape = (len(items), items.pixels.channels(), *size)
    raw = np.lib.format.open_memmap(folder / "raw.npy", "w+", np.uint8, shape)
    for places, pixels in items.pixels.decode(Fitting(size, preparation)):
        raw[places], kept[places] = pixels, True
        grey = grey and pixels.shape[1] == 1
        done += len(places)
        if progress is not None:
            progress(done, len(items))
    return (raw[:, :1] if grey else raw), kept


def _damage(items: Items, kept: np.ndarray, preparation: Preparation) -> Iterator[str]:
    """A note on damaged images; DataError where there are some that are not to be skipped."""
    faults = [f"{items.name(place)}: {items.pixels.damaged[place]}" for place in np.flatnonzero(~kept).tolist()]
    if not faults:
        return
    some = "".join(f"\n  {fault}" for fault in faults[:MOST_NAMED])
    more = f"\n  and {len(faults) - MOST_NAMED:,} more" if len(faults) > MOST_NAMED else ""
    if not preparation.skip_damaged:
        raise DataError(
            f"{len(faults):,} of {counted(len(items), 'image')} cannot be decoded:{some}{more}\nRepair or remove "
            f"{'it' if len(faults) == 1 else 'them'}, or set skip_damaged = true to go on without"
        )
    yield f"{counted(len(faults), 'damaged image')} of {len(items):,} left out:{some}{more}"


def _pixel_keys(raw: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """`pixel_keys` of each kept image: (M,)."""
    places = np.flatnonzero(kept)
    return np.concatenate([pixel_keys(raw[places[rows]]) for rows in _chunks(len(places))])


def _without(coded: Coded, kept: np.ndarray) -> Coded:
    """The words of the kept images; names that none has are gone."""
    used, values = np.unique(coded.values[kept], return_inverse=True)
    return Coded(values.reshape(-1).astype(np.int64), tuple(coded.names[number] for number in used))


def _chunks(count: int) -> Iterator[slice]:
    for start in range(0, count, ROWS):
        yield slice(start, min(count, start + ROWS))
