"""What each look at a number of a claim shows, seed after seed, until it is settled.

A look sees the values of seeds 0, 1, ..., n - 1 and nothing else: in which order machines finish plays no part, and a
seed without a value ends what looks may see. The verdicts hold at every look (`anytime`, `signs`), so that one may stop
at the first that settles; then it stays settled.

They hold where a value is as likely to lie above the true mean as below it by as much. Skewed noise breaks that
(`python -m simulations settle` has the rates), and seeds that share one pool of images are not independent: these must
not be settled at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rungwise.evidence.anytime import LARGEST, G, Moments, interval, log_e, moments, reach, tolerance
from rungwise.evidence.signs import earliest_signs, enough, log_signs, median_interval, sides

FIRST = 3
"""The first look is at so many values."""
Outcome = Literal["not distinguishable", "supported", "refuted", "not supported"]
OUTCOMES: tuple[Outcome, ...] = ("not distinguishable", "supported", "refuted", "not supported")


@dataclass(frozen=True)
class Question:
    """What a claim says of one number, and how surely it must be known."""

    low: float | None
    """The claim says that the mean lies above this, unless it is None."""
    high: float | None
    """The claim says that the mean lies below this, unless it is None. One of the two must be given."""
    level: float = 0.05
    """The chance to support falsely: the claim's own level, however many numbers it has, since all must hold."""
    level_against: float = 0.05
    """The chance to find falsely that a number refutes or does not support the claim: the claim's level over its
    numbers, since any of them is enough for that."""
    matters: float = 0.0
    """The smallest difference that matters; 0: any does, or the number is no difference."""
    step: float = 0.0
    """The resolution of a value; 0: unknown. Where it is unknown and two values are equal, the bet on signs decides."""
    median: bool = False
    """Whether the claim is about the median: the bet on signs decides."""

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise ValueError("a number of a claim needs a low bound, a high bound or both; got neither")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"a region needs its low bound below its high one; got {self.low} and {self.high}")

    @property
    def bounds(self) -> tuple[float, ...]:
        return tuple(bound for bound in (self.low, self.high) if bound is not None)

    def contains(self, value: float) -> bool:
        """Whether a value lies within the region and on none of its bounds."""
        return (self.low is None or value > self.low) and (self.high is None or value < self.high)


@dataclass(frozen=True)
class Look:
    """One number of a claim after n seeds."""

    n: int
    estimate: float
    """The mean; the median where the claim is about that."""
    interval: tuple[float, float] | None
    """At the claim's level, for the mean or the median, valid at every look; None where it is unbounded."""
    e: float
    """The e-value against the bound that decides: the least over the bounds of the region."""
    verdict: Outcome
    signs: bool
    """Whether the bet on signs decided."""


def looks(values: Sequence[float] | np.ndarray, question: Question) -> list[Look]:
    """The looks at one number after 3, 4, ... seeds; the list ends at the first look that settles.

    values: (n,), one per seed, of seeds 0, 1, 2, ... without a gap. Empty where n < 3. ValueError where a value is not
    finite, or a level is not between 0 and 1.
    """
    array = np.asarray(values, dtype=float)
    if not np.isfinite(array).all():
        raise ValueError(f"looks need finite values; got {array[~np.isfinite(array)][0]}")
    if len(array) < FIRST:
        return []
    by_signs = signs_decide(array, question)
    codes = outcomes(array, question, by_signs)
    settled = np.flatnonzero(codes)
    end = int(settled[0]) + 1 if len(settled) else len(array)
    return [_look(array[:n], question, bool(by_signs[n - 1]), OUTCOMES[codes[n - 1]]) for n in range(FIRST, end + 1)]


def _look(values: np.ndarray, question: Question, by_signs: bool, verdict: Outcome) -> Look:
    of = moments(values, question.step)
    estimate = float(np.median(values)) if question.median else float(of.mean[-1])
    if by_signs:
        found = median_interval(values, question.level)
        logs = [log_signs(*sides(values, bound))[-1] for bound in question.bounds]
    else:
        found = interval(values, question.level, step=question.step)
        logs = [log_e(of, bound, tolerance(values, bound))[-1] for bound in question.bounds]
    return Look(len(values), estimate, found, float(np.exp(min(LARGEST, *logs))), verdict, by_signs)


def signs_decide(values: np.ndarray, question: Question) -> np.ndarray:
    """Whether the bet on signs decides each prefix; values and result: (..., n)."""
    if question.median or question.step > 0:
        return np.full(values.shape, question.median)
    return tied(values)


def tied(values: np.ndarray) -> np.ndarray:
    """Whether two values of each prefix are equal but for rounding errors; values and result: (..., n)."""
    near = tolerance(values)
    found = np.zeros(values.shape, dtype=bool)
    for n in range(1, values.shape[-1]):
        found[..., n] = (np.abs(values[..., :n] - values[..., n : n + 1]) <= near[..., n : n + 1]).any(axis=-1)
    return np.logical_or.accumulate(found, axis=-1)


def outcomes(values: np.ndarray, question: Question, by_signs: np.ndarray | bool) -> np.ndarray:
    """What each prefix shows by itself, as a place in `OUTCOMES`; nothing before the first look.

    values: (..., n), studies of seeds 0 ... n - 1. by_signs: (..., n) or one for all: whether the bet on signs decides.
    A difference that is 0 in every seed isn't supported once as many are 0 as the bet on signs needs to reject: by the
    same bet, on "0" against "not 0", it is 0 in most seeds.
    """
    of = moments(values, question.step)
    inside, outside = np.ones(values.shape, dtype=bool), np.zeros(values.shape, dtype=bool)
    for bound, side in ((question.low, 1), (question.high, -1)):
        if bound is not None:
            inside &= _beyond(values, of, bound, side, question.level, by_signs)
            outside |= _beyond(values, of, bound, -side, question.level_against, by_signs)
    none = np.zeros(values.shape, dtype=bool)
    if question.matters > 0:
        none = _beyond(values, of, -question.matters, 1, question.level_against, by_signs)
        none &= _beyond(values, of, question.matters, -1, question.level_against, by_signs)
    if not question.contains(0.0):
        none |= np.logical_and.accumulate(values == 0, axis=-1) & (of.n >= earliest_signs(question.level_against))
    # As in verdicts of fixed seeds: a difference too small to matter is not support, though it be certain.
    codes = np.select([none, inside, outside], [3, 1, 2], 0)
    codes[..., : FIRST - 1] = 0
    return codes


def _beyond(
    values: np.ndarray, of: Moments, bound: float, side: int, level: float, by_signs: np.ndarray | bool
) -> np.ndarray:
    """Whether the interval of each prefix lies wholly above (side 1) or below (side -1) the bound; (..., n)."""
    if np.all(by_signs):
        return _beyond_by_signs(values, bound, side, level)
    half = reach(of.n, level, G)
    with np.errstate(invalid="ignore"):
        half = np.where(np.isinf(half), np.inf, half * of.sd)
    by_t = side * (of.mean - bound) - half > tolerance(values, bound)
    return np.where(by_signs, _beyond_by_signs(values, bound, side, level), by_t) if np.any(by_signs) else by_t


def _beyond_by_signs(values: np.ndarray, bound: float, side: int, level: float) -> np.ndarray:
    above, below = sides(values, bound)
    return (above if side > 0 else below) >= enough(level, values.shape[-1])


def settled_at(codes: np.ndarray) -> np.ndarray:
    """The number of seeds at which each study settles, n + 1 where it doesn't; codes: (studies, n), of `outcomes`."""
    at: np.ndarray = np.where(codes.any(axis=-1), (codes != 0).argmax(axis=-1) + 1, codes.shape[-1] + 1)
    return at
