"""The power of a t-interval: the noncentral t's closed form, published sample sizes, and simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from rungwise.evidence.paired import tost_p
from rungwise.evidence.power import MOST, independent
from rungwise.evidence.power import seeds_needed as needed_at
from rungwise.evidence.power import settles as settles_at


def settles(mean, sd, *rest):
    return settles_at(mean, independent(sd), *rest)


def seeds_needed(mean, sd, *rest, **more):
    return needed_at(mean, independent(sd), *rest, **more)


def closed(mean: float, sd: float, n: int, bound: float) -> float:
    """The power of a two-sided t-test of one bound."""
    edge, noncentrality = stats.t.ppf(0.975, n - 1), (mean - bound) / sd * math.sqrt(n)
    wrong = stats.nct.cdf(-edge, n - 1, noncentrality) if noncentrality < 5 else 0  # scipy's far tail is NaN
    return stats.nct.sf(edge, n - 1, noncentrality) + wrong


def simulated(mean, sd, n, low, high, matters, draws=20000):
    values = np.random.default_rng(n).normal(mean, sd, (draws, n))
    middle = values.mean(axis=1)
    half = stats.t.ppf(0.975, n - 1) * values.std(axis=1, ddof=1) / math.sqrt(n)
    settled = np.ones(draws, dtype=bool)
    for bound in (low, high):
        if bound is not None:
            settled &= (middle - half > bound) | (middle + half < bound)
    return np.mean(settled | ((middle - half > -matters) & (middle + half < matters)))


@pytest.mark.parametrize("n", [2, 3, 5, 10, 50, 400])
@pytest.mark.parametrize("mean", [0.0, 0.05, 0.3, 1.0, 4.0])
def test_one_bound_is_the_noncentral_t(n, mean):
    assert settles(mean, 1, n, 0, None) == pytest.approx(closed(mean, 1, n, 0), abs=2e-5)
    assert settles(0.9 - mean / 100, 0.01, n, None, 0.9) == pytest.approx(closed(mean, 1, n, 0), abs=2e-5)


@pytest.mark.parametrize(
    ("mean", "sd", "n", "low", "high", "matters"),
    [
        (0.0, 0.5, 5, -1, 1, 0),
        (0.4, 0.5, 3, -1, 1, 0),
        (1.5, 0.4, 4, -1, 1, 0),
        (0.1, 1.0, 8, 0, None, 1.5),
        (0.5, 0.3, 5, None, 0, 0.7),
        (0.5, 2.0, 3, 0, None, 0.7),
        (0.2, 0.5, 6, -1, 1, 0.6),
        (0.8, 0.5, 6, 0.2, 2, 1.5),
        (0.0, 1.0, 4, -0.2, 0.2, 1.0),
    ],
)
def test_any_region_agrees_with_simulation(mean, sd, n, low, high, matters):
    """20000 draws: four standard errors are at most .0142."""
    assert settles(mean, sd, n, low, high, matters) == pytest.approx(
        simulated(mean, sd, n, low, high, matters), abs=4 * math.sqrt(0.25 / 20000)
    )


def test_two_bounds_are_two_one_sided_tests():
    """In the middle of a region, all that settles the question is that both tests reject at .025."""
    draws = np.random.default_rng(0).normal(0, 0.6, (1500, 5))
    rejected = np.mean([tost_p(row, -1, 1) < 0.025 for row in draws])
    assert 0.3 < rejected < 0.9
    assert settles(0, 0.6, 5, -1, 1) == pytest.approx(rejected, abs=4 * math.sqrt(0.25 / 1500))


def test_it_depends_on_the_units_of_nothing():
    expected = settles(0.3, 0.5, 6, -1, 1, 0.4)
    assert settles(0.0003, 0.0005, 6, -0.001, 0.001, 0.0004) == pytest.approx(expected, abs=1e-12)
    assert settles(-0.3, 0.5, 6, -1, 1, 0.4) == pytest.approx(expected, abs=1e-12)


def test_what_has_no_power_is_refused():
    with pytest.raises(ValueError, match="n = 1"):
        settles(1, 1, 1, 0, None)
    with pytest.raises(ValueError, match="sd = 0"):
        settles(1, 0, 5, 0, None)
    with pytest.raises(ValueError, match="got 1 and -1"):
        settles(1, 1, 5, 1, -1)


@pytest.mark.parametrize(("size", "n"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_sample_sizes_as_published(size, n):
    """Cohen's small, medium and large d_z for a paired t-test, two-sided .05, power .8 (G*Power 3)."""
    assert seeds_needed(size, 1, 0, None) == n
    assert seeds_needed(-size, 1, 0, None) == n


@pytest.mark.parametrize(
    ("mean", "sd", "low", "high", "matters", "power"),
    [
        (0.002, 0.001, 0, None, 0, 0.8),
        (0.0003, 0.001, 0, None, 0.001, 0.8),
        (0.0, 0.001, 0, None, 0.001, 0.8),
        (0.0002, 0.001, -0.001, 0.001, 0, 0.8),
        (0.0013, 0.001, -0.001, 0.001, 0, 0.8),
        (0.5, 0.05, None, 0.53, 0, 0.95),
        (5.0, 0.1, 0, None, 0, 0.8),
        (1.0, 0.3, 0.9, 1.6, 0.95, 0.5),
    ],
)
def test_it_is_the_first_n_that_settles(mean, sd, low, high, matters, power):
    expected = next(n for n in range(2, MOST + 1) if settles(mean, sd, n, low, high, matters) >= power)
    assert seeds_needed(mean, sd, low, high, matters, power=power) == expected


def test_what_no_number_of_seeds_settles():
    assert seeds_needed(0.5, 0.1, 0.5, None) is None
    assert seeds_needed(0.5, 0.1, -0.5, 0.5) is None
    assert seeds_needed(0.01, 1, 0, None) is None


def test_the_most_is_still_advised():
    """The effect that 1000 seeds find with power .8, and one a little smaller."""
    size = 0.0887
    assert closed(size, 1, MOST, 0) > 0.8 > closed(size, 1, MOST - 5, 0)
    assert MOST - 5 < seeds_needed(size, 1, 0, None) <= MOST
    assert seeds_needed(0.0880, 1, 0, None) is None


def test_a_standard_error_that_does_not_fall_is_never_enough():
    """Seeds that share one pool, test over training images 1/3: half-widths stay above 1.96 sqrt(1/3) sd = 1.13 sd."""

    def at(n):
        return math.sqrt(1 / n + 1 / 3), n - 1

    assert needed_at(1.5, at, 0, None) is None
    assert needed_at(2.0, at, 0, None) == next(n for n in range(2, 100) if settles_at(2.0, at, n, 0, None) >= 0.8)


def test_degrees_of_freedom_need_not_be_whole():
    def at(n):
        return 1 / math.sqrt(n), 2.5 * (n - 1)

    edge = stats.t.ppf(0.975, 10)
    assert settles_at(1.0, at, 5, 0, None) == pytest.approx(
        stats.nct.sf(edge, 10, math.sqrt(5)) + stats.nct.cdf(-edge, 10, math.sqrt(5)), abs=2e-5
    )
