"""Means and intervals, against scipy and against numbers worked out by hand."""

import json
import math

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from rungwise.evidence.estimate import Estimate, estimate, paired_difference


def test_three_values_by_hand():
    """Mean 3, s = 1 and t(.975, 2) = 4.302653: 3 ± 4.302653 / sqrt(3)."""
    found = estimate([2, 3, 4])
    assert (found.n, found.mean, found.values) == (3, 3.0, (2.0, 3.0, 4.0))
    assert found.interval == pytest.approx((3 - 2.484138, 3 + 2.484138), abs=1e-6)


def test_two_values_by_hand():
    """s = |a - b| / sqrt(2), so that the half-width is t(.975, 1) |a - b| / 2, and t(.975, 1) is tan(.475 pi)."""
    found = estimate([0.90, 0.94])
    half = math.tan(0.475 * math.pi) * 0.02
    assert found.interval == pytest.approx((0.92 - half, 0.92 + half), rel=1e-9)


@pytest.mark.parametrize("n", [2, 3, 5, 10, 40])
def test_interval_is_scipys(n):
    values = np.random.default_rng(n).normal(0.9, 0.01, n)
    expected = stats.t.interval(0.95, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert estimate(values).interval == pytest.approx(expected, rel=1e-12)
    test = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert estimate(values).interval == pytest.approx((test.low, test.high), rel=1e-12)


def test_it_covers_the_mean_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(1, 2, (2000, 4))
    covered = np.mean([low <= 1 <= high for low, high in (estimate(row).interval for row in draws)])
    assert covered == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 2000))


def test_one_value_has_no_interval():
    found = estimate([0.95])
    assert (found.mean, found.n) == (0.95, 1)
    assert found.interval is None
    assert json.loads(found.model_dump_json())["interval"] is None


def test_no_value_has_no_estimate():
    assert estimate([]) is None
    assert estimate(iter(())) is None


def test_equal_values_have_no_interval():
    """They say nothing of the noise; one of no width would claim too much."""
    assert estimate([0.5, 0.5, 0.5]).interval is None


def test_json_tells_n_mean_and_interval_and_is_read_back():
    found = estimate([1, 2, 4])
    told = json.loads(found.model_dump_json())
    assert set(told) == {"values", "n", "mean", "interval"}
    assert told["n"] == 3
    assert told["interval"] == list(found.interval)
    assert Estimate.model_validate(told) == found
    with pytest.raises(ValidationError):
        found.values = (1.0,)


def test_differences_are_paired_by_seed():
    found = paired_difference({2: 0.95, 0: 0.91, 1: 0.93}, {0: 0.90, 1: 0.90, 2: 0.93})
    np.testing.assert_allclose(found.values, [0.01, 0.03, 0.02])
    a, b = np.array([0.91, 0.93, 0.95]), np.array([0.90, 0.90, 0.93])
    test = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert found.interval == pytest.approx((test.low, test.high), rel=1e-9)


def test_only_seeds_that_both_have_are_paired():
    found = paired_difference({0: 1.0, 3: 5.0}, {3: 4.0, 1: 9.0})
    assert found.values == (1.0,)
    assert found.interval is None
    assert paired_difference({0: 1.0}, {1: 1.0}) is None
    assert paired_difference({}, {}) is None
