"""A test part for data that has none: drawn class by class, or group by group."""

import numpy as np


def test_part(labels: np.ndarray, groups: np.ndarray | None, share: float, random: np.random.Generator) -> np.ndarray:
    """Which images are tested on: (N,), bool.

    Parameters: labels (N,), int64; groups (N,), int64, or None where each image may go by itself; `share`: of the
    images of each class. Each class keeps an image to train on, and from two images on has one to test on, as far as
    groups let it.
    """
    return _by_class(labels, share, random) if groups is None else _by_group(labels, groups, share, random)


def _by_class(labels: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        own = random.permutation(np.flatnonzero(labels == label))
        chosen[own[: min(len(own) - 1, max(1, round(share * len(own))))]] = True
    return chosen


def _by_group(labels: np.ndarray, groups: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Whole groups, taken in random order as long as each brings the counts of the classes nearer to their share."""
    values, place = np.unique(groups, return_inverse=True)
    if len(values) < 2:
        raise ValueError("expected two groups or more, got one")
    counts = np.zeros((len(values), labels.max() + 1))
    np.add.at(counts, (place, labels), 1)
    wanted, taken = share * counts.sum(0), np.zeros(counts.shape[1])
    chosen = np.zeros(len(values), bool)
    for group in random.permutation(len(values)):
        more = taken + counts[group]
        if ((more - wanted) ** 2).sum() < ((taken - wanted) ** 2).sum() and (counts.sum(0) > more)[more > 0].all():
            chosen[group], taken = True, more
    if not chosen.any():  # each is larger than the share: the smallest that leaves every class something
        fits = [g for g in np.argsort(counts.sum(1), kind="stable") if (counts.sum(0) > counts[g])[counts[g] > 0].all()]
        if not fits:
            raise ValueError("expected classes that occur in two groups or more, but each group holds all of a class")
        chosen[fits[0]] = True
    return chosen[place]
