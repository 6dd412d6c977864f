"""The correction for splits of one pool, against numbers worked out by hand and against scipy without it."""

import math

import numpy as np
import pytest
from scipy import stats

from rungwise.evidence import pool, ranges

VALUES = [0.02, 0.05, 0.01, 0.04, 0.03, 0.06, 0.00, 0.03, 0.02, 0.04]
"""Mean .03, sum of squares about it .003, s^2 = .003 / 9."""


def test_ten_splits_in_nine_to_one_by_hand() -> None:
    """The factor is 1/10 + 1/9 = 19/90, as for ten-fold cross-validation: se = sqrt(.003 / 9 x 19 / 90) = .0083887."""
    share = pool.ratio(100, 900)
    assert share == pytest.approx(1 / 9)
    assert pool.factor(10, share) == pytest.approx(19 / 90)
    half = 2.262157 * 0.0083887  # t(.975, 9)
    assert pool.interval(VALUES, share) == pytest.approx((0.03 - half, 0.03 + half), rel=1e-4)
    assert pool.t_p(VALUES, 0.0, share) == pytest.approx(2 * stats.t.sf(0.03 / 0.0083887, 9), rel=1e-4)


def test_without_a_ratio_it_is_the_plain_test() -> None:
    expected = stats.ttest_1samp(VALUES, 0.02)
    assert pool.t_p(VALUES, 0.02, 0.0) == pytest.approx(expected.pvalue)
    assert pool.interval(VALUES, 0.0) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    upper = stats.ttest_1samp(VALUES, 0.1, alternative="less").pvalue
    lower = stats.ttest_1samp(VALUES, 0.025, alternative="greater").pvalue
    assert pool.tost_p(VALUES, 0.025, 0.1, 0.0) == pytest.approx(max(upper, lower))


def test_p_and_interval_agree() -> None:
    low, high = pool.interval(VALUES, 1 / 3)  # type: ignore[misc]
    assert pool.t_p(VALUES, low, 1 / 3) == pytest.approx(0.05)
    assert pool.t_p(VALUES, high, 1 / 3) == pytest.approx(0.05)
    # Equivalent at 2.5% each exactly where the 95% interval lies within the margin.
    assert pool.tost_p(VALUES, low, 1, 1 / 3) == pytest.approx(0.025)
    assert pool.tost_p(VALUES, -1, high, 1 / 3) == pytest.approx(0.025)


def test_on_the_plain_scale_it_is_the_interval_of_ranges() -> None:
    assert pool.interval(VALUES, 1 / 3) == pytest.approx(
        ranges.interval(VALUES, "plain", factor=pool.factor(10, 1 / 3))
    )


def test_no_number_of_seeds_gets_below_the_floor() -> None:
    values = np.resize([0.4, 0.6], 100_000)
    low, high = pool.interval(values.tolist(), 1 / 3)  # type: ignore[misc]
    assert pool.floor(0.1, 1 / 3) == pytest.approx(1.959964 * 0.1 / math.sqrt(3), rel=1e-6)
    assert (high - low) / 2 == pytest.approx(pool.floor(0.1, 1 / 3), rel=1e-4)


@pytest.mark.parametrize("values", [[], [0.5], [0.5] * 6])
def test_no_scatter_no_interval_and_no_p(values: list[float]) -> None:
    assert pool.interval(values, 1 / 3) is None
    assert pool.t_p(values, 0, 1 / 3) is None
    assert pool.tost_p(values, 0, 1, 1 / 3) is None


def test_a_split_without_images_is_refused() -> None:
    with pytest.raises(ValueError, match="images in both parts; got 10 to test and 0 to train"):
        pool.ratio(10, 0)
