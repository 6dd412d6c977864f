"""Intervals over seeds inside the range of a quantity: how often they cover, beside the plain t-interval.

`noise` has accuracies, losses, times and counts whose seeds vary around a known mean. `dreams` has counts of ten trials
per seed, independent or with one net's trials alike. `edges` has accuracies whose seeds share the test images, so that
they vary less than binomial counts would, up to where all of them are equal.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy import special

from rungwise.evidence.ranges import Scale, binomial, interval
from simulations.coverage import Ends, covered
from simulations.table import Row, share

SHORT, FULL = 400, 10_000
SEEDS = (2, 3, 5, 10)
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def rates(studies: int, seed: int) -> list[Row]:
    """Coverage and median width (the mean of a log interval's has no end) over so many studies of each kind."""
    return [*noise(studies, seed), *dreams(studies, seed), *edges(studies, seed)]


def noise(studies: int, seed: int) -> list[Row]:
    """The interval on the scale of the quantity, and the plain one. Skewed noise and coarse counts have no promise."""
    rows = []
    for what, scale, most, truth, draw, promised in _kinds():
        for n in SEEDS:
            values = draw(np.random.default_rng(seed), (studies, n))
            used: tuple[Scale, Scale] = (scale, "plain")
            for each in used:
                found = [interval(line.tolist(), each, most) for line in values]
                least = 0.93 if promised and each == scale else None
                rows.append(covered(f"{what}: {each}", n, found, truth, least, np.nanmedian))
    return rows


def dreams(studies: int, seed: int) -> list[Row]:
    """Clustered binomial intervals of ten trials per seed; `alike` is the correlation of one net's trials."""
    rows = []
    for alike in (0.0, 0.1, 0.3):
        for truth in (0.5, 0.8, 0.95, 0.99):
            for n in SEEDS[1:]:
                counts = _alike(np.random.default_rng(seed), studies, n, truth, alike)
                found: list[Ends] = [binomial(line.tolist(), [10] * n) for line in counts]
                # Where a tenth of the studies see no wrong trial of a net that often has several, nothing can be known.
                least = 0.93 if alike < 0.3 or truth != 0.95 else None
                rows.append(covered(f"dreams {truth:g}, alike {alike:g}: binomial", n, found, truth, least))
    return rows


def edges(studies: int, seed: int) -> list[Row]:
    """Accuracies over new seeds on the same images: on the logit, and binomial where the logit has no interval."""
    rows = []
    for images in (449, 10_000):
        for accuracy in (0.95, 0.99, 0.9995):
            for n in SEEDS[1:]:
                counts, truth = _on_the_same(np.random.default_rng(seed), (studies, n), images, accuracy)
                logit = [interval((line / images).tolist(), "share") for line in counts]
                found = [
                    each or binomial(line.tolist(), [images] * n) for each, line in zip(logit, counts, strict=True)
                ]
                what = f"accuracy {accuracy:g} on {images} images"
                rows.append(covered(f"{what}: logit, else binomial", n, found, truth, 0.93))
                rows.append(share(f"{what}: studies without a logit", n, np.array([each is None for each in logit])))
    return rows


def _kinds() -> list[tuple[str, Scale, float, float, Draw, bool]]:
    """(what, scale, most, expected value, how it is drawn, whether coverage is promised)."""
    kinds: list[tuple[str, Scale, float, float, Draw, bool]] = []
    for middle, spread in ((0.5, 0.1), (0.9, 0.3), (0.99, 0.3), (0.99, 1.0)):
        truth, draw = _logit_normal(middle, spread)
        kinds.append((f"accuracy near {middle:g}, logits {spread:g} apart", "share", 1.0, truth, draw, spread < 1))
    kinds += [
        ("loss, gamma of shape 4", "positive", 1.0, 0.05, lambda g, s: g.gamma(4, 0.05 / 4, s), True),
        ("loss, gamma of shape 1", "positive", 1.0, 0.05, lambda g, s: g.gamma(1, 0.05, s), False),
        ("loss, lognormal of .5", "positive", 1.0, math.exp(0.125), lambda g, s: g.lognormal(0, 0.5, s), True),
        ("time, lognormal of .1", "positive", 1.0, math.exp(0.005), lambda g, s: g.lognormal(0, 0.1, s), True),
        ("time, lognormal of 1", "positive", 1.0, math.exp(0.5), lambda g, s: g.lognormal(0, 1, s), False),
        ("count, Poisson of 20", "positive", 1.0, 20.0, lambda g, s: g.poisson(20, s).astype(float), False),
        ("count of 50, binomial of .9", "share", 50.0, 45.0, lambda g, s: g.binomial(50, 0.9, s).astype(float), False),
    ]
    return kinds


def _logit_normal(middle: float, spread: float) -> tuple[float, Draw]:
    """The mean, by Gauss-Hermite quadrature, and the draws of expit(logit(middle) + spread z)."""
    start = float(special.logit(middle))
    nodes, weights = special.roots_hermitenorm(60)
    truth = float(weights @ special.expit(start + spread * nodes) / weights.sum())
    return truth, lambda draws, size: special.expit(start + spread * draws.normal(size=size))


def _alike(draws: np.random.Generator, studies: int, n: int, truth: float, alike: float) -> np.ndarray:
    """(studies, n): how many of ten came true; beta-binomial where trials of one net are alike."""
    chance: float | np.ndarray = truth
    if alike:
        strength = 1 / alike - 1
        chance = draws.beta(truth * strength, (1 - truth) * strength, (studies, n))
    return draws.binomial(10, chance, (studies, n))


def _on_the_same(
    draws: np.random.Generator, size: tuple[int, int], images: int, accuracy: float
) -> tuple[np.ndarray, float]:
    """(studies, n): how many images are right, and their expected share. The images' difficulties are fixed."""
    steps = images if images < 1000 else 100
    spread = 3.0  # most images are always right
    steepness = special.ndtri((np.arange(steps) + 0.5) / steps) * spread
    chances = special.ndtr(special.ndtri(accuracy) * math.sqrt(1 + spread**2) + steepness)
    counts = np.stack([draws.binomial(images // steps, chances, (size[1], steps)).sum(axis=1) for _ in range(size[0])])
    return counts, float(chances.mean())
