"""Images seen in two dimensions: principal components, ellipses, and how well a line tells classes apart.

scikit-learn is imported where it is used: the findings need only the ellipses.
"""

import itertools
import warnings
from typing import NamedTuple

import numpy as np


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
    components = pca.components_
    largest = components[[0, 1], np.abs(components).argmax(axis=1)]
    components = components * np.sign(largest)[:, None]
    return (pixels - pca.mean_) @ components.T, components, pca.explained_variance_ratio_


def pair_accuracies(points: np.ndarray, labels: np.ndarray, classes: int, max_iter: int) -> tuple[np.ndarray, int]:
    """How well a linear SVM tells each pair of classes apart, on the points that it was fitted to.

    Parameters: points (N, 2); labels (N,) from 0 to classes - 1; `max_iter` bounds the solver's iterations.
    Returns accuracies (classes, classes), symmetric, NaN on the diagonal and where a class has no point; and
    the number of SVMs that ran out of iterations.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    accuracies = np.full((classes, classes), np.nan)
    unconverged = 0
    for a, b in itertools.combinations(range(classes), 2):
        if not ((labels == a).any() and (labels == b).any()):
            continue
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
