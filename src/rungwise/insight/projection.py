"""Images seen in two dimensions: principal components, ellipses, and how well a line tells classes apart.

scikit-learn is imported where it is used: the findings need only the ellipses.
"""

import itertools
import warnings
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from rungwise.data.images import scale

ALL_PAIRS_UP_TO = 50
"""Classes of which all pairs are fitted an SVM: 1,225 pairs. 200 classes would have 19,900."""
NEAREST_PAIRS = 1000
"""Of more classes: the pairs whose centroids are nearest."""
MOST_PIXELS = 1024
"""Of an image whose covariance is decomposed as a whole, which takes 40 s for 3,072. Beyond, its first two eigenvectors
alone are searched for, which takes less than a second for 2,000 images."""
MOST_BYTES = 2**31
"""Of all pixels as float64, likewise: a million images of 28x28 are three times as many."""
CHUNK = 2**27
"""Bytes of pixels that are held as float64 at once, where they are too many to be held all the time."""
HELD = 2**30
"""Bytes of pixels that are held all the time: converting them for each step takes longer than the step."""


class Moments(NamedTuple):
    """Where each of K classes lies in the plane. Undefined entries are NaN."""

    counts: np.ndarray
    """(K,), int64."""
    centroids: np.ndarray
    """(K, 2)."""
    covariances: np.ndarray
    """(K, 2, 2), with n - 1 in the denominator; NaN for fewer than two points."""


def principal_components(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (N, 2), components (2, D) and their shares of the variance (2,), of pixels (N, D); all float64.

    The sign of a component is arbitrary; here its entry of largest absolute value is positive.
    """
    from sklearn.decomposition import PCA

    # In float32 the covariance would lose digits: this solver subtracts n·mean·meanᵀ from XᵀX.
    pixels = pixels.astype(np.float64)
    pca = PCA(n_components=2, svd_solver="covariance_eigh").fit(pixels)
    components = _signed(pca.components_)
    return (pixels - pca.mean_) @ components.T, components, pca.explained_variance_ratio_


def components_of_images(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`principal_components` of images (N, ...), uint8, scaled to [-1, 1], however many pixels and images there are."""
    flat = images.reshape(len(images), -1)
    if flat.shape[1] <= MOST_PIXELS and 8 * flat.size <= MOST_BYTES:
        return principal_components(scale(flat))
    return _leading_components(flat)


def _leading_components(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same for many pixels (N, D), uint8, by Lanczos' method, which asks for C v alone: X'(X v), never for C."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    (count, size), mean = flat.shape, flat.mean(axis=0, dtype=np.float64)
    at_once = count if 8 * flat.size <= HELD else max(1, CHUNK // (8 * size))

    def converted() -> Iterator[np.ndarray]:
        """Centred pixels, (n, D), float64."""
        return (flat[start : start + at_once] - mean for start in range(0, count, at_once))

    held = list(converted()) if at_once == count else None

    def chunks() -> Iterable[np.ndarray]:
        return converted() if held is None else held

    def product(v: np.ndarray) -> np.ndarray:
        total: np.ndarray = sum((part.T @ (part @ v) for part in chunks()), np.zeros(size))
        return total

    # From a fixed start: ARPACK's own is drawn at random.
    start = np.random.default_rng(0).standard_normal(size)
    sums, vectors = eigsh(LinearOperator((size, size), product, dtype=np.float64), k=2, v0=start, tol=1e-10)
    components = _signed(vectors[:, ::-1].T)
    points = np.concatenate([part @ components.T for part in chunks()]) / 127.5
    return points, components, sums[::-1] / sum(float(np.square(part).sum()) for part in chunks())


def _signed(components: np.ndarray) -> np.ndarray:
    """Components (2, D), each turned so that its entry of largest absolute value is positive."""
    largest = components[[0, 1], np.abs(components).argmax(axis=1)]
    return np.asarray(components * np.sign(largest)[:, None])


def chosen_pairs(points: np.ndarray, labels: np.ndarray, classes: int) -> list[tuple[int, int]]:
    """The pairs (a, b), a < b, that are fitted an SVM: all, or of more than `ALL_PAIRS_UP_TO` classes the
    `NEAREST_PAIRS` with the nearest centroids. Left out are classes without a point."""
    present = np.flatnonzero(np.bincount(labels, minlength=classes))
    pairs = np.array(list(itertools.combinations(present.tolist(), 2)), int).reshape(-1, 2)
    if classes > ALL_PAIRS_UP_TO:
        centroids = moments(points, labels, classes).centroids
        distances = np.square(centroids[pairs[:, 0]] - centroids[pairs[:, 1]]).sum(axis=1)
        pairs = pairs[np.sort(np.argsort(distances, kind="stable")[:NEAREST_PAIRS])]
    return [(a, b) for a, b in pairs.tolist()]


def pair_accuracies(points: np.ndarray, labels: np.ndarray, classes: int, max_iter: int) -> tuple[np.ndarray, int]:
    """How well a linear SVM tells each of the `chosen_pairs` apart, on the points that it was fitted to.

    Parameters: points (N, 2); labels (N,) from 0 to classes - 1; `max_iter` bounds the solver's iterations.
    Returns accuracies (classes, classes), symmetric, NaN on the diagonal, where a class has no point and for pairs that
    were not chosen; and the number of SVMs that ran out of iterations.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    accuracies = np.full((classes, classes), np.nan)
    unconverged = 0
    for a, b in chosen_pairs(points, labels, classes):
        pair = (labels == a) | (labels == b)
        # The primal problem: same optimum as the dual, 30 times sooner with thousands of points in two
        # dimensions.
        svm = LinearSVC(max_iter=max_iter, dual=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # counted instead
            svm.fit(points[pair], labels[pair])
        unconverged += int(svm.n_iter_ >= max_iter)
        accuracies[a, b] = accuracies[b, a] = svm.score(points[pair], labels[pair])
    return accuracies, unconverged


def moments(points: np.ndarray, labels: np.ndarray, classes: int) -> Moments:
    """Count, centroid and covariance of each class; points (N, 2), labels (N,) from 0 to classes - 1."""
    counts = np.bincount(labels, minlength=classes)
    centroids = np.full((classes, 2), np.nan)
    covariances = np.full((classes, 2, 2), np.nan)
    for k, count in enumerate(counts):
        own = points[labels == k]
        if count >= 1:
            centroids[k] = own.mean(axis=0)
        if count >= 2:
            covariances[k] = _covariance(own - centroids[k])
    return Moments(counts, centroids, covariances)


def _covariance(arms: np.ndarray) -> np.ndarray:
    """(2, 2), of points less their mean, (N, 2).

    Summed by numpy, not by a matrix product as in `np.cov`: its last digits would depend on the processor's kernels.
    """
    x, y = arms.T
    sums = [[(x * x).sum(), (x * y).sum()], [(x * y).sum(), (y * y).sum()]]
    return np.array(sums) / (len(arms) - 1)
