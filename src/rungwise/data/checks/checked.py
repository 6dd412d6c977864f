"""All checks of the images of a data set, of one split of it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rungwise.data.checks.duplicates import Repeated, blank, pixel_keys, repeated
from rungwise.data.checks.neighbours import Near, near_duplicates
from rungwise.data.checks.series import Series, find_series
from rungwise.data.images import ImageSet

FEW = 10
"""Images of a class, fewer than which say little."""
UNEVEN = 2.0
"""How many times the images of the smallest class the largest one has, from which classes are uneven."""
PARTS = ("train", "validation", "test")
"""In the order in which the images of all parts are numbered."""


class Checked(NamedTuple):
    """What was found. Images of all parts are numbered one part after the other, in the order of `PARTS`."""

    sizes: dict[str, int]
    """Images by part; parts that are not there are left out."""
    counts: np.ndarray
    """(parts, classes), int64: images of each class."""
    keys: np.ndarray
    """(N,), as `pixel_keys` makes them."""
    repeated: Repeated
    blank: np.ndarray
    """(b,), int64: images of a single colour."""
    near: Near
    """Images of the parts after the first that are almost one of the training part, but not the same."""
    series: Series | None
    """None where images have no file names."""

    def part_of(self, images: np.ndarray) -> np.ndarray:
        """The place in `sizes` of each image's part, by the images' numbers."""
        return np.searchsorted(np.cumsum(list(self.sizes.values())), images, side="right")


def check(parts: Mapping[str, ImageSet], classes: int) -> Checked:
    """Look at all images. `parts`: by name, the training part first; `classes`: how many there are."""
    known = {name: parts[name] for name in PARTS if name in parts}
    keys = np.concatenate([pixel_keys(part.images) for part in known.values()])
    found = repeated(keys)
    return Checked(
        {name: len(part) for name, part in known.items()},
        np.stack([np.bincount(part.labels, minlength=classes) for part in known.values()]),
        keys,
        found,
        np.flatnonzero(blank(part.images for part in known.values())),
        _near(known, found),
        _series(known),
    )


def _near(parts: Mapping[str, ImageSet], same: Repeated) -> Near:
    """Of each part after the first; pairs that are the same pixel by pixel are left out."""
    train, *others = parts.values()
    found, start = [], len(train)
    for part in others:
        near = near_duplicates(part.images, train.images)
        found.append(near._replace(query=near.query + start))
        start += len(part)
    if not found:
        return near_duplicates(train.images[:0], train.images)
    query, nearest, distance = (np.concatenate(each) for each in list(zip(*found, strict=True))[:3])
    equal = np.isin(query, same.again[same.first < len(train)])
    order = np.flatnonzero(~equal)[np.argsort(distance[~equal], kind="stable")]
    return Near(query[order], nearest[order], distance[order], sum(near.looked for near in found))


def _series(parts: Mapping[str, ImageSet]) -> Series | None:
    if any(part.names is None for part in parts.values()):
        return None
    names = [name for part in parts.values() for name in part.file_names]
    labels = np.concatenate([part.labels for part in parts.values()])
    return find_series(Pooled(list(parts.values())), labels, names)


class Pooled:
    """The images of several parts as if they were one array: only those that are asked for are read."""

    def __init__(self, parts: list[ImageSet]) -> None:
        self.parts = parts
        self.starts = np.cumsum([0, *map(len, parts)])

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        """Those of the numbers, (n, C, H, W), in that order."""
        index = np.asarray(index)
        found = np.empty((len(index), *self.parts[0].shape), np.uint8)
        for part, start, end in zip(self.parts, self.starts[:-1], self.starts[1:], strict=True):
            own = np.flatnonzero((index >= start) & (index < end))
            found[own] = part.images[index[own] - start]
        return found
