"""What more seeds would make of a claim that is open: a simulation that goes on from the seeds that there are.

Later seeds are drawn with the mean and the scatter of those so far, the numbers of a claim with their correlation. So
the outlook is as uncertain as they are, and it sees no skew.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from rungwise.evidence.anytime import earliest
from rungwise.evidence.looks import Question, outcomes, settled_at, signs_decide
from rungwise.evidence.paired import LEVEL

STUDIES = 400
"""Simulated for an outlook: a chance has a standard error of at most .025."""
NO_HOPE = 0.05
"""A claim whose chance is below this is given up, where the means may lie as it would suit it best."""
SUPPORTED = 1
"""As a place in `looks.OUTCOMES`."""


@dataclass(frozen=True)
class OpenNumber:
    """A number of a claim: its values so far, and what is asked of it."""

    values: tuple[float, ...]
    """Of the seeds 0 ... n - 1, n >= 2, as many as the claim's other numbers have."""
    question: Question


@dataclass(frozen=True)
class Outlook:
    """At how many seeds the claim is settled in each of many simulated continuations."""

    at: np.ndarray
    """(studies,), sorted; more than the largest number of seeds where it is not."""
    most: int

    @property
    def seeds(self) -> int | None:
        """The median; None where it is not settled within `most` seeds in more than half."""
        middle = int(self.at[(len(self.at) - 1) // 2])
        return middle if middle <= self.most else None

    def chance(self, seeds: int) -> float:
        """Of being settled within so many seeds; beyond `most` it is as for `most`."""
        return float((self.at <= min(seeds, self.most)).mean())


Shift = Callable[[OpenNumber, float, float], float]
"""From a number, its mean and how far that may be off, to the mean that later seeds have."""


def outlook(
    numbers: Sequence[OpenNumber], most: int, *, shift: Shift | None = None, studies: int = STUDIES, seed: int = 0
) -> Outlook:
    """The outlook of a claim up to `most` seeds; repeatable for a `seed`. ValueError where it has no numbers, n < 2, or
    there are `most` seeds already.

    It is settled at the first number that speaks against it, or once all of them support it.
    """
    values = np.array([number.values for number in numbers])  # (K, n)
    if values.size == 0 or not 2 <= values.shape[1] < most:
        raise ValueError(f"expected numbers with 2 to {most - 1} seeds; got values of shape {values.shape}")
    later = _later(numbers, values, (studies, most - values.shape[1]), shift, seed)
    against, support = np.full(studies, most + 1), np.zeros(studies, dtype=int)
    for k, number in enumerate(numbers):
        seen = np.broadcast_to(values[k], (studies, values.shape[1]))
        codes = outcomes(np.hstack([seen, later[k]]), number.question, _by_signs(number, most))
        at = settled_at(codes)
        code = codes[np.arange(studies), np.minimum(at, most) - 1]
        against = np.minimum(against, np.where(code > SUPPORTED, at, most + 1))
        support = np.maximum(support, np.where(code == SUPPORTED, at, most + 1))
    return Outlook(np.sort(np.minimum(against, support)), most)


def hopeless(numbers: Sequence[OpenNumber], most: int) -> bool:
    """Whether a claim is not worth more seeds: it has next to no chance to be settled within `most`, wherever in their
    95% intervals the means lie.

    Never before as many seeds as can settle anything: fewer tell too little.
    """
    n = len(numbers[0].values) if numbers else 0
    if n < earliest(LEVEL) or n >= most:
        return False
    tried = (outlook(numbers, most, shift=shift, studies=STUDIES // 2) for shift in (None, *_SHIFTS))
    return all(each.chance(most) < NO_HOPE for each in tried)


def _later(
    numbers: Sequence[OpenNumber], values: np.ndarray, shape: tuple[int, int], shift: Shift | None, seed: int
) -> np.ndarray:
    """(K, studies, seeds): later values, with the covariance of those so far."""
    count, n = values.shape
    means = values.mean(axis=1)
    residuals = (values - means[:, None]) / math.sqrt(n - 1)  # (K, n): residuals @ residuals.T is the covariance
    if shift is not None:
        off = stats.t.ppf(1 - LEVEL / 2, n - 1) / math.sqrt(n) * np.linalg.norm(residuals, axis=1)
        means = np.array([shift(number, m, o) for number, m, o in zip(numbers, means, off, strict=True)])
    # Orthogonal directions: K numbers need no more of them than there are.
    factor = residuals if n <= count else np.asarray(np.linalg.qr(residuals.T, mode="r")).T  # (K, min(K, n))
    noise = np.random.default_rng(seed).standard_normal((*shape, factor.shape[1])) @ factor.T
    found: np.ndarray = means[:, None, None] + np.moveaxis(noise, -1, 0)
    return found


def _by_signs(number: OpenNumber, most: int) -> np.ndarray:
    """(most,): whether the bet on signs decides. Later values are drawn from a continuum, where none are equal."""
    decide = signs_decide(np.array(number.values), number.question)
    later = bool(decide[-1]) or (number.question.step == 0 and min(number.values) == max(number.values))
    return np.append(decide, np.full(most - len(decide), later))


def _inwards(number: OpenNumber, mean: float, off: float) -> float:
    low, high = number.question.low, number.question.high
    if low is None or high is None:
        return mean + off if high is None else mean - off
    middle = (low + high) / 2
    return middle if abs(middle - mean) < off else mean + math.copysign(off, middle - mean)


def _outwards(number: OpenNumber, mean: float, off: float) -> float:
    low, high = number.question.low, number.question.high
    if low is None or high is None:
        return mean - off if high is None else mean + off
    return mean - math.copysign(off, (low + high) / 2 - mean)


def _to_nothing(number: OpenNumber, mean: float, off: float) -> float:
    """Towards a difference that is too small to matter."""
    return 0.0 if abs(mean) < off else mean - math.copysign(off, mean)


_SHIFTS: tuple[Shift, ...] = (_inwards, _outwards, _to_nothing)
