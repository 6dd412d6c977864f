"""Seeds that split one pool of images anew each: their results are correlated, and the corrected t-test knows it.

Nadeau and Bengio (2003): the variance of the mean over n splits is s^2 (1/n + n_test / n_train), where the plain t-test
has s^2 / n. What is estimated is the expected value over new pools, at this number of training images. Where chance in
training varies results more than the split does, the correction covers too often, and its intervals are too wide.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from rungwise.evidence.paired import equal


def ratio(test_images: int, train_images: int) -> float:
    """n_test / n_train of one split.

    train_images: all that the split leaves beside the test part, even where a study draws fewer of them to train on.
    Two test parts of a pool have n_test / (n_test + n_train) of their images in common, whatever is trained on, and
    that is the correlation which the ratio stands for; a smaller training set has less in common with another, not
    more. ValueError where either is not positive.
    """
    if test_images < 1 or train_images < 1:
        raise ValueError(f"a split needs images in both parts; got {test_images} to test and {train_images} to train")
    return test_images / train_images


def factor(n: float, ratio: float) -> float:
    """1/n + n_test/n_train: what the variance of n splits' values is multiplied by to be that of their mean."""
    return 1 / n + ratio


def interval(values: Sequence[float], ratio: float) -> tuple[float, float] | None:
    """The corrected 95% t-interval of the mean of one value per split, or of one paired difference per split.

    None where n < 2 or all values are equal.
    """
    se = _se(values, ratio)
    if se is None:
        return None
    mean, half = float(np.mean(values)), float(special.stdtrit(len(values) - 1, 0.975)) * se
    return mean - half, mean + half


def t_p(values: Sequence[float], bound: float, ratio: float) -> float | None:
    """Two-sided p of the corrected t-test that the mean is `bound`; of paired differences, the corrected resampled
    t-test. None where n < 2 or all values are equal.
    """
    se = _se(values, ratio)
    if se is None:
        return None
    return 2 * float(special.stdtr(len(values) - 1, -abs(float(np.mean(values)) - bound) / se))


def tost_p(values: Sequence[float], low: float, high: float, ratio: float) -> float | None:
    """The corrected p of the two one-sided t-tests (Schuirmann 1987) that the mean lies outside (low, high).

    None where n < 2 or all values are equal.
    """
    se = _se(values, ratio)
    if se is None:
        return None
    mean, df = float(np.mean(values)), len(values) - 1
    return max(float(special.stdtr(df, (low - mean) / se)), float(special.stdtr(df, (mean - high) / se)))


def floor(sd: float, ratio: float) -> float:
    """The half-width that no number of seeds gets below: 1.96 sqrt(n_test / n_train) sd, in the unit of sd.

    sd: the standard deviation of the values over the splits.
    """
    return float(special.ndtri(0.975)) * math.sqrt(ratio) * sd


def _se(values: Sequence[float], ratio: float) -> float | None:
    if len(values) < 2 or equal(values):
        return None
    return float(np.std(values, ddof=1)) * math.sqrt(factor(len(values), ratio))
