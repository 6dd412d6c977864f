"""Medians: binomial sums by hand, scipy's quantile test, coverage, and the seeds that a share takes."""

import math

import numpy as np
import pytest
from scipy import stats

from rungwise.evidence.medians import median_interval, median_p, seeds_needed_median, settles_median, sides
from rungwise.evidence.paired import sign_p


def test_the_interval_by_hand() -> None:
    """At n = 6, 2 / 64 = .031: the ends. At n = 8, 2 / 256 fits and 2 (1 + 8) / 256 = .07 doesn't. At n = 9, it does:
    2 (1 + 9) / 512 = .039."""
    values = [3.0, 1.0, 2.0, 6.0, 5.0, 4.0, 9.0, 8.0, 7.0]
    assert median_interval(values[:6]) == (1, 6)
    assert median_interval(sorted(values)[:8]) == (1, 8)
    assert median_interval(values) == (2, 8)


@pytest.mark.parametrize("n", range(6))
def test_there_is_none_under_six_values(n: int) -> None:
    assert median_interval(np.arange(n)) is None


@pytest.mark.parametrize("n", [6, 7, 11, 20, 40])
def test_the_interval_is_scipys(n: int) -> None:
    values = np.random.default_rng(n).exponential(size=n)
    found = stats.quantile_test(values, q=0.5, p=0.5).confidence_interval(0.95)
    assert median_interval(values) == (found.low, found.high)


@pytest.mark.parametrize("n", [1, 5, 6, 9, 20])
@pytest.mark.parametrize("bound", [0, 1, 2.5])
def test_the_p_is_scipys_with_ties_too(n: int, bound: float) -> None:
    values = np.random.default_rng(n).integers(-2, 4, size=n)
    assert median_p(values, bound) == pytest.approx(min(1, stats.quantile_test(values, q=bound, p=0.5).pvalue))


def test_the_p_is_that_of_the_sign_test_without_ties() -> None:
    values = np.random.default_rng(0).normal(0.5, 1, 13)
    assert median_p(values, 0) == pytest.approx(sign_p(values, 0))
    assert median_p([1.0] * 6, 0) == pytest.approx(2 / 64)
    assert median_p([], 0) is None


def test_values_on_the_bound_speak_for_it() -> None:
    values = [0.0] * 14 + [0.001] * 6
    assert sides(values, 0) == (6, 0)
    assert sign_p(values, 0) == pytest.approx(2 / 64)
    assert median_p(values, 0) == 1
    assert sides([0.1 + 0.2, 0.3, 0.31, 0.2], 0.3) == (1, 1)


def test_the_p_leaves_out_what_the_interval_leaves_out() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        values = rng.integers(-3, 5, size=int(rng.integers(6, 25)))
        low, high = median_interval(values)
        for bound in range(-4, 6):
            assert (median_p(values, bound) <= 0.05) == (not low <= bound <= high)


@pytest.mark.parametrize("n", [6, 9, 20])
def test_it_covers_skewed_values_too(n: int) -> None:
    """At n = 6 it covers 1 - 2 / 64 = .969 of any continuous values; the ends are those of `median_interval`."""
    ranks = np.array(median_interval(np.arange(1, n + 1)), dtype=int) - 1
    values = np.sort(np.random.default_rng(n).exponential(size=(40_000, n)), axis=1)
    covered = ((values[:, ranks[0]] <= math.log(2)) & (math.log(2) <= values[:, ranks[1]])).mean()
    exact = 1 - 2 * sum(math.comb(n, k) for k in range(ranks[0] + 1)) / 2**n
    assert exact >= 0.95
    assert covered == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 40_000))


def test_the_power_by_hand() -> None:
    """Six seeds settle where all six lie on the side; nine where eight do."""
    assert settles_median(0.9, 6) == pytest.approx(0.9**6)
    assert settles_median(0.9, 9) == pytest.approx(0.9**9 + 9 * 0.9**8 * 0.1)
    assert settles_median(1, 5) == 0


def test_the_seeds_needed() -> None:
    assert seeds_needed_median(1) == 6
    assert seeds_needed_median(0.97) == 6  # .97^6 = .833
    assert seeds_needed_median(0.96) == 9  # .96^6 = .783; seven and eight need all too
    assert seeds_needed_median(0.5) is None
    assert seeds_needed_median(0.501) is None
    assert seeds_needed_median(0.9, power=0.99) > seeds_needed_median(0.9)


@pytest.mark.parametrize("share", [0.6, 0.75, 0.9])
def test_the_seeds_needed_reach_the_power_and_one_less_does_not(share: float) -> None:
    """By the test itself, over all counts."""

    def power(n: int) -> float:
        least = int(stats.binom.isf(0.025, n, 0.5)) + 1  # P(more than isf) <= .025
        return float(stats.binom.sf(least - 1, n, share))

    needed = seeds_needed_median(share)
    assert power(needed) >= 0.8
    assert all(power(n) < 0.8 for n in range(2, needed))


def test_a_share_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got 1\.2"):
        seeds_needed_median(1.2)
