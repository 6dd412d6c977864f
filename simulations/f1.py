"""Macro F1 over new seeds and new images: what its linear part and the pigeonhole bootstrap cover.

Four classes, the rarer ones the more difficult; a wrong answer is the next class. The truth is the macro F1 of many
images and seeds.
"""

import functools

import numpy as np

from rungwise.evidence.f1 import linear_f1, macro_f1
from rungwise.evidence.images import crossed, pigeonhole
from simulations.coverage import covered
from simulations.table import Row

SHORT, FULL = 15, 600
SEEDS, IMAGES, RESAMPLES = (3, 5, 10), (449, 1000), 299
FREQUENCIES = np.array([0.4, 0.3, 0.2, 0.1])
DIFFICULTY = np.array([0.0, 0.2, 0.4, 0.8])
OF_SEED, OF_IMAGE = {"alike": 0.1, "apart": 0.5}, 1.5
"""Standard deviations as in `simulations.images`: where seeds are apart, chance is of seeds, and of few draws."""


def rates(studies: int, seed: int, sizes: tuple[int, ...] = IMAGES) -> list[Row]:
    """Coverage and mean width over so many studies, each with its own seeds and images."""
    return [row for seeds in OF_SEED for m in sizes for row in _of_kind(studies, seed, seeds, m)]


def _of_kind(studies: int, seed: int, seeds: str, m: int) -> list[Row]:
    truth, rows = expected(seeds), []
    for n in SEEDS:
        drawn = [simulate(n, m, OF_SEED[seeds], np.random.default_rng([seed, study])) for study in range(studies)]
        linear = [found.interval() if (found := crossed(linear_f1(p, y, 4))) else None for p, y in drawn]
        resampled = [pigeonhole(_statistic, p, y, resamples=RESAMPLES, seed=seed) for p, y in drawn]
        what, least = f"macro F1, {m} images, seeds {seeds}", 0.93 if n >= 5 and seeds == "alike" else 0.9
        rows += [
            covered(f"{what}: linear part", n, linear, truth, least),
            covered(f"{what}: pigeonhole", n, resampled, truth),
        ]
    return rows


@functools.cache
def expected(seeds: str) -> float:
    """The macro F1 that all studies estimate, from as many seeds and images as make its error small beside theirs."""
    draws = np.random.default_rng(12345)
    return float(np.mean([macro_f1(*simulate(1, 2000, OF_SEED[seeds], draws), 4).mean() for _ in range(2000)]))


def simulate(n: int, m: int, of_seed: float, draws: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Predictions (n, m) and labels (m,)."""
    labels = draws.choice(4, size=m, p=FREQUENCIES)
    ease = 3.0 - DIFFICULTY[labels] + OF_IMAGE * draws.normal(size=m)
    wrong = draws.normal(size=(n, m)) + ease + of_seed * draws.normal(size=(n, 1)) < 0
    return np.where(wrong, (labels + 1) % 4, labels), labels


def _statistic(predictions: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return macro_f1(predictions, labels, 4, weights)
