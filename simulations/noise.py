"""Noise of differences between two models, (studies, seeds): symmetric about 0, or skewed with the mean 0.

The unit is the deviation of a difference where there is one; an accuracy loses 10 of them where a net collapses.
"""

from collections.abc import Callable

import numpy as np

Noise = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
LOST = 10.0
"""What a collapse costs, in deviations: 2% where the deviation is .2%."""


def normal(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return random.standard_normal(shape)


def t2(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return random.standard_t(2, shape)


def cauchy(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return random.standard_cauchy(shape)


def lognormal_difference(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return random.lognormal(size=shape) - random.lognormal(size=shape)


def both_collapse(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Either net loses `LOST` in a tenth of its seeds."""
    lost = (random.random(shape) < 0.1).astype(float) - (random.random(shape) < 0.1)
    return random.standard_normal(shape) + LOST * lost


def rounded(deviation: float) -> Noise:
    """Normal noise in whole images, of this deviation in images before it is rounded."""

    def draw(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return np.round(deviation * random.standard_normal(shape))

    return draw


def exponential(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return random.exponential(size=shape) - 1


def lognormal(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return random.lognormal(size=shape) - np.exp(0.5)


def one_collapses(share: float) -> Noise:
    """One net loses `LOST` in this share of its seeds, and is as much better in the others."""

    def draw(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return random.standard_normal(shape) + LOST * (share - (random.random(shape) < share))

    return draw


SYMMETRIC: dict[str, Noise] = {
    "normal": normal,
    "t with 2 degrees of freedom": t2,
    "Cauchy": cauchy,
    "differences of lognormals": lognormal_difference,
    "both nets collapse in 10%": both_collapse,
}
SKEWED: dict[str, Noise] = {
    "exponential": exponential,
    "lognormal": lognormal,
    "one net collapses in 5%": one_collapses(0.05),
    "one net collapses in 10%": one_collapses(0.1),
}
