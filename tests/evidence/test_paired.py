"""Paired tests and what goes with them, against scipy, against enumeration and against numbers worked out by hand."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from rungwise.evidence.paired import (
    effect,
    equal,
    holm,
    mcnemar,
    mcnemar_p,
    sign_p,
    slope,
    t_p,
    tost_p,
    wilcoxon_floor,
    wilcoxon_p,
)

SIZES = (2, 3, 5, 10, 30)
SAME = [0.9712 - 0.9700, 0.9512 - 0.9500, 0.8812 - 0.8800, 0.9512 - 0.9500, 0.9912 - 0.9900]
"""Five times .0012, but for rounding."""


def drawn(n: int, mean: float = 0.3) -> np.ndarray:
    return np.random.default_rng(n).normal(mean, 1, n)


# Student's t ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", SIZES)
def test_t_is_scipys(n):
    values = drawn(n)
    assert t_p(values, 0.1) == pytest.approx(stats.ttest_1samp(values, 0.1).pvalue, rel=1e-9)
    a, b = drawn(n, 1), drawn(n + 1, 0)[:n]
    assert t_p(a - b, 0) == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-9)


def test_t_by_hand():
    """1, 2, 3 against 0: t = 2 sqrt(3) with 2 degrees of freedom, where P(T > t) = (1 - t / sqrt(2 + t²)) / 2."""
    t = 2 * math.sqrt(3)
    assert t_p([1, 2, 3], 0) == pytest.approx(1 - t / math.sqrt(2 + t**2), rel=1e-12)


def test_t_is_undefined_without_scatter():
    assert len(set(SAME)) > 1
    assert equal(SAME)
    assert not equal([0.0012, 0.0013])
    for values in ([], [0.5], [0.5, 0.5, 0.5], [0.0, 0.0], SAME):
        assert t_p(values, 0) is None
        assert tost_p(values, -1, 1) is None
        assert effect(values) is None


def test_t_keeps_scatter_that_is_small_beside_the_mean():
    values = [0.97, 0.97 + 1e-6, 0.97 - 1e-6]
    assert t_p(values, 0.97) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("n", SIZES)
def test_two_one_sided_tests_are_scipys(n):
    values = drawn(n)
    above = stats.ttest_1samp(values, -0.9, alternative="greater").pvalue
    below = stats.ttest_1samp(values, 1.1, alternative="less").pvalue
    assert tost_p(values, -0.9, 1.1) == pytest.approx(max(above, below), rel=1e-9)


def test_two_one_sided_tests_agree_with_the_interval():
    """Both reject at .025 exactly where the two-sided 95% interval lies within the bounds."""
    agreed = set()
    for values in np.random.default_rng(0).normal(0, 1, (200, 6)):
        interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        within = interval.low > -1.2 and interval.high < 1.2
        assert (tost_p(values, -1.2, 1.2) < 0.025) == within
        agreed.add(within)
    assert agreed == {True, False}


# Sign and signed ranks ------------------------------------------------------------------------------------------


def test_sign_is_scipys_and_drops_values_on_the_bound():
    values = [0.3, 0.1 + 0.2, 0.5, 0.6, 0.1, 0.9, 0.8]
    assert sign_p(values, 0.3) == pytest.approx(stats.binomtest(4, 5).pvalue)
    assert sign_p([0.3, 0.1 + 0.2], 0.3) is None
    assert sign_p([], 0) is None


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_sign_of_equal_values(n):
    assert sign_p([0.2] * n, 0) == pytest.approx(2.0 ** (1 - n))
    assert sign_p([-0.2] * n, 0) == pytest.approx(wilcoxon_floor(n))


def test_signed_ranks_by_hand():
    """Five of one sign: 2 of the 32 assignments of signs are as extreme. With the least one negative: 4 of 32."""
    assert wilcoxon_p([1, 2, 3, 4, 5], 0) == 0.0625 == wilcoxon_floor(5)
    assert wilcoxon_p([-1, 2, 3, 4, 5], 0) == 0.125
    assert wilcoxon_p([2, 3, 4, 5, 6], 7) == 0.0625
    assert wilcoxon_p([-1, 1], 0) == 1


@pytest.mark.parametrize("n", [1, 2, 5, 6, 10])
def test_no_n_values_come_below_the_floor(n):
    assert wilcoxon_p(np.arange(1, n + 1), 0) == pytest.approx(wilcoxon_floor(n))
    assert wilcoxon_floor(n) == min(1, 2 * 0.5**n)


@pytest.mark.parametrize("n", [3, 5, 8, 13, 40])
def test_signed_ranks_without_ties_are_scipys(n):
    values = drawn(n)
    assert wilcoxon_p(values, 0) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue, rel=1e-9)
    assert wilcoxon_p(values, 0.2) == pytest.approx(stats.wilcoxon(values - 0.2, method="exact").pvalue, rel=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_signed_ranks_with_ties_and_zeros_are_scipys_permutations(seed):
    values = np.random.default_rng(seed).integers(-2, 5, 9)
    every = stats.PermutationMethod(n_resamples=np.inf)
    expected = stats.wilcoxon(values, zero_method="pratt", method=every).pvalue
    assert wilcoxon_p(values, 0) == pytest.approx(expected, rel=1e-9)


def test_signed_ranks_count_values_that_are_equal_on_paper_as_ties():
    thousandths = [0.9712 - 0.9700, 0.9500 - 0.9512, 0.9924 - 0.9900, 0.9803 - 0.9800, 0.1 + 0.2 - 0.3]
    signs = np.array(list(itertools.product((-1, 1), repeat=4)))
    sums = signs @ np.array([3.5, 3.5, 5, 2])
    expected = np.mean(np.abs(sums) >= 7)  # 3.5 - 3.5 + 5 + 2; the value on the bound has rank 1 and no sign
    assert wilcoxon_p(thousandths, 0) == pytest.approx(expected)


def test_ties_are_ties_whatever_the_largest_value():
    """With the largest at 1024 ten-thousandths, every odd one would lie halfway between points of a decimal grid."""
    for first in range(1, 400, 2):
        a, b = (5000 + first) / 10000 - 0.5, 0.9 - (9000 - first) / 10000
        assert wilcoxon_p([a, -b, 0.1024], 0) == wilcoxon_p([-a, b, 0.1024], 0) == 0.75


def test_signed_ranks_of_nothing_but_the_bound():
    assert wilcoxon_p([0.3, 0.1 + 0.2], 0.3) is None
    assert wilcoxon_p([], 0) is None


def test_a_value_on_the_bound_has_a_rank_but_no_sign():
    """0 takes rank 1, so that -2 and -3 have 2 and 3, both 5 have 4.5 and 11 has 6: the lower sum is 5."""
    signs = np.array(list(itertools.product((0, 1), repeat=5)))
    sums = signs @ np.array([2, 3, 4.5, 4.5, 6])
    assert wilcoxon_p([11, 5, 0, -3, -2, 5], 0) == pytest.approx(2 * np.mean(sums <= 5))
    # Were it dropped first, this p would be below that of the same values plus 1 (Pratt 1959).
    assert wilcoxon_p([11, 5, 0, -3, -2, 5], 0) > wilcoxon_p([12, 6, 1, -2, -1, 6], 0)


# McNemar and Holm -----------------------------------------------------------------------------------------------


def test_mcnemar_by_hand():
    """5 against 15: twice the sum of C(20, 0) ... C(20, 5), which is 21700, over 2^20."""
    assert mcnemar_p(5, 15) == pytest.approx(2 * 21700 / 2**20)
    assert mcnemar_p(15, 5) == mcnemar_p(5, 15)
    assert mcnemar_p(0, 0) == mcnemar_p(3, 3) == 1
    assert mcnemar_p(0, 6) == pytest.approx(2 / 64)


def test_mcnemar_counts_the_images_that_one_net_alone_has_right():
    first = np.array([1, 1, 1, 1, 0, 0, 1, 1], dtype=bool)
    second = np.array([1, 0, 0, 0, 1, 0, 0, 1], dtype=bool)
    found = mcnemar(7, first, second)
    assert (found.seed, found.first_only, found.second_only) == (7, 4, 1)
    assert found.p == pytest.approx(stats.binomtest(1, 5).pvalue)


def test_mcnemar_needs_the_same_images():
    with pytest.raises(ValueError, match=r"same test images; got \(3,\) and \(4,\) for seed 2"):
        mcnemar(2, np.ones(3, dtype=bool), np.ones(4, dtype=bool))


def test_holm_by_hand():
    """.01 x 3, .03 x 2, and .04 x 1, which may not fall below the one before it."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.4, 0.9, 0.5]) == [1, 1, 1]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


def test_holm_is_monotone_and_at_most_bonferroni():
    ps = np.random.default_rng(0).uniform(0, 0.3, 12)
    adjusted = np.array(holm(list(ps)))
    assert (np.diff(adjusted[np.argsort(ps)]) >= 0).all()
    assert (adjusted >= ps).all()
    assert (adjusted <= np.minimum(1, 12 * ps)).all()
    assert adjusted.min() == pytest.approx(12 * ps.min())


# Effect ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("mean", [-30.0, -1.0, 0.0, 0.4, 3.0, 30.0])
def test_the_ends_of_the_effect_are_where_the_noncentral_t_says(n, mean):
    values = drawn(n, mean)
    found = effect(values, 0.1)
    assert found.size == pytest.approx((values.mean() - 0.1) / values.std(ddof=1))
    low, high = np.multiply(found.interval, math.sqrt(n))
    t = stats.ttest_1samp(values, 0.1).statistic
    assert found.interval[0] < found.size < found.interval[1]
    assert stats.nct.cdf(t, n - 1, low) == pytest.approx(0.975, abs=1e-6)
    assert stats.nct.cdf(t, n - 1, high) == pytest.approx(0.025, abs=1e-6)


def test_an_effect_on_the_edge_of_significance_ends_at_0():
    n = 8
    values = drawn(n)
    edge = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / math.sqrt(n)
    on_edge = values - values.mean() + edge
    assert t_p(on_edge, 0) == pytest.approx(0.05)
    assert effect(on_edge).interval[0] == pytest.approx(0, abs=1e-9)
    assert effect(-on_edge).interval[1] == pytest.approx(0, abs=1e-9)


def test_the_interval_of_the_effect_covers_as_often_as_it_says():
    draws = np.random.default_rng(1).normal(1, 1, (400, 5))
    covered = np.mean([low <= 1 <= high for low, high in (effect(row).interval for row in draws)])
    assert covered == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 400))


@pytest.mark.parametrize("scale", [1e3, 3e3, 1e5, 1e8])
def test_huge_effects_have_the_interval_of_the_standard_deviation(scale):
    """Where the mean is known beside the scatter, 1 / s alone is uncertain: sqrt(chi2 quantile / 4) each way."""
    found = effect(np.array([-2, -1, 0, 1, 2]) / math.sqrt(2.5) + scale)
    expected = scale * np.sqrt(stats.chi2.ppf([0.025, 0.975], 4) / 4)
    assert found.size == pytest.approx(scale, rel=1e-6)
    np.testing.assert_allclose(found.interval, expected, rtol=1e-5)


# Trends ---------------------------------------------------------------------------------------------------------


def test_slope_by_hand():
    assert slope(np.array([1.0, 3.0, 5.0])) == 2
    assert slope(np.array([0.0, 0.0, 3.0])) == 1.5
    assert slope(np.full(5, 0.0001)) == slope(np.full(8, 0.9707)) == 0


def test_slope_is_that_of_least_squares():
    values = drawn(7)
    assert slope(values) == pytest.approx(stats.linregress(np.arange(7), values).slope)
