"""Splits that share one pool of images: how often naive and corrected intervals cover the accuracy over new pools.

Two Gaussian classes in ten dimensions, a pool of 400 of them of which 100 are to test, and two classifiers, the nearest
centroid and least squares. The accuracy of a linear rule on such classes is known, so the truth, the expected accuracy
over new pools and splits, is the mean over all rules that were fitted.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from rungwise.evidence import pool, ranges
from simulations.coverage import covered
from simulations.table import Row

SHORT, FULL = 600, 10_000
SEEDS = (5, 10, 20)
POOL, TEST = 400, 100
DIMENSIONS, DISTANCE = 10, 1.3
"""Of each class mean from the origin, in standard deviations: accuracies near .9."""


class Fitted(NamedTuple):
    """What the rules of all studies do; (studies, splits) each."""

    accuracy: np.ndarray
    """On the test part."""
    truth: np.ndarray
    """On all images that there could be."""


def rates(studies: int, seed: int) -> list[Row]:
    """Coverage and mean width over so many pools."""
    rows = []
    for drawn in (POOL - TEST, 100, 30):
        centroid, squares = simulate(studies, drawn, np.random.default_rng(seed))
        difference = Fitted(*(a - b for a, b in zip(centroid, squares, strict=True)))
        words = "" if drawn == POOL - TEST else f", trained on {drawn} drawn of 300"
        for n in SEEDS:
            rows += _rows(f"accuracy{words}", centroid, n, drawn)
            rows.append(_inside(f"accuracy{words}: corrected, logit", centroid, n))
            rows += _rows(f"difference{words}", difference, n, drawn)
    return rows


def simulate(studies: int, drawn: int, draws: np.random.Generator) -> tuple[Fitted, Fitted]:
    """The nearest centroid and least squares, fitted on `drawn` images of what each split leaves to train on."""
    parts = [_study(drawn, draws) for _ in range(studies)]
    first, second = zip(*parts, strict=True)
    return _joined(first), _joined(second)


def _rows(what: str, fitted: Fitted, n: int, drawn: int) -> list[Row]:
    truth = float(fitted.truth.mean())
    left, given = pool.ratio(TEST, POOL - TEST), pool.ratio(TEST, drawn)
    values = fitted.accuracy[:, :n]
    rows = [
        _row(f"{what}: naive", values, truth, 0.0),
        _row(f"{what}: corrected", values, truth, left, at_least=0.93),
    ]
    if drawn != POOL - TEST:
        rows.append(_row(f"{what}: corrected by the images drawn", values, truth, given))
    return rows


def _row(what: str, values: np.ndarray, truth: float, ratio: float, at_least: float | None = None) -> Row:
    found = [ranges.interval(line.tolist(), "plain", factor=pool.factor(len(line), ratio)) for line in values]
    return covered(what, values.shape[1], found, truth, at_least)


def _inside(what: str, fitted: Fitted, n: int) -> Row:
    values, factor = fitted.accuracy[:, :n], pool.factor(n, pool.ratio(TEST, POOL - TEST))
    found = [ranges.interval(line.tolist(), "share", factor=factor) for line in values]
    return covered(what, n, found, float(fitted.truth.mean()), 0.93)


def _study(drawn: int, draws: np.random.Generator) -> tuple[Fitted, Fitted]:
    """One pool, `max(SEEDS)` splits of it."""
    labels = draws.choice([-1.0, 1.0], POOL)
    images = draws.normal(size=(POOL, DIMENSIONS))
    images[:, 0] += DISTANCE * labels
    images = np.column_stack([images, np.ones(POOL)])  # the last is the intercept's
    order = draws.permuted(np.tile(np.arange(POOL), (max(SEEDS), 1)), axis=1).argsort(axis=1)  # (splits, POOL)
    test, train = order < TEST, (order >= TEST) & (order < TEST + drawn)
    return (
        _fitted(_centroids(images, labels, train), images, labels, test),
        _fitted(_least_squares(images, labels, train), images, labels, test),
    )


def _centroids(images: np.ndarray, labels: np.ndarray, train: np.ndarray) -> np.ndarray:
    """(splits, DIMENSIONS + 1): weights and intercept of the rule that takes the nearer of the two class means."""
    means = [_mean(images, train & (labels == sign)) for sign in (1, -1)]
    weights = means[0] - means[1]
    # The mean of the column of ones is 1 in both classes: its weight is 0, and the intercept takes its place.
    weights[:, -1] = -((means[0] ** 2).sum(axis=1) - (means[1] ** 2).sum(axis=1)) / 2
    return weights


def _mean(images: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return np.asarray(chosen @ images / chosen.sum(axis=1, keepdims=True))


def _least_squares(images: np.ndarray, labels: np.ndarray, train: np.ndarray) -> np.ndarray:
    """(splits, DIMENSIONS + 1): the least-squares fit of the labels +1 and -1."""
    size = DIMENSIONS + 1
    products = (images[:, :, None] * images[:, None, :]).reshape(POOL, size * size)
    gram = (train @ products).reshape(-1, size, size)
    return np.asarray(np.linalg.solve(gram, (train @ (images * labels[:, None]))[..., None])[..., 0])


def _fitted(weights: np.ndarray, images: np.ndarray, labels: np.ndarray, test: np.ndarray) -> Fitted:
    right = (weights @ images.T) * labels > 0  # (splits, POOL)
    norm = np.linalg.norm(weights[:, :-1], axis=1)
    reach, intercept = DISTANCE * weights[:, 0] / norm, weights[:, -1] / norm
    truth = (special.ndtr(reach + intercept) + special.ndtr(reach - intercept)) / 2
    return Fitted((right & test).sum(axis=1) / TEST, truth)


def _joined(parts: tuple[Fitted, ...]) -> Fitted:
    return Fitted(np.stack([part.accuracy for part in parts]), np.stack([part.truth for part in parts]))
