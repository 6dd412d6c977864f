"""Tests and intervals of a mean that hold at every look, so that one may stop when the answer is clear.

The e-value of a mean mu after n values is the right-Haar mixture: with t = (mean - mu) / (s / sqrt(n)), nu = n - 1 and
a normal prior of variance g on the effect size,

    E_n = (1 + n g)^(-1/2) [(1 + t^2 / ((1 + n g) nu)) / (1 + t^2 / nu)]^(-n/2).

Lai (1976); Rouder et al. (2009) as a Bayes factor; Grünwald, de Heide and Koolen (2024); Wang and Ramdas (2024). Where
mu is the mean of normal noise, E_n reaches 1 / level at any n with probability at most `level` (Ville's inequality). So
mu may be rejected at the first n where it does.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

G = 1.0
"""The variance of the prior on the effect size. With 1 the earliest stop at the 5% level is five values."""
RESOLUTION = 2.0**-30
"""Relative to the largest value: values that agree so far are equal. Rounding errors lie far below it."""
LARGEST = 700.0
"""No logarithm of an e-value is reported above this: beyond 709 there is no float."""


class Moments(NamedTuple):
    """Of each prefix of a sequence of values; each array is (..., n), and the last axis is the length less 1."""

    n: np.ndarray
    """(n,): 1, 2, ..., n."""
    mean: np.ndarray
    sd: np.ndarray
    """With n - 1; never below the resolution's; 0 for one value."""


def tolerance(values: np.ndarray, bound: float = 0.0) -> np.ndarray:
    """How far apart values may lie and be equal but for rounding errors, per prefix; values and result: (..., n)."""
    return RESOLUTION * np.maximum.accumulate(np.maximum(np.abs(values), abs(bound)), axis=-1)


def least_sd(step: float) -> float:
    """The least standard deviation that is believed of values with the resolution `step`: step / sqrt(2).

    A value on one of two neighbouring grid points has a deviation of at most step / 2, and a difference of two such
    values of step / sqrt(2). Five values on one grid point would otherwise have none, and any mean between two points
    would be rejected with certainty. The deviation of rounding, step / sqrt(12), is enough for symmetric noise. It is
    not for accuracies that are less than two images from 1: of means half an image below, 8% were rejected at 5%; and
    with step / 2 some of ten such means were rejected in 8% of studies.
    """
    return step / math.sqrt(2)


def moments(values: np.ndarray, step: float = 0.0) -> Moments:
    """Mean and standard deviation of all prefixes of values (..., n)."""
    n = np.arange(1, values.shape[-1] + 1)
    # Less the first value, so that the squares lose no digits and equal values have no deviation.
    shifted = values - values[..., :1]
    shifted = np.where(np.abs(shifted) <= tolerance(values), 0.0, shifted)
    mean = np.cumsum(shifted, axis=-1) / n
    squares = np.cumsum(shifted**2, axis=-1) - n * mean**2
    sd = np.sqrt(np.maximum(squares, 0.0) / np.maximum(n - 1, 1))
    return Moments(n, values[..., :1] + mean, np.maximum(sd, least_sd(step)) if step else sd)


def e_value(values: Sequence[float] | np.ndarray, bound: float, *, step: float = 0.0, g: float = G) -> float:
    """The e-value E_n against the mean `bound`: 20 or more rejects it at the 5% level, at whatever look.

    values: (n,), one per seed, in the order of seeds. step: their resolution, 1 / images for an accuracy; 0: unknown.
    It is 1 where n < 2, and (1 + n g)^(-1/2) where all values are `bound`. Equal values off the bound have the largest
    E_n that n values can have, unless `step` says how finely they could differ; where it does not, ties ask for
    `signs_e`.
    """
    array = np.asarray(values, dtype=float)
    if len(array) < 2:
        return 1.0
    of = moments(array, step)
    return math.exp(min(LARGEST, float(log_e(of, bound, tolerance(array, bound), g)[-1])))


def log_e(of: Moments, bound: float, near: float | np.ndarray = 0.0, g: float = G) -> np.ndarray:
    """log E_n of every prefix, (..., n); 0 at the first. `near`: a mean so close to the bound lies on it."""
    n, away = of.n, np.abs(of.mean - bound)
    away = np.where(away <= near, 0.0, away)
    # t^2 / nu, which is infinite where values are equal and off the bound.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(away > 0, n * (away / of.sd) ** 2 / np.maximum(n - 1, 1), 0.0)
    wide = 1 + n * g
    with np.errstate(invalid="ignore"):
        gain = np.where(np.isinf(ratio), np.log(wide), np.log1p(ratio) - np.log1p(ratio / wide))
    return np.where(n > 1, n / 2 * gain - np.log(wide) / 2, 0.0)


def reach(n: np.ndarray, level: float, g: float = G) -> np.ndarray:
    """Half the width of the interval after n values, in their standard deviations; infinite where it is unbounded.

    E_n(mu) < 1 / level is (1 + u) / (1 + u / (1 + n g)) < c for u = t^2 / nu and c = (sqrt(1 + n g) / level)^(2/n), and
    so u < (c - 1) / (1 - c / (1 + n g)), or any u where c >= 1 + n g. c > 1, since level < 1.
    """
    _check(level, g)
    wide = 1 + n * g
    c = np.exp(2 / n * (np.log(wide) / 2 - math.log(level)))
    with np.errstate(divide="ignore"):
        most = np.where(c < wide, (c - 1) / np.maximum(1 - c / wide, 0.0), np.inf)
    half: np.ndarray = np.sqrt(np.where(n > 1, (n - 1) / n, 1.0) * most)
    return half


def interval(
    values: Sequence[float] | np.ndarray, level: float, *, step: float = 0.0, g: float = G
) -> tuple[float, float] | None:
    """The means that E_n does not reject at this look: all mu with E_n(mu) < 1 / level.

    It contains the mean of normal noise at every look at once with probability 1 - level. values, step: as for
    `e_value`. None where it is unbounded, before `earliest`. ValueError unless 0 < level < 1 and g > 0.
    """
    array = np.asarray(values, dtype=float)
    if len(array) < earliest(level, g):
        return None
    of = moments(array, step)
    mean, half = float(of.mean[-1]), float(reach(of.n[-1:], level, g)[0] * of.sd[-1])
    return mean - half, mean + half


def earliest(level: float, g: float = G) -> int:
    """The earliest stop: the first n at which E_n can exceed 1 / level. The largest E_n is (1 + n g)^((n-1)/2)."""
    _check(level, g)
    n = 2
    while (n - 1) / 2 * math.log1p(n * g) <= -math.log(level):
        n += 1
    return n


def p_value(es: Iterable[float]) -> float:
    """The p-value that holds at every look: min(1, 1 / the largest e-value so far). es: those of all looks so far."""
    return min(1.0, 1.0 / max([1.0, *es]))


def _check(level: float, g: float) -> None:
    if not 0 < level < 1 or g <= 0:
        raise ValueError(f"expected a level between 0 and 1 and a positive g, got {level} and {g}")
