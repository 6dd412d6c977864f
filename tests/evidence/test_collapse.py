"""Collapsed seeds: a rule checked against scipy's prediction interval, ties, and its summary."""

import math

import numpy as np
import pytest
from scipy import stats

from rungwise.evidence.collapse import ALARMS, Collapses, collapses, fallen, far


def by_seed(*values: float) -> dict[int, float]:
    return dict(enumerate(values))


@pytest.mark.parametrize("n", [4, 5, 9, 20])
def test_the_bound_is_that_of_a_prediction_interval(n: int) -> None:
    """A two-sample t-test of one value against n - 1 has p = .005 / n exactly where the rule begins to call it far."""
    others = np.random.default_rng(n).normal(size=n - 1)

    def p(value: float) -> float:
        return float(stats.ttest_ind([value], others, alternative="less").pvalue)

    low = others.mean() - stats.t.isf(ALARMS / n, n - 2) * others.std(ddof=1) * math.sqrt(n / (n - 1))
    assert p(low) == pytest.approx(ALARMS / n)
    assert far(by_seed(low - 1e-6, *others), "higher") == (0,)
    assert far(by_seed(low + 1e-6, *others), "higher") == ()


def test_only_the_worse_side_counts() -> None:
    values = {3: 0.98, 4: 0.9970, 5: 0.9973, 6: 0.9972, 8: 0.9969}
    assert far(values, "higher") == (3,)
    assert far(values, "lower") == ()
    assert far({seed: -value for seed, value in values.items()}, "lower") == (3,)
    assert far(values, None) == (3,)
    assert far({seed: -value for seed, value in values.items()}, None) == (3,)


def test_two_do_not_hide_each_other() -> None:
    rest = 0.997 + 0.001 * np.random.default_rng(1).normal(size=8)
    assert far(by_seed(0.977, *rest, 0.962), "higher") == (0, 9)


def test_half_of_the_seeds_are_not_far() -> None:
    assert far(by_seed(0.9, 0.9001, 0.9002, 0.99, 0.9901, 0.9902), "higher") == ()


def test_fewer_than_four_cannot_tell() -> None:
    assert far(by_seed(0.1, 0.997, 0.9971), "higher") == ()
    assert far({}, "higher") == ()


def test_one_image_among_equal_values_is_not_far() -> None:
    assert far(by_seed(*[1.0] * 9, 1 - 1 / 449), "higher") == ()
    assert far(by_seed(*[1.0] * 9, 1 - 1 / 449), "higher", unit=1 / 449) == ()
    assert far(by_seed(*[1.0] * 9, 1 - 3 / 449, 1 - 1 / 449), "higher") == ()


def test_a_known_step_tells_a_fall_from_equal_values() -> None:
    values = by_seed(0.997, 0.997, 0.997, 0.997, 0.977)
    assert far(values, "higher") == ()
    assert far(values, "higher", unit=1e-4) == (4,)


def test_dust_of_floating_point_is_no_scatter() -> None:
    tenth = 0.1 + 0.2
    assert far(by_seed(0.3, tenth, 0.3, tenth, 0.3, 0.2999), "higher") == ()
    assert far(by_seed(*[0.3] * 6), None) == ()


def test_values_that_tie_are_far_together_or_not_at_all() -> None:
    """Among many seeds the bound is near enough for the least of equal values to pass it."""
    rest = 0.01 * np.random.default_rng(0).normal(size=190)
    values = np.concatenate([np.full(10, -0.2), rest])
    assert int(fallen(values, ALARMS)) in (0, 10)
    assert far(dict(enumerate(values)), "higher") in ((), tuple(range(10)))


def test_scale_and_shift_change_nothing() -> None:
    values = np.random.default_rng(2).standard_t(2, size=(300, 8))
    assert np.array_equal(fallen(values, 0.05), fallen(0.003 * values - 0.5, 0.05))
    assert 20 < (fallen(values, 0.05) > 0).sum() < 280


def test_the_summary() -> None:
    found = collapses({0: 0.997, 1: 0.96, 2: 0.9974, 3: 0.9971, 4: 0.9968}, "higher")
    assert found == Collapses(n=5, median=0.997, far=(1,), share=0.2, others=(0.9968, 0.9974))
    assert collapses({}, "higher") is None
    assert collapses({4: 0.5}, "higher") == Collapses(n=1, median=0.5, far=(), share=0, others=(0.5, 0.5))


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        far(by_seed(0.1, 0.2, 0.3, math.nan), "higher")
