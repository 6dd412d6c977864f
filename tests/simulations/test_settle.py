"""Settled claims err no more often than promised, and need as many seeds as the docs say."""

import numpy as np
import pytest
from scipy import stats

from simulations import settle, settle_cost
from simulations.noise import SYMMETRIC, one_collapses


@pytest.fixture(scope="module")
def rows():
    return {row.what: row for row in settle.rates(studies=1000, seed=24)}


def test_false_verdicts_stay_below_the_level(rows):
    promised = [row for row in rows.values() if row.at_most is not None]
    assert len(promised) > 45
    assert [row.what for row in promised if not row.holds()] == []


def near(row, rate):
    return abs(row.rate - rate) < 4 * row.error


def test_the_rates_are_those_of_independent_simulations(rows):
    """Of the reference, 20,000 studies each: naive looking, and what breaks the promise."""
    assert near(rows["a t-test after each seed, normal"], 0.32)
    assert near(rows["normal"], 0.027)
    assert near(rows["skewed: exponential"], 0.12)
    assert near(rows["skewed: lognormal"], 0.22)
    assert near(rows["skewed: one net collapses in 5%"], 0.22)
    assert near(rows["skewed: one net collapses in 10%"], 0.30)


def test_seeds_needed_are_those_of_the_docs():
    rows = {row.what: row.rate for row in settle_cost.rates(studies=500, seed=0)}
    for effect, looking, fixed in ((0.5, 35, 34), (0.8, 16, 15), (1.2, 10, 8), (2, 7, 5), (4, 5, 3)):
        assert rows[f"d = {effect:g}: a fixed design that knows d"] == fixed
        assert rows[f"d = {effect:g}: looking after each seed"] == pytest.approx(looking, rel=0.1)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_symmetric_noise_is_above_0_as_often_as_below(name):
    values = SYMMETRIC[name](np.random.default_rng(0), (10_000,))
    assert stats.binomtest(int((values > 0).sum()), len(values)).pvalue > 1e-4


def test_one_sided_collapses_have_the_mean_0():
    values = one_collapses(0.05)(np.random.default_rng(0), (100_000,))
    assert abs(values.mean()) < 4 * values.std() / 100_000**0.5
