"""Which classes are hard to tell apart, found by the plainest classifier: the nearest mean image."""

import numpy as np

ROWS = 2048
"""Images whose distances are computed at a time."""


def confusion_by_centroids(images: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """How many images of each class (row) are nearest to the mean image of each class (column): (classes, classes).

    Parameters: images (N, C, H, W), uint8; labels (N,) from 0 to classes - 1, each there at least once. Distances are
    Euclidean; an image counts in the mean of its own class.
    """
    means = np.stack([_mean(images, np.flatnonzero(labels == label)) for label in range(classes)])
    halves = (means**2).sum(1) / 2
    counts = np.zeros((classes, classes), np.int64)
    for start in range(0, len(images), ROWS):
        pixels = images[start : start + ROWS].reshape(len(images[start : start + ROWS]), -1).astype(np.float64)
        nearest = (pixels @ means.T - halves).argmax(1)  # |x - m|² = |x|² - 2 (x·m - |m|²/2)
        np.add.at(counts, (labels[start : start + ROWS], nearest), 1)
    return counts


def hardest_pairs(confusion: np.ndarray, count: int) -> list[tuple[int, int]]:
    """The pairs of classes that are confused most often, as a share of their images, hardest first; at most `count`.

    Of a pair, the class that is taken for the other more often comes first. Equal pairs are in the order of labels.
    """
    shares = confusion / np.maximum(1, confusion.sum(1, keepdims=True))
    first, second = np.triu_indices(len(confusion), 1)
    order = np.argsort(-(shares + shares.T)[first, second], kind="stable")[:count]
    pairs = [(int(first[k]), int(second[k])) for k in order]
    return [(a, b) if shares[a, b] >= shares[b, a] else (b, a) for a, b in pairs]


def _mean(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    sums = np.zeros(images[0].size)
    for start in range(0, len(rows), ROWS):
        chunk = images[rows[start : start + ROWS]]
        sums += chunk.reshape(len(chunk), -1).sum(0, dtype=np.float64)
    return sums / len(rows)
