"""New images: intervals of a mean over seeds and images, both of which were drawn (crossed random effects).

The design is that of reader studies in radiology: seeds are readers, images are cases, and every reader reads every
case (Obuchowski and Rockette 1995; Gallas 2006).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

ROUNDING = 1e-12
"""Relative to the values' square: far above the rounding of sums in 64 bits, far below one image in a million."""


@dataclass(frozen=True)
class Crossed:
    """The two-way analysis of results of n seeds on the same m images; build it with `crossed`.

    seeds, images, residual: the mean squares MS_s, MS_i and MS_r of the two-way layout without replication, in squared
    units of the values. The mean's variance is estimated by (MS_s + max(MS_i - MS_r, 0)) / (n m), with the degrees of
    freedom of Hillis (2007); where that is 0 though values differ, by MS_r / (n m), with (n - 1) (m - 1) of them.
    """

    n: int
    m: int
    mean: float
    seeds: float
    images: float
    residual: float

    @property
    def se(self) -> float:
        """The standard error of the mean over new seeds and new images; 0 where all values are equal."""
        return self.at(self.n)[0]

    @property
    def df(self) -> float:
        """Its degrees of freedom, at least n - 1; infinite where all values are equal."""
        return self.at(self.n)[1]

    def at(self, n: float) -> tuple[float, float]:
        """(se, df) that n seeds on as many other images would be expected to give, by the variance components.

        n: at least 2; `math.inf` for the standard error that no number of seeds gets below. ValueError below 2.
        """
        if n < 2:
            raise ValueError(f"the variance over seeds needs at least 2 of them; got {n}")
        # More seeds divide MS_s further. The part of the images stays, as all seeds share the images.
        by_seeds = self.seeds / (self.m * n)
        by_images = max(self.images - self.residual, 0.0) / (self.n * self.m)
        variance = by_seeds + by_images
        if variance == 0:
            # Seeds that tie by chance, though values differ: all that varies is then the noise of single answers.
            return math.sqrt(self.residual / (n * self.m)), (n - 1) * (self.m - 1) if self.residual else math.inf
        # Each share of the variance over its own degrees of freedom: nothing is divided by MS_s, which may be 0.
        spread = (by_seeds / variance) ** 2 / (n - 1) + (by_images / variance) ** 2 / (self.m - 1)
        return math.sqrt(variance), 1 / spread if spread else math.inf

    def interval(self) -> tuple[float, float] | None:
        """The 95% t-interval of the mean over new seeds and new images; None where all values are equal."""
        se, df = self.at(self.n)
        if se == 0:
            return None
        half = float(special.stdtrit(df, 0.975)) * se
        return self.mean - half, self.mean + half


def crossed(values: np.ndarray) -> Crossed | None:
    """The two-way analysis of one value per seed and image; None where there are fewer than 2 seeds or 2 images.

    values: (n seeds, m images), bool, integer or real: whether an image is classified correctly, a difference of two
    models' answers in {-1, 0, 1}, an average of such over tasks, or a contrast of several models.
    ValueError where it is not two-dimensional.
    """
    array = np.asarray(values)
    if array.ndim != 2:
        raise ValueError(f"needs one value per seed and image, (n, m); got shape {array.shape}")
    n, m = array.shape
    if n < 2 or m < 2:
        return None
    # Less the first value: integers stay exact, and a large constant cancels nothing.
    first = float(array[0, 0])
    of_seeds, of_images, square = np.empty(n), np.zeros(m), 0.0
    for seed, line in enumerate(array):  # one seed at a time, so that the whole is never copied in 64 bits
        row = line.astype(float) - first
        of_seeds[seed] = row.sum()
        of_images += row
        square += float((row * row).sum())
    total = math.fsum(of_seeds)
    by_seeds = _about(of_seeds / math.sqrt(m), square)
    by_images = _about(of_images / math.sqrt(n), square)
    residual = square - total * total / (n * m) - by_seeds - by_images
    # This last one is a difference of large numbers.
    residual = residual if residual > ROUNDING * square else 0.0
    return Crossed(
        n, m, first + total / (n * m), by_seeds / (n - 1), by_images / (m - 1), residual / ((n - 1) * (m - 1))
    )


def _about(sums: np.ndarray, square: float) -> float:
    """The sum of squares about the mean; 0 where it is no more than the rounding of `sums`."""
    # Correctly rounded sums: those of a matrix product depend on the processor's kernels, and a report is the same
    # wherever it is made.
    deviations = sums - math.fsum(sums) / len(sums)
    found = math.fsum(deviations * deviations)
    return found if found > ROUNDING**2 * square else 0.0


def linear_ratio(counted: np.ndarray, among: np.ndarray) -> np.ndarray:
    """(..., m): one value per image, whose mean is the ratio of two sums over images and whose scatter is its noise.

    For a share of images that are not the same in every sample or seed: the recall of a class (counted: labelled and
    predicted so; among: labelled so), its precision (among: predicted so). The linear part of the ratio R in the
    weights of the images (the delta method): R + m (counted - R among) / sum of among. `crossed` of it is the interval.
    counted, among: (..., m), 0 or 1 or any real. NaN in rows where the sum of `among` is 0.
    """
    above, below = np.asarray(counted, dtype=float), np.asarray(among, dtype=float)
    total = below.sum(axis=-1, keepdims=True)
    total = np.where(total == 0, np.nan, total)
    ratio = above.sum(axis=-1, keepdims=True) / total
    return np.asarray(ratio + below.shape[-1] * (above - ratio * below) / total)


def pigeonhole(
    statistic: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    predictions: np.ndarray,
    labels: np.ndarray,
    *,
    resamples: int = 999,
    seed: int = 0,
) -> tuple[float, float] | None:
    """The 95% percentile interval of a statistic, averaged over seeds, by the pigeonhole bootstrap (Owen 2007).

    Seeds and images are each drawn with replacement, and a result counts as often as its seed times its image. For
    what no formula serves. Where most of the noise is the images', it covers somewhat too often; where it is the
    seeds', a percentile of few seeds knows no t-distribution and covers too seldom (`simulations.f1`: .82 at three
    seeds, .85 at five). Prefer `crossed` of a mean, of `linear_ratio` or of `linear_f1`.

    statistic(predictions, labels, weights) -> (n,): one value per seed, with images counted as often as `weights` (m,)
    says. predictions: (n, ..., m), whatever the statistic takes; labels: (m,). None where n < 2 or where the statistic
    is undefined (NaN) in some resample.
    """
    n, m = len(predictions), len(labels)
    if n < 2:
        return None
    generator = np.random.default_rng(seed)
    found = np.empty(resamples)
    for resample in range(resamples):
        images = np.bincount(generator.integers(m, size=m), minlength=m).astype(float)
        seeds = generator.integers(n, size=n)
        found[resample] = statistic(predictions, labels, images)[seeds].mean()
    if np.isnan(found).any():
        return None
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)
