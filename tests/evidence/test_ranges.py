"""Intervals inside the range, against scipy and against numbers worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rungwise.evidence.ranges import Scale, around, binomial, derivative, from_line, inside, interval, to_line


@pytest.mark.parametrize(("scale", "most"), [("plain", 1.0), ("share", 1.0), ("share", 50.0), ("positive", 1.0)])
def test_the_line_and_back_and_its_derivative(scale: Scale, most: float) -> None:
    for value in (0.01, 0.3, 0.5, 0.999):
        place = to_line(scale, most * value, most)
        assert from_line(scale, place, most) == pytest.approx(most * value)
        rise = to_line(scale, most * value + 1e-6, most) - to_line(scale, most * value - 1e-6, most)
        assert derivative(scale, most * value, most) == pytest.approx(rise / 2e-6, rel=1e-4)


def test_edges_are_infinitely_far_and_what_lies_outside_has_no_place() -> None:
    assert [to_line("share", edge) for edge in (0.0, 1.0)] == [-math.inf, math.inf]
    assert to_line("positive", 0.0) == -math.inf
    assert math.isnan(to_line("share", 1.1))
    assert math.isnan(to_line("positive", -0.1))


def test_two_accuracies_by_hand() -> None:
    """.9 and .96: mean .93, s / sqrt(2) = .03, t(.975, 1) = 12.7062, logit(.93) = 2.586689.

    Half-width 12.7062 x .03 / (.93 x .07) = 5.855392: from expit(-3.268703) to expit(8.442081). Plain: up to 1.31.
    """
    found = interval([0.90, 0.96], "share")
    assert found == pytest.approx((0.0366606, 0.9997844), rel=1e-5)
    assert interval([0.90, 0.96], "plain") == pytest.approx((0.93 - 0.381186, 0.93 + 0.381186), abs=1e-6)


def test_three_times_by_hand() -> None:
    """2, 3 and 4 s: mean 3, se 1 / sqrt(3), t(.975, 2) = 4.302653: 3 times or over exp(4.302653 / sqrt(3) / 3)."""
    ratio = math.exp(4.302653 / math.sqrt(3) / 3)
    assert interval([2, 3, 4], "positive") == pytest.approx((3 / ratio, 3 * ratio), rel=1e-6)


def test_a_count_with_a_maximum_is_a_share_of_it() -> None:
    of_ten, of_one = interval([7, 9, 8], "share", most=10), interval([0.7, 0.9, 0.8], "share")
    assert of_ten is not None
    assert of_one is not None
    assert of_ten == pytest.approx(tuple(10 * end for end in of_one))


def test_the_plain_scale_is_students() -> None:
    values = np.random.default_rng(0).normal(size=7)
    assert interval(values.tolist(), "plain") == pytest.approx(
        stats.t.interval(0.95, 6, values.mean(), stats.sem(values))
    )


def test_a_factor_widens_by_its_root() -> None:
    """1/5 + 1/4 instead of 1/5: the half-width grows by sqrt(9/4) = 1.5."""
    values = [0.1, 0.4, 0.3, 0.5, 0.2]
    narrow, wide = interval(values, "plain"), interval(values, "plain", factor=1 / 5 + 1 / 4)
    assert narrow is not None
    assert wide is not None
    assert wide[1] - wide[0] == pytest.approx(1.5 * (narrow[1] - narrow[0]))


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.5], [0.0, 0.0], [1.0, 1.0], []])
def test_no_scatter_no_interval(values: list[float]) -> None:
    assert interval(values, "share") is None


def test_a_value_outside_the_range_gets_the_plain_interval() -> None:
    values = [0.9, 1.01, 0.95]
    assert not inside("share", values)
    assert interval(values, "share") == interval(values, "plain")
    assert not inside("positive", [-0.1, 1])
    assert interval([-0.1, 1], "positive") == interval([-0.1, 1], "plain")
    assert inside("share", [0.0, 1.0])
    assert inside("share", [10.0], most=10)
    assert inside("plain", values)


def test_a_mean_on_the_edge_or_without_noise_has_no_interval() -> None:
    assert around(1.0, 0.1, 4, "share") is None
    assert around(0.0, 0.1, 4, "positive") is None
    assert around(0.5, 0.0, 4, "share") is None
    assert around(0.0, 0.1, 4, "plain") is not None


@given(st.lists(st.integers(0, 10_000).map(lambda right: right / 10_000), min_size=2, max_size=6))
def test_every_interval_holds_its_mean_and_stays_inside(values: list[float]) -> None:
    found = interval(values, "share")
    if found is not None:
        assert 0 <= found[0] <= np.mean(values) + 1e-9
        assert np.mean(values) - 1e-9 <= found[1] <= 1


@given(st.lists(st.just(0.0) | st.floats(1e-9, 1e6), min_size=2, max_size=6))
def test_positive_intervals_stay_above_0(values: list[float]) -> None:
    found = interval(values, "positive")
    assert found is None or 0 < found[0] < found[1]


# Shares that are counts ------------------------------------------------------------------------------------------


def exact(count: int, trials: int) -> tuple[float, float]:
    found = stats.binomtest(count, trials).proportion_ci(0.95, method="exact")
    return found.low, found.high


@pytest.mark.parametrize(("count", "trials"), [(0, 10), (10, 10), (7, 10), (446, 449)])
def test_one_seed_is_clopper_and_pearson(count: int, trials: int) -> None:
    assert binomial([count], [trials]) == pytest.approx(exact(count, trials), rel=1e-10)


def test_fifty_of_fifty_by_hand() -> None:
    """n* = 50 (2.009575 / 2.776445)^2 = 26.1941, and the lower end is .025^(1 / n*)."""
    effective = 50 * (2.009575 / 2.776445) ** 2
    assert binomial([10] * 5, [10] * 5) == pytest.approx((0.025 ** (1 / effective), 1.0), rel=1e-6)
    low, high = binomial([0] * 5, [10] * 5)
    assert (low, high) == (0, pytest.approx(1 - 0.025 ** (1 / effective), rel=1e-6))


def test_scattered_seeds_by_hand() -> None:
    """4, 8, 10, 10 and 8 of 10: p = .8, s^2 = 6 / 100, var = .06 / 5 = .012, p (1 - p) / var = 13.3333.

    n* = 13.3333 x .523885 = 6.98513; the ends are those of the beta quantiles with 5.58811 of it.
    """
    effective = 13.33333 * (2.009575 / 2.776445) ** 2
    x = 0.8 * effective
    expected = stats.beta.ppf(0.025, x, effective - x + 1), stats.beta.ppf(0.975, x + 1, effective - x)
    assert binomial([4, 8, 10, 10, 8], [10] * 5) == pytest.approx(expected, rel=1e-5)


def test_seeds_that_agree_by_chance_give_no_more_than_all_trials() -> None:
    assert binomial([5, 5, 5, 5, 6], [10] * 5) == pytest.approx(exact(26, 50))


def test_equal_shares_of_unequal_clusters_do_not_scatter() -> None:
    effective = 60 * (stats.t.ppf(0.975, 59) / stats.t.ppf(0.975, 2)) ** 2
    expected = stats.beta.ppf(0.025, effective / 3, 2 * effective / 3 + 1)
    assert binomial([3, 7, 10], [9, 21, 30])[0] == pytest.approx(expected, rel=1e-9)


def test_a_share_and_its_rest_mirror_each_other() -> None:
    low, high = binomial([3, 5, 9], [10, 12, 11])
    assert binomial([7, 7, 2], [10, 12, 11]) == pytest.approx((1 - high, 1 - low))


def test_a_higher_level_is_wider() -> None:
    low, high = binomial([3, 5, 9], [10, 12, 11])
    lower, higher = binomial([3, 5, 9], [10, 12, 11], level=0.99)
    assert lower < low < high < higher


@pytest.mark.parametrize(("counts", "trials"), [([], []), ([1], [0]), ([3], [2]), ([-1], [2]), ([1, 2], [3])])
def test_counts_that_do_not_fit_are_refused(counts: list[int], trials: list[int]) -> None:
    with pytest.raises(ValueError, match="a count from 0"):
        binomial(counts, trials)
