"""File names in a series, and whether images that follow each other in it are more alike than others.

Photographs are numbered as they are taken: those of one person, place or film follow each other. Where neighbours in
number look alike, a split image by image puts some of a group into training and others into the test.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np

from rungwise.data.checks.neighbours import chunks, frequencies

PERMUTATIONS = 499
"""Orders drawn at random, so that no p is below .002, of two orders .004."""
MOST_IMAGES = 4_000
"""Images that are looked at, in stretches that are evenly spread."""
STRETCHES = 20
LEAST = 20
"""Pairs of neighbours, fewer than which say nothing."""
ALIKE, SURE = 0.05, 0.01
"""What neighbours must have in common to hint at groups, and the largest p."""
NUMBER = re.compile(r"^(.*?)(\d+)(\D*)$")


class Series(NamedTuple):
    """What was found. Undefined where fewer than `LEAST` pairs were looked at: `alike` is 0 and `p` 1."""

    pairs: int
    """Neighbours in number that were compared."""
    alike: float
    """The correlation of neighbours, from -1 to 1, once the mean of their class is taken away; 0: as much alike as any
    two. It is Moran's I of the series, lag one, over all features together."""
    p: float
    """One-sided, of a permutation test within classes, twice as large since two orders are tried."""
    within: bool
    """Whether numbers count within each class; else through all classes."""
    example: str
    """A name that has a number."""

    @property
    def hints(self) -> bool:
        """Whether this hints at groups."""
        return self.alike >= ALIKE and self.p <= SURE


NOTHING = Series(0, 0.0, 1.0, False, "")


class Taken(Protocol):
    """Images of which some are taken by their numbers: an array, or several as one."""

    def __getitem__(self, index: np.ndarray, /) -> np.ndarray: ...


def find_series(images: Taken, labels: np.ndarray, names: Sequence[str]) -> Series:
    """Whether neighbours in the numbers of file names are alike.

    Parameters: images (N, C, H, W), uint8, of which some are read; labels (N,); N names with "/" between folders. The
    order of the images does not matter. A series is all names that are the same but for the last number; folders are no
    part of it where numbers run through them.
    """
    parsed = [_number(name) for name in names]
    numbered = np.array([i for i, one in enumerate(parsed) if one is not None], np.int64)
    if len(numbered) <= LEAST:
        return NOTHING
    found = [_one_order(images, labels, numbered, parsed, names, within) for within in (False, True)]
    best = min(found, key=lambda one: (one.p, -one.alike))
    return best._replace(p=min(1.0, 2 * best.p))


def _number(name: str) -> tuple[str, str, int] | None:
    """The folder, the name without its last number, and that number; None where there is none."""
    folder, _, file = name.rpartition("/")
    match = NUMBER.match(file.rpartition(".")[0] or file)
    return None if match is None else (folder, match[1] + "#" + match[3], int(match[2][-18:]))


def _one_order(
    images: Taken,
    labels: np.ndarray,
    numbered: np.ndarray,
    parsed: Sequence[tuple[str, str, int] | None],
    names: Sequence[str],
    within: bool,
) -> Series:
    def place(i: int) -> tuple[object, ...]:
        folder, stem, number = parsed[i] or ("", "", 0)
        series = (folder, int(labels[i]), stem) if within else (stem,)
        return (*series, number, names[i])

    order = np.array(sorted(numbered.tolist(), key=place), np.int64)
    series = [place(i)[:-2] for i in order.tolist()]
    kept = _stretches(len(order))
    order, series = order[kept], [series[i] for i in kept.tolist()]
    follows = np.array([a == b for a, b in pairwise(series)]) & (np.diff(kept) == 1)
    if follows.sum() < LEAST:
        return NOTHING
    features = features_of(images[order])
    own = labels[order]
    for label in np.unique(own):
        features[own == label] -= features[own == label].mean(axis=0)
    alike, p = _moran(features, own, follows)
    return Series(int(follows.sum()), alike, p, within, min(names[i] for i in order.tolist()))


def _stretches(count: int) -> np.ndarray:
    """Numbers below `count`: all, or `MOST_IMAGES` of them in stretches evenly spread."""
    if count <= MOST_IMAGES:
        return np.arange(count)
    starts = np.arange(STRETCHES) * count // STRETCHES
    return (starts[:, None] + np.arange(MOST_IMAGES // STRETCHES)).reshape(-1)


def features_of(images: np.ndarray) -> np.ndarray:
    """Features of images (N, C, H, W), uint8: (N, F), float32: low frequencies, and for each channel the mean and the
    spread, which tell light and ground. Each is scaled to a variance of about 1, and the two parts count alike."""
    flat = (rows.reshape(*rows.shape[:2], -1).astype(np.float32) for rows in chunks(images))
    means = np.concatenate([np.concatenate([rows.mean(axis=2), rows.std(axis=2)], axis=1) for rows in flat])
    parts = [part - part.mean(axis=0) for part in (frequencies(images), means)]
    return np.concatenate(
        [part / max(1e-6, float(np.sqrt(np.square(part).sum() / len(part)))) for part in parts], axis=1
    )


def _moran(features: np.ndarray, labels: np.ndarray, follows: np.ndarray) -> tuple[float, float]:
    """The correlation of neighbours, and the share of orders within classes in which it is as large: p."""
    total = float(np.square(features).sum()) / len(features)
    if not total:
        return 0.0, 1.0
    here = np.flatnonzero(follows)

    def correlation(order: np.ndarray) -> float:
        moved = features[order]
        return float(np.einsum("nf,nf->", moved[here], moved[here + 1])) / (len(here) * total)

    random = np.random.default_rng(0)
    places = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    found, order = correlation(np.arange(len(features))), np.arange(len(features))
    as_large = 0
    for _ in range(PERMUTATIONS):
        for own in places:
            order[own] = random.permutation(own)
        as_large += correlation(order) >= found
    return found, (1 + as_large) / (1 + PERMUTATIONS)
