"""The correction for splits of one pool, against numbers worked out by hand and against scipy without it."""

import math

import numpy as np
import pytest
from scipy import stats

from rungwise.evidence import pool, ranges
from rungwise.evidence.decide import Line, line_of_seeds

VALUES = [0.02, 0.05, 0.01, 0.04, 0.03, 0.06, 0.00, 0.03, 0.02, 0.04]
"""Mean .03, sum of squares about it .003, s^2 = .003 / 9."""


def decided(values: list[float], ratio: float) -> Line:
    """What decides in verdicts."""
    found = line_of_seeds(values, ratio=ratio)
    assert found is not None
    return found


def test_ten_splits_in_nine_to_one_by_hand() -> None:
    """The factor is 1/10 + 1/9 = 19/90, as for ten-fold cross-validation: se = sqrt(.003 / 9 x 19 / 90) = .0083887."""
    share = pool.ratio(100, 900)
    assert share == pytest.approx(1 / 9)
    assert pool.factor(10, share) == pytest.approx(19 / 90)
    half = 2.262157 * 0.0083887  # t(.975, 9)
    found = decided(VALUES, share)
    assert found.interval == pytest.approx((0.03 - half, 0.03 + half), rel=1e-4)
    assert found.p(0.0) == pytest.approx(2 * stats.t.sf(0.03 / 0.0083887, 9), rel=1e-4)


def test_without_a_ratio_it_is_the_plain_test() -> None:
    expected, found = stats.ttest_1samp(VALUES, 0.02), decided(VALUES, 0.0)
    assert found.p(0.02) == pytest.approx(expected.pvalue)
    assert found.interval == pytest.approx(tuple(expected.confidence_interval(0.95)))
    lower = stats.ttest_1samp(VALUES, 0.025, alternative="greater").pvalue
    assert found.p(0.025) / 2 == pytest.approx(lower), "one of two one-sided tests"


def test_p_and_interval_agree() -> None:
    found = decided(VALUES, 1 / 3)
    assert found.interval is not None
    assert [found.p(end) for end in found.interval] == pytest.approx([0.05, 0.05])
    assert found.interval == pytest.approx(ranges.interval(VALUES, "plain", factor=pool.factor(10, 1 / 3)))


def test_no_number_of_seeds_gets_below_the_floor() -> None:
    values = np.resize([0.4, 0.6], 100_000).tolist()
    found = decided(values, 1 / 3)
    assert found.interval is not None
    half = (found.interval[1] - found.interval[0]) / 2
    assert half == pytest.approx(1.959964 * 0.1 / math.sqrt(3), rel=1e-4)


@pytest.mark.parametrize("values", [[], [0.5], [0.5] * 6])
def test_no_scatter_no_test(values: list[float]) -> None:
    assert line_of_seeds(values, ratio=1 / 3) is None


def test_a_split_without_images_is_refused() -> None:
    with pytest.raises(ValueError, match="images in both parts; got 10 to test and 0 to train"):
        pool.ratio(10, 0)
