"""How often a claim that is settled by looking after each seed, from 3 to 60, has a false verdict.

The truth lies on the bound: there a verdict is false most often. A claim of one number is false whichever way it is
settled; "best" of five has four numbers.
"""

import math

import numpy as np
from scipy import stats

from rungwise.evidence.looks import OUTCOMES, Outcome, Question, outcomes, signs_decide
from simulations.noise import SKEWED, SYMMETRIC, normal, rounded, t2
from simulations.table import Row, share

SHORT, FULL = 4_000, 20_000
SEEDS = 60
LEVEL = 0.05
MODELS = 5
ABOVE = Question(0.0, None)


def rates(studies: int, seed: int) -> list[Row]:
    """False verdicts at the 5% level, over all looks of a study."""
    random = np.random.default_rng(seed)
    parts = (single, ties, skewed, best, margins, trends, bounded, medians)
    return [row for part in parts for row in part(random, studies)]


def settled(values: np.ndarray, question: Question) -> np.ndarray:
    """(...,): how each study of (..., seeds) ends, as a place in `OUTCOMES`; 0 where it stays open."""
    codes = outcomes(values, question, signs_decide(values, question))
    first = (codes != 0).argmax(axis=-1)
    return np.take_along_axis(codes, first[..., None], axis=-1)[..., 0]


def single(random: np.random.Generator, studies: int) -> list[Row]:
    """One number on its bound; and what a t-test after each seed would do."""
    shape = (studies, SEEDS)
    rows = [_false(name, settled(noise(random, shape), ABOVE)) for name, noise in SYMMETRIC.items()]
    return [*rows, share("a t-test after each seed, normal", SEEDS, _naive(normal(random, shape)))]


def _naive(values: np.ndarray) -> np.ndarray:
    n = np.arange(3, values.shape[-1] + 1)
    mean = np.cumsum(values, axis=-1)[:, 2:] / n
    sd = np.sqrt((np.cumsum(values**2, axis=-1)[:, 2:] - n * mean**2) / (n - 1))
    return (np.abs(mean) * np.sqrt(n) / sd > stats.t.ppf(1 - LEVEL / 2, n - 1)).any(axis=-1)


def ties(random: np.random.Generator, studies: int) -> list[Row]:
    """Differences in whole images, whose deviation before rounding is a few of them or less; the bound is 0 images, or
    lies between two numbers of images."""
    rows = []
    for deviation in (0.3, 0.5, 1.0, 3.0, 30.0):
        values = rounded(deviation)(random, (studies, SEEDS))
        known = Question(0.0, None, step=1.0)
        rows.append(_false(f"rounded, deviation of {deviation:g} images", settled(values, known)))
        rows.append(_false(f"rounded, deviation of {deviation:g} images, step unknown", settled(values, ABOVE)))
    for share_of_one in (0.1, 0.3, 0.5):
        values = (random.random((studies, SEEDS)) < share_of_one).astype(float)
        between = Question(share_of_one, None, step=1.0)
        rows.append(_false(f"0 or 1 images, mean {share_of_one:g}", settled(values, between)))
    return rows


def skewed(random: np.random.Generator, studies: int) -> list[Row]:
    """Nothing is promised of these."""
    return [
        share(f"skewed: {name}", SEEDS, settled(noise(random, (studies, SEEDS)), ABOVE) > 0)
        for name, noise in SKEWED.items()
    ]


def best(random: np.random.Generator, studies: int) -> list[Row]:
    """A claim that A is best of five, where A is equal to all others or to one, or leads by exactly what matters.

    Each number is supported at the level, and refuted or too small to matter at a quarter of it."""
    others = MODELS - 1
    rows = []
    for name, noise, step in (("normal", normal, 0.0), ("t, 2 df", t2, 0.0), ("rounded", rounded(1.0), 1.0)):
        drawn = noise(random, (studies, MODELS, SEEDS))
        differences = drawn[:, :1] - drawn[:, 1:]
        question = Question(0.0, None, level_against=LEVEL / others, step=step)
        equal = settled(differences, question)
        one = settled(differences + np.array([0, 5, 5, 5])[:, None], question)
        # About .8 deviations of a difference: of margins between .6 and 3, the one where it errs most often.
        matters = Question(0.0, None, level_against=LEVEL / others, matters=1.2, step=step)
        edge = settled(differences + 1.2, matters)
        rows += [
            _row(f"best of five, all equal, {name}: supported", _all(equal, "supported")),
            _row(f"best of five, all equal, {name}: refuted", _any(equal, "refuted")),
            _row(f"best of five, one equal, {name}: supported", _all(one, "supported")),
            _row(f"best of five by what matters, {name}: not supported", _any(edge, "not supported")),
        ]
    return rows


def margins(random: np.random.Generator, studies: int) -> list[Row]:
    """The true difference is the margin: neither "within" nor "beyond" may be found."""
    noises = {**SYMMETRIC, "rounded, deviation of 1 image": rounded(1.0)}
    rows = []
    for name, noise in noises.items():
        step = 1.0 if name.startswith("rounded") else 0.0
        values = noise(random, (studies, SEEDS))
        found = settled(values + 2.0, Question(-2.0, 2.0, step=step))
        rows.append(_false(f"equal within 2, difference 2, {name}", found))
    below = settled(normal(random, (studies, SEEDS)) + 2.0, Question(0.0, None, matters=2.0))
    return [*rows, _row("2 matters, difference 2, normal: not supported", _is(below, "not supported"))]


def trends(random: np.random.Generator, studies: int) -> list[Row]:
    """The slope over the ranks of five equal models, one per seed; that of whole images comes in tenths."""
    arms = np.arange(MODELS) - (MODELS - 1) / 2
    rows = []
    noises = {**SYMMETRIC, "rounded, deviation of .5 images": rounded(0.5), "rounded, of 1 image": rounded(1.0)}
    for name, noise in noises.items():
        slopes = np.tensordot(noise(random, (studies, SEEDS, MODELS)), arms / (arms @ arms), axes=1)
        step = 0.1 if name.startswith("rounded") else 0.0
        rows.append(_false(f"trend over five, {name}", settled(slopes, Question(0.0, None, step=step))))
    return rows


def bounded(random: np.random.Generator, studies: int) -> list[Row]:
    """Accuracies on 449 images against what is expected of them, one by one and ten in one claim; errors are skewed
    where there are few of them."""
    images = 449
    rows = []
    for wrong in (0.9, 1.5, 3.0):
        expected = 1 - wrong / images
        values = random.binomial(images, expected, (studies, 10, SEEDS)) / images
        below = Question(None, expected, level_against=LEVEL / 10, step=1 / images)
        refuted = _any(settled(values, below), "refuted")
        rows.append(_row(f"ten accuracies on 449 images, {wrong:g} wrong: refuted", refuted))
    for wrong in (0.1, 0.3, 0.5, 0.7, 0.9, 1.5, 3.0, 10.0, 100.0):
        expected = 1 - wrong / images
        values = random.binomial(images, expected, (studies, SEEDS)) / images
        question = Question(expected, None, step=1 / images)
        rows.append(_false(f"accuracy on 449 images, {wrong:g} wrong", settled(values, question)))
    fewer, more = (random.poisson(wrong, (studies, SEEDS)) for wrong in (0.3, 2.0))
    between = settled((more - fewer).astype(float), Question(1.7, None, step=1.0))
    return [*rows, _false("difference of accuracies, .3 and 2 images wrong", between)]


def medians(random: np.random.Generator, studies: int) -> list[Row]:
    """Claims on a median, which is the bound: skewed noise, and one that more than half of the values share."""
    shape = (studies, SEEDS)
    middles = {"exponential": math.log(2) - 1, "lognormal": 1 - math.exp(0.5)}
    question = Question(0.0, None, median=True)
    rows = [
        _false(f"median, {name}", settled(SKEWED[name](random, shape) - middle, question))
        for name, middle in middles.items()
    ]
    # A tenth of the seeds lies far below, and 4/9 of the others below their 4/9 quantile: together half.
    lost = random.standard_normal(shape) - stats.norm.ppf(4 / 9) - 20 * (random.random(shape) < 0.1)
    shared = np.maximum(random.standard_normal(shape) - stats.norm.ppf(0.6), 0.0)
    rows.append(_false("median, one net collapses in 10%", settled(lost, question)))
    found = settled(shared, question)
    return [*rows, _false("median, 60% equal it, no value below", found)]


def _false(what: str, codes: np.ndarray) -> Row:
    """Any verdict is false where the truth lies on the bound, but that a difference of exactly 0 is not support."""
    return _row(what, _is(codes, "supported") | _is(codes, "refuted"))


def _is(codes: np.ndarray, outcome: Outcome) -> np.ndarray:
    return codes == OUTCOMES.index(outcome)


def _all(codes: np.ndarray, outcome: Outcome) -> np.ndarray:
    """Whether all numbers of a claim end so; codes: (studies, numbers)."""
    return _is(codes, outcome).all(axis=-1)


def _any(codes: np.ndarray, outcome: Outcome) -> np.ndarray:
    return _is(codes, outcome).any(axis=-1)


def _row(what: str, false: np.ndarray) -> Row:
    return share(what, SEEDS, false, at_most=LEVEL)
