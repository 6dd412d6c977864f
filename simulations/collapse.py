"""Seeds that lie far from the others: false alarms, power, and what rare collapses do to tests of means and medians."""

from collections.abc import Iterator

import numpy as np
from scipy import special

from rungwise.evidence.collapse import ALARMS, fallen
from simulations.table import Row, share

SHORT, FULL = 10_000, 200_000
LOSS = 0.02
"""What a collapsed seed loses, of an accuracy."""


def rates(studies: int, seed: int) -> list[Row]:
    """Rows of false alarms, of power, and of false verdicts; `studies` sets of n seeds each."""
    rng = np.random.default_rng(seed)
    return [*alarms(studies, rng), *power(studies, rng), *verdicts(studies, rng)]


def alarms(studies: int, rng: np.random.Generator) -> Iterator[Row]:
    """How often some seed is called far where all are drawn alike; `at_most` where it is promised."""
    for n in (4, 5, 7, 10, 15, 20):
        normal = rng.standard_normal((studies, n))
        yield share("alarm: normal", n, fallen(normal, ALARMS) > 0, at_most=0.01)
        both = (fallen(normal, ALARMS / 2) > 0) | (fallen(-normal, ALARMS / 2) > 0)
        yield share("alarm: normal, either side", n, both, at_most=0.01)
        for sd in (0.3, 1, 3):
            what = f"alarm: whole images, deviation {sd:g} images"
            yield share(what, n, fallen(np.round(sd * normal), ALARMS) > 0, at_most=0.01)
        for errors in (0.5, 5, 50):
            wrong = rng.poisson(errors, (studies, n)).astype(float)
            yield share(f"alarm: Poisson, {errors:g} errors", n, fallen(-wrong, ALARMS, 1.0) > 0)
        yield share("alarm: t, 5 degrees of freedom", n, fallen(rng.standard_t(5, (studies, n)), ALARMS) > 0)
        yield share("alarm: modified z-score above 3.5", n, _modified_z(normal) > 3.5)


def _modified_z(values: np.ndarray) -> np.ndarray:
    """(studies,): the largest modified z-score (Iglewicz and Hoaglin 1993) on the lower side, for comparison."""
    below = np.median(values, axis=1, keepdims=True) - values
    return 0.6745 * below.max(axis=1) / np.median(np.abs(below), axis=1)


def power(studies: int, rng: np.random.Generator) -> Iterator[Row]:
    """How often exactly the collapsed seeds are named: one, or two, that lose 2% where the others scatter by `sd`."""
    for n in (4, 5, 7, 10, 20):
        normal = rng.standard_normal((studies, n))
        for collapsed in (1, 2) if n > 4 else (1,):
            for sd in (0.001, 0.002, 0.003):
                values = sd * normal
                values[:, :collapsed] -= LOSS
                found = fallen(values, ALARMS) == collapsed
                yield share(f"named: {collapsed} collapsed, deviation {sd:.1%}", n, found)


def verdicts(studies: int, rng: np.random.Generator) -> Iterator[Row]:
    """Verdicts on "A is better than B", paired by seed, where B loses 2% in some of its seeds and the means are equal.

    Of means, *refuted* is then false. The median of A less B lies below 0, so of medians *refuted* is right and
    *supported* false. Last, A is as B but for the collapses of B.
    """
    deviation = 0.001
    for n in (5, 10, 20):
        for often in (0.05, 0.1):
            noise = deviation * (rng.standard_normal((studies, n)) - rng.standard_normal((studies, n)))
            ahead = noise + LOSS * (rng.random((studies, n)) < often)
            even = ahead - often * LOSS
            where = f"B loses 2% in {often:.0%}"
            yield share(f"equal means, {where}: refuted by t, falsely", n, _t(even) < 0.025)
            yield share(f"equal means, {where}: refuted of medians, rightly", n, _signs(even) < 0.025)
            yield share(f"equal means, {where}: supported of medians", n, _signs(-even) < 0.025, at_most=0.025)
            settled = (_signs(ahead) < 0.025) | (_signs(-ahead) < 0.025)
            yield share(f"equal but for collapses, {where}: settled of medians", n, settled)


def _t(differences: np.ndarray) -> np.ndarray:
    """(studies,): Student's distribution function at each study's paired t."""
    n = differences.shape[1]
    t = differences.mean(axis=1) / (differences.std(axis=1, ddof=1) / np.sqrt(n))
    return np.asarray(special.stdtr(n - 1, t))


def _signs(differences: np.ndarray) -> np.ndarray:
    """(studies,): the one-sided p of the sign test that the median lies below 0; no differences are 0."""
    positive = (differences > 0).sum(axis=1)
    return np.asarray(special.bdtr(positive, differences.shape[1], 0.5))
