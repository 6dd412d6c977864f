"""The numbers behind the pictures: all drawn from a seed, and the intervals that belong to them."""

import numpy as np
from scipy import stats

from rungwise.evidence.estimate import t_interval


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


def corrected(values: np.ndarray, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """As `t_interval`, with the variance s^2 (1/n + ratio) of Nadeau and Bengio (2003); ratio: n_test / n_train."""
    low, high = t_interval(values)
    middle, grow = (low + high) / 2, np.sqrt(1 + len(values) * ratio)
    return middle - (middle - low) * grow, middle + (high - middle) * grow


def answers(seeds: int = 5, images: int = 60) -> np.ndarray:
    """(seeds, images), 0 or 1: whether a net has an image right. Some images are hard for every seed."""
    rng = np.random.default_rng(3)
    ease = rng.normal(3, 2.6, images)
    return (rng.random((seeds, images)) < 1 / (1 + np.exp(-2 * ease))).astype(int)


def new_images(grid: np.ndarray) -> tuple[float, float]:
    """The 95% interval over seeds and images, from the mean squares of rows, columns and the rest (Gallas 2006)."""
    n, m = grid.shape
    rows, columns = grid.mean(axis=1), grid.mean(axis=0)
    by_seed, by_image = m * rows.var(ddof=1), n * columns.var(ddof=1)
    rest = grid - rows[:, None] - columns + grid.mean()
    excess = max(by_image - (rest**2).sum() / ((n - 1) * (m - 1)), 0)
    freedom = (by_seed + excess) ** 2 / (by_seed**2 / (n - 1) + excess**2 / (m - 1))
    half = stats.t.ppf(0.975, freedom) * np.sqrt((by_seed + excess) / (n * m))
    return float(grid.mean() - half), float(grid.mean() + half)


def logit_interval(values: np.ndarray) -> tuple[float, float]:
    """The t-interval of logit(mean) by the delta method, mapped back into (0, 1)."""
    low, high = t_interval(values)
    mean = float(values.mean())
    reach = float(high - low) / 2 / (mean * (1 - mean))
    start = np.log(mean / (1 - mean))
    return float(1 / (1 + np.exp(reach - start))), float(1 / (1 + np.exp(-reach - start)))


def looks(seed: int, n: int = 60) -> dict[str, np.ndarray]:
    """Running mean, and half-widths of the t-interval and the anytime interval, of n differences with mean 0.

    Each (n - 1,), for 2 to n values. The anytime interval holds every mean whose e-value (right-Haar mixture, g = 1:
    `docs/evidence.md`) is below 20; solved for t it is closed. inf where no value of t reaches 20.
    """
    values = np.random.default_rng(seed).standard_normal(n)
    counts = np.arange(2, n + 1)
    means = np.array([values[:count].mean() for count in counts])
    errors = np.array([values[:count].std(ddof=1) for count in counts]) / np.sqrt(counts)
    root = (20 * np.sqrt(1 + counts)) ** (-2 / counts)
    spare = root - 1 / (1 + counts)
    squares = np.where(spare > 0, (1 - root) / np.where(spare > 0, spare, 1), np.inf) * (counts - 1)
    fixed = stats.t.ppf(0.975, counts - 1) * errors
    return {"n": counts, "mean": means, "fixed": fixed, "anytime": np.sqrt(squares) * errors}


def thirty_claims() -> np.ndarray:
    """(30,), ascending: two-sided p of 30 claims, of which 20 have nothing to find."""
    effects = np.repeat([0.0, 3.2], [20, 10])
    z = np.random.default_rng(32).standard_normal(30) + effects
    return np.sort(2 * stats.norm.sf(np.abs(z)))


def power(effect: float, seeds: np.ndarray) -> np.ndarray:
    """The probability that the 95% t-interval of n differences leaves 0 out, on the right side."""
    bound = stats.t.ppf(0.975, seeds - 1)
    return np.asarray(stats.nct.sf(bound, seeds - 1, effect * np.sqrt(seeds)))
