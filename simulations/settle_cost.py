"""How many seeds a claim takes that is settled by looking after each, against a fixed design that knows the effect.

The rate is the median number of seeds.
"""

import math

import numpy as np
from scipy import stats

from rungwise.evidence.looks import Question, outcomes, settled_at, signs_decide
from simulations.noise import rounded
from simulations.table import Row

SHORT, FULL = 2_000, 20_000
EFFECTS = (0.5, 0.8, 1.2, 2.0, 4.0)
"""Mean differences in standard deviations."""
MOST = 200
POWER = 0.8


def rates(studies: int, seed: int) -> list[Row]:
    """Median seeds for each effect under normal noise; and for differences of one image that hardly vary."""
    random = np.random.default_rng(seed)
    rows = []
    for effect in EFFECTS:
        values = effect + random.standard_normal((studies, MOST))
        rows += [
            _median(f"d = {effect:g}: looking after each seed", settled_at(_codes(values, Question(0.0, None)))),
            _median(f"d = {effect:g}: by signs", settled_at(_codes(values, Question(0.0, None, median=True)))),
            Row(f"d = {effect:g}: a fixed design that knows d", None, fixed(effect), 0.0),
        ]
    images = 1 + rounded(0.3)(random, (studies, MOST))
    for step, says in ((1.0, "known"), (0.0, "unknown")):
        at = settled_at(_codes(images, Question(0.0, None, step=step)))
        rows.append(_median(f"1 image, rounded, deviation of .3, step {says}", at))
    return rows


def _codes(values: np.ndarray, question: Question) -> np.ndarray:
    return outcomes(values, question, signs_decide(values, question))


def _median(what: str, at: np.ndarray) -> Row:
    """The standard error of a median by the ranks that a binomial leaves it (one deviation on either side)."""
    ordered, half = np.sort(at), math.sqrt(len(at)) / 2
    middle = len(at) / 2
    low, high = ordered[int(middle - half)], ordered[min(int(middle + half), len(at) - 1)]
    return Row(what, None, float(np.median(at)), float(high - low) / 2)


def fixed(effect: float) -> int:
    """The least n at which a two-sided t-test at 5% finds the effect with the power `POWER`."""
    n = 2
    while _power(effect, n) < POWER:
        n += 1
    return n


def _power(effect: float, n: int) -> float:
    quantile = stats.t.ppf(0.975, n - 1)
    return float(stats.nct.sf(quantile, n - 1, effect * math.sqrt(n)))
