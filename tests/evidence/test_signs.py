"""The bet on signs: by enumeration of all sequences, by the bets themselves, and by inversion."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from rungwise.evidence.signs import earliest_signs, enough, log_signs, median_interval, sides, signs_e


def sequences(signs, n):
    return np.array(list(itertools.product(signs, repeat=n)), dtype=float)


def e_of(rows):
    return np.exp(log_signs(*sides(rows, 0.0)))


def test_the_mean_over_all_sequences_of_signs_is_1_at_every_look():
    e = e_of(sequences((-1, 1), 8))
    np.testing.assert_allclose(e.mean(axis=0), 1.0, rtol=1e-12)


def test_the_bet_is_fair_after_any_past():
    """A martingale: the mean over the two next signs is what there is."""
    past = sequences((-1, 1), 7)
    now = e_of(past)[:, -1]
    after = [e_of(np.column_stack([past, np.full(len(past), sign)]))[:, -1] for sign in (-1, 1)]
    np.testing.assert_allclose(np.mean(after, axis=0), now, rtol=1e-12)


@pytest.mark.parametrize(
    ("below", "equal", "above"), [(0.3, 0.4, 0.3), (0.0, 0.6, 0.4), (0.0, 0.5, 0.5), (0.5, 0.1, 0.4)]
)
def test_with_values_on_the_median_the_mean_is_at_most_1(below, equal, above):
    rows = sequences((-1, 0, 1), 7)
    chances = np.select([rows < 0, rows == 0], [below, equal], above).prod(axis=1)
    assert chances.sum() == pytest.approx(1)
    assert (chances @ e_of(rows) <= 1 + 1e-12).all()


def test_a_value_on_the_bound_counts_for_the_side_that_says_least():
    rows = sequences((-1, 0, 1), 6)
    for row in rows:
        filled = [[sign] if sign else [-1, 1] for sign in row]
        least = min(signs_e(signs, 0.0) for signs in itertools.product(*filled))
        assert signs_e(row, 0.0) == pytest.approx(least)


@pytest.mark.parametrize("signs", [[1] * 8, [1, -1, 1, 1], [-1] * 5 + [1] * 2, [1, 1, -1, 1, 1, 1, -1, 1, 1, 1, 1]])
def test_it_is_the_mean_over_both_directions_and_a_fine_grid_of_bets(signs):
    bets = (np.arange(20_000) + 0.5)[:, None] / 20_000
    won = [np.prod(1 + direction * bets * np.array(signs), axis=1).mean() for direction in (1, -1)]
    assert signs_e(signs, 0.0) == pytest.approx(np.mean(won), rel=1e-6)


def test_eight_equal_signs_are_the_earliest_stop():
    assert signs_e([3.0] * 8, 1.0) == pytest.approx(256 / 9)
    assert signs_e([3.0] * 7, 1.0) == pytest.approx(16)
    assert signs_e([], 1.0) == 1
    assert earliest_signs(0.05) == 8
    assert earliest_signs(0.05 / 4) == 10  # 2^9 / 10 = 51, 2^10 / 11 = 93; 80 is asked for
    assert signs_e([1.0] * 2000, 0.0) > 1e300  # no overflow


def test_enough_is_the_least_number_of_signs_that_rejects():
    for n, needed in enumerate(enough(0.05, 40), start=1):
        e = [signs_e([1.0] * m + [-1.0] * (n - m), 0.0) for m in range((n + 1) // 2, n + 1)]
        rejecting = [m for m, value in zip(range((n + 1) // 2, n + 1), e, strict=True) if value >= 20]
        assert needed == min(rejecting, default=n + 1)


@pytest.mark.parametrize("decimals", [0, 1, 5])
@pytest.mark.parametrize("n", [8, 15, 40])
def test_the_interval_is_what_the_bet_does_not_reject(n, decimals):
    values = np.round(np.random.default_rng(n).normal(size=n), decimals)
    low, high = median_interval(values, 0.05)
    places = np.unique(values)
    candidates = np.concatenate([places, (places[1:] + places[:-1]) / 2, [places[0] - 1, places[-1] + 1]])
    for place in candidates:
        assert (signs_e(values, place) < 20) == (low <= place <= high), place


def test_there_is_no_interval_before_the_earliest_stop():
    assert median_interval(np.arange(7.0), 0.05) is None
    assert median_interval([], 0.05) is None
    assert median_interval(np.arange(8.0), 0.05) == (0.0, 7.0)


def test_the_interval_covers_the_median_of_skewed_noise_at_all_looks_at_once():
    values = np.random.default_rng(0).exponential(size=(4000, 60)) - math.log(2)
    e = np.exp(log_signs(*sides(values, 0.0)))
    missed = (e.max(axis=1) >= 20).mean()
    assert stats.binom.sf(int(missed * 4000), 4000, 0.05) > 0.01
    assert missed > 0.01


def test_a_level_lies_between_0_and_1():
    with pytest.raises(ValueError, match="expected a level"):
        median_interval([1.0] * 9, 0.0)
