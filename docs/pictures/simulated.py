"""The numbers behind the pictures, all drawn from a seed. Their intervals are those that the package computes."""

import numpy as np
from scipy import stats

from rungwise.evidence.anytime import Moments, moments, reach
from rungwise.evidence.paired import LEVEL


def splits(studies: int = 20, seeds: int = 20, train: int = 300, test: int = 100) -> tuple[np.ndarray, float]:
    """(seeds, studies): accuracies of a classifier by class means, where the seeds of a study split one pool anew.

    Two normal classes in 10 dimensions. Beside it the truth: the mean accuracy over new pools.
    """
    rng, centre = np.random.default_rng(3), np.full(10, 0.3)
    found = np.empty((seeds, studies))
    for study in range(studies):
        images, labels = _pool(rng, train + test, centre)
        for seed in range(seeds):
            order = rng.permutation(len(images))
            weights, middle = _fit(images[order[:train]], labels[order[:train]])
            wrong = ((images[order[train:]] - middle) @ weights > 0) != (labels[order[train:]] > 0)
            found[seed, study] = 1 - wrong.mean()
    fits = [_fit(*_pool(rng, train, centre)) for _ in range(4000)]
    return found, float(np.mean([_accuracy(weights, middle, centre) for weights, middle in fits]))


def _pool(rng: np.random.Generator, images: int, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels = rng.choice([-1, 1], size=images)
    return labels[:, None] * centre + rng.standard_normal((images, len(centre))), labels


def _fit(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The weights of the nearer of two class means, and the point midway."""
    above, below = images[labels > 0].mean(axis=0), images[labels < 0].mean(axis=0)
    return above - below, (above + below) / 2


def _accuracy(weights: np.ndarray, middle: np.ndarray, centre: np.ndarray) -> float:
    """Of a fixed linear classifier on all images that there could be: the projections are normal."""
    length = np.linalg.norm(weights)
    return float(stats.norm.cdf([(centre - middle) @ weights / length, (centre + middle) @ weights / length]).mean())


def answers(seeds: int = 5, images: int = 60) -> np.ndarray:
    """(seeds, images), 0 or 1: whether a net has an image right. Some images are hard for every seed."""
    rng = np.random.default_rng(3)
    ease = rng.normal(3, 2.6, images)
    return (rng.random((seeds, images)) < 1 / (1 + np.exp(-2 * ease))).astype(int)


def looks(seed: int, n: int = 60) -> dict[str, np.ndarray]:
    """Running mean, and half-widths of the t-interval and the anytime interval, of n differences with mean 0.

    Each (n - 1,), for 2 to n values; inf where the anytime interval has no ends yet.
    """
    found = Moments(*(part[1:] for part in moments(np.random.default_rng(seed).standard_normal(n))))
    fixed = stats.t.ppf(0.975, found.n - 1) * found.sd / np.sqrt(found.n)
    return {"n": found.n, "mean": found.mean, "fixed": fixed, "anytime": reach(found.n, LEVEL) * found.sd}


def thirty_claims() -> np.ndarray:
    """(30,), ascending: two-sided p of 30 claims, of which 20 have nothing to find."""
    effects = np.repeat([0.0, 3.2], [20, 10])
    z = np.random.default_rng(32).standard_normal(30) + effects
    return np.sort(2 * stats.norm.sf(np.abs(z)))
