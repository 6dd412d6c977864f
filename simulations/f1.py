"""Macro F1 over new seeds and new images: what its linear part and the pigeonhole bootstrap cover.

Four classes, the rarer ones the more difficult; a wrong answer is the next class. The truth is the macro F1 of many
images and seeds.
"""

import numpy as np

from rungwise.evidence.f1 import linear_f1, macro_f1
from rungwise.evidence.images import crossed, pigeonhole
from simulations.coverage import covered
from simulations.table import Row

SHORT, FULL = 30, 600
SEEDS, IMAGES, RESAMPLES = (3, 5, 10), (449, 1000), 299
FREQUENCIES = np.array([0.4, 0.3, 0.2, 0.1])
DIFFICULTY = np.array([0.0, 0.2, 0.4, 0.8])
OF_SEED, OF_IMAGE = 0.1, 1.5
"""As in `simulations.images`."""


def rates(studies: int, seed: int, sizes: tuple[int, ...] = IMAGES) -> list[Row]:
    """Coverage and mean width over so many studies, each with its own seeds and images."""
    truth = expected(200_000, 20)
    rows = []
    for m in sizes:
        for n in SEEDS:
            drawn = [simulate(n, m, np.random.default_rng([seed, study])) for study in range(studies)]
            linear = [found.interval() if (found := crossed(linear_f1(p, y, 4))) else None for p, y in drawn]
            resampled = [pigeonhole(_statistic, p, y, resamples=RESAMPLES, seed=seed) for p, y in drawn]
            least = 0.93 if n >= 5 else 0.9
            rows.append(covered(f"macro F1, {m} images: linear part", n, linear, truth, least))
            rows.append(covered(f"macro F1, {m} images: pigeonhole", n, resampled, truth))
    return rows


def expected(m: int, n: int) -> float:
    """The macro F1 that all studies estimate, from many images and seeds."""
    predictions, labels = simulate(n, m, np.random.default_rng(12345))
    return float(macro_f1(predictions, labels, 4).mean())


def simulate(n: int, m: int, draws: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Predictions (n, m) and labels (m,)."""
    labels = draws.choice(4, size=m, p=FREQUENCIES)
    ease = 3.0 - DIFFICULTY[labels] + OF_IMAGE * draws.normal(size=m)
    wrong = draws.normal(size=(n, m)) + ease + OF_SEED * draws.normal(size=(n, 1)) < 0
    return np.where(wrong, (labels + 1) % 4, labels), labels


def _statistic(predictions: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return macro_f1(predictions, labels, 4, weights)
