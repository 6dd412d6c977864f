"""E-values and intervals that hold at every look: against numerical integration, numerical inversion, and by hand."""

import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from rungwise.evidence.anytime import e_value, earliest, interval, moments, p_value, reach, tolerance

VALUES = np.random.default_rng(24).normal(0.4, 1, size=30)


def mixture(values, bound, g):
    """The likelihood ratio of t, averaged over the effect size: what the closed form is the closed form of."""
    n = len(values)
    t = float(stats.ttest_1samp(values, bound).statistic)

    def weighted(size):
        return stats.nct.pdf(t, n - 1, size * math.sqrt(n)) * stats.norm.pdf(size, scale=math.sqrt(g))

    found, _ = integrate.quad(weighted, -8 * math.sqrt(g), 8 * math.sqrt(g), epsabs=0, epsrel=1e-8, limit=200)
    return found / stats.t.pdf(t, n - 1)


@pytest.mark.parametrize("g", [0.25, 1.0, 2.0])
@pytest.mark.parametrize("n", [2, 3, 5, 12, 30])
@pytest.mark.parametrize("bound", [-0.5, 0.0, 0.4])
def test_the_e_value_is_the_mixture_over_the_effect_size(n, bound, g):
    assert e_value(VALUES[:n], bound, g=g) == pytest.approx(mixture(VALUES[:n], bound, g), rel=1e-5)


@pytest.mark.parametrize("level", [0.2, 0.05, 0.0125])
@pytest.mark.parametrize("step", [0.0, 0.3, 5.0])
@pytest.mark.parametrize("n", [6, 9, 30])
def test_the_interval_ends_where_the_e_value_rejects(n, step, level):
    values = VALUES[:n]
    low, high = interval(values, level, step=step)
    mean = float(np.mean(values))

    def excess(mu):
        return math.log(e_value(values, mu, step=step) * level)

    # Only that E rises from the mean outwards is taken for granted here.
    assert low == pytest.approx(optimize.brentq(excess, mean - 1e4, mean, xtol=1e-12), abs=1e-9)
    assert high == pytest.approx(optimize.brentq(excess, mean, mean + 1e4, xtol=1e-12), abs=1e-9)


@pytest.mark.parametrize("level", [0.2, 0.05, 0.0125, 0.001])
def test_the_interval_is_unbounded_until_the_earliest_stop(level):
    first = earliest(level)
    far = 1e9
    assert interval(VALUES[: first - 1], level) is None
    assert e_value(VALUES[: first - 1], far) < 1 / level
    assert interval(VALUES[:first], level) is not None
    assert e_value(VALUES[:first], far) > 1 / level


def test_the_largest_e_value_is_11_at_four_seeds_and_36_at_five():
    assert e_value([1, 1, 1, 1], 0) == pytest.approx(5**1.5)
    assert e_value([1, 1, 1, 1, 1], 0) == pytest.approx(36)
    assert (earliest(0.05), earliest(0.05 / 4)) == (5, 6)  # 7^2.5 = 130 is the first above 80
    assert e_value([1.0] * 500, 0) > 1e300  # no overflow: (501)^249.5 has 673 digits


def test_values_on_the_bound_speak_for_it():
    assert e_value([0.3] * 8, 0.3) == pytest.approx(1 / 3)
    assert e_value([0.3] * 8, 0.3, step=0.1) == pytest.approx(1 / 3)
    # Equal on paper, not in floating point.
    differences = [0.9514 - 0.9504, 0.9544 - 0.9534, 0.7001 - 0.6991]
    assert len(set(differences)) > 1
    assert e_value(differences, 0.001) == pytest.approx(0.5)
    assert e_value(differences, 0.0) == pytest.approx(4)


def test_fewer_than_two_values_say_nothing():
    assert e_value([], 0) == e_value([5.0], 0) == 1
    assert interval([], 0.05) is None


def test_the_deviation_never_falls_below_what_the_resolution_hides():
    # s^2 = 1/2: t^2 = 5 / (1/2) = 10, u = 10 / 4, and (1 + 5/2) / (1 + 5/12) = 42 / 17.
    assert e_value([1] * 5, 0, step=1) == pytest.approx((42 / 17) ** 2.5 / math.sqrt(6))
    scattered = [0.0, 2.0, 4.0, 1.0, 3.0]
    assert e_value(scattered, 0.5, step=1) == e_value(scattered, 0.5)


def test_the_e_value_has_no_unit():
    assert e_value(7 + 3 * VALUES, 7.6) == pytest.approx(e_value(VALUES, 0.2))
    assert e_value(-VALUES, -0.2) == pytest.approx(e_value(VALUES, 0.2))


def test_moments_are_those_of_each_prefix():
    rows = 1e6 + np.random.default_rng(1).normal(size=(3, 12))
    of = moments(rows)
    for n in range(2, 13):
        np.testing.assert_allclose(of.mean[:, n - 1], rows[:, :n].mean(axis=1), rtol=1e-14)
        np.testing.assert_allclose(of.sd[:, n - 1], rows[:, :n].std(axis=1, ddof=1), rtol=2e-3)
    assert (of.sd[:, 0] == 0).all()


def test_a_prefix_knows_nothing_of_later_values():
    late = np.append(VALUES, 1e12)
    np.testing.assert_array_equal(moments(late).sd[:-1], moments(VALUES).sd)
    np.testing.assert_array_equal(tolerance(late)[:-1], tolerance(VALUES))


def test_the_interval_covers_normal_noise_at_all_looks_at_once():
    random = np.random.default_rng(0)
    values = random.normal(size=(4000, 100))
    of = moments(values)
    half = reach(of.n, 0.05)
    with np.errstate(invalid="ignore"):
        missed = (np.abs(of.mean) > half * of.sd).any(axis=1).mean()
    # Ville's inequality bounds it; were the interval a fixed one, it would be above .35.
    assert 0.015 < missed < 0.05


def test_p_is_one_over_the_largest_e_so_far():
    assert p_value([]) == p_value([0.5, 0.9]) == 1
    assert p_value([2.0, 40.0, 8.0]) == pytest.approx(0.025)


@pytest.mark.parametrize(("level", "g"), [(0.0, 1.0), (1.0, 1.0), (0.05, 0.0)])
def test_a_level_is_between_0_and_1_and_g_is_positive(level, g):
    with pytest.raises(ValueError, match="expected a level"):
        interval(VALUES, level, g=g)
