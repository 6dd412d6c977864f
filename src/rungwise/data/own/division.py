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
    """Whole groups, taken in random order as long as each brings the count of all images, and those of the classes,
    nearer to their share."""
    counts = _counts(labels, groups)
    if len(counts) < 2:
        raise ValueError("expected two groups or more, got one")
    whole = np.bincount(labels)
    wanted, taken = share * whole, np.zeros(len(whole))
    missing = wanted.sum()
    chosen = np.zeros(len(counts), bool)
    for group in random.permutation(len(counts)):
        own, number = counts[group]
        before, more = taken[own], taken[own] + number
        nearer = ((more - wanted[own]) ** 2).sum() < ((before - wanted[own]) ** 2).sum()
        if nearer and number.sum() < 2 * missing and (whole[own] > more).all():
            chosen[group], taken[own] = True, more
            missing -= number.sum()
    if not chosen.any():  # each is larger than the share: the smallest that leaves every class something
        sizes = [number.sum() for _, number in counts]
        fits = [g for g in np.argsort(sizes, kind="stable") if (whole[counts[g][0]] > counts[g][1]).all()]
        if not fits:
            raise ValueError("expected classes that occur in two groups or more, but each group holds all of a class")
        chosen[fits[0]] = True
    return chosen[np.unique(groups, return_inverse=True)[1].reshape(-1)]


def _counts(labels: np.ndarray, groups: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each group, in the order of their numbers, the labels in it and how often each is there.

    A table of all groups and classes would be larger than the images where each person has a group.
    """
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    return [np.unique(own, return_counts=True) for own in np.split(labels[order], starts)]
