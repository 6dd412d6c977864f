"""What more seeds would make of an open claim: it goes on from those that there are; hopeless where nothing helps."""

import numpy as np
import pytest

from rungwise.evidence.looks import Question, looks, outcomes, settled_at
from rungwise.evidence.outlook import OpenNumber, hopeless, outlook

ABOVE = Question(0.0, None)


def scaled(mean, sd, n, seed=0):
    """n values with exactly that mean and standard deviation."""
    raw = np.random.default_rng(seed).standard_normal(n)
    return tuple(mean + sd * (raw - raw.mean()) / raw.std(ddof=1))


@pytest.mark.parametrize(("effect", "n"), [(0.5, 4), (0.8, 4), (-0.8, 4)])
def test_with_few_seeds_it_is_about_what_starting_anew_would_give(effect, n):
    found = outlook([OpenNumber(scaled(effect, 1, n), ABOVE)], 200, studies=2000)
    anew = effect + np.random.default_rng(0).standard_normal((1000, 200))
    at = settled_at(outcomes(anew, ABOVE, False))
    assert found.seeds == pytest.approx(np.median(at), rel=0.2)
    assert found.chance(200) == pytest.approx((at <= 200).mean(), abs=0.02)


def test_it_goes_on_from_the_seeds_that_there_are():
    """Each continuation, looked at seed by seed, is settled where the outlook says."""
    values = scaled(0.6, 1, 6)
    found = outlook([OpenNumber(values, ABOVE)], 30, studies=50, seed=3)
    sd = np.linalg.qr(np.reshape(values - np.mean(values), (6, 1)), mode="r").item() / 5**0.5  # of either sign
    later = np.mean(values) + sd * np.random.default_rng(3).standard_normal((50, 24))
    ends = [looks([*values, *row], Question(0.0, None))[-1] for row in later]
    at = sorted(31 if end.verdict == "not distinguishable" else end.n for end in ends)
    assert abs(sd) == pytest.approx(np.std(values, ddof=1))
    assert found.at.tolist() == at
    assert 6 < found.at[0] < found.seeds < 30


def test_later_numbers_have_the_scatter_and_the_correlation_of_those_so_far():
    """Two numbers that are the same are settled at the same seeds as one alone; opposite ones are refuted by one."""
    one = OpenNumber(scaled(0.8, 1, 8), ABOVE)
    alone, twice = outlook([one], 60, studies=800), outlook([one, one], 60, studies=800)
    assert twice.chance(20) == pytest.approx(alone.chance(20), abs=0.08)
    other = OpenNumber(tuple(-value for value in one.values), ABOVE)
    assert outlook([one, other], 60).seeds == pytest.approx(alone.seeds, abs=2)
    independent = [OpenNumber(scaled(0.8, 1, 8, seed), ABOVE) for seed in range(5)]
    assert outlook(independent, 60).seeds > alone.seeds


def test_all_equal_values():
    same = OpenNumber((0.25,) * 5, ABOVE)
    assert outlook([same], 60).seeds == 8  # by signs
    assert (
        outlook([OpenNumber((0.25,) * 5, Question(0.0, None, step=0.25))], 60).seeds
        == looks([0.25] * 60, Question(0.0, None, step=0.25))[-1].n
    )


def test_what_is_hopeless():
    none = OpenNumber(scaled(0.0, 1, 30), ABOVE)
    assert hopeless([OpenNumber(scaled(0.0, 1, 55), ABOVE)], 60)
    assert not hopeless([none], 200)
    assert not hopeless([OpenNumber(scaled(0.0, 1, 4), ABOVE)], 6), "four seeds tell too little"
    assert not hopeless([OpenNumber(scaled(1.0, 1, 12), ABOVE)], 60)
    assert not hopeless([OpenNumber(scaled(-1.0, 1, 12), ABOVE)], 60)
    margin = Question(0.0, None, matters=1.0)
    assert not hopeless([OpenNumber(scaled(0.0, 1, 12), margin)], 60), "it may turn out not to matter"
    on_a_bound = OpenNumber((0.5,) * 6, Question(None, 0.5))
    assert hopeless([on_a_bound], 60)
    region = Question(-1.0, 1.0)
    assert not hopeless([OpenNumber(scaled(0.0, 1, 6), region)], 60)
    assert hopeless([OpenNumber(scaled(0.0, 1, 6), Question(-0.1, 0.1))], 12)
    assert not hopeless([], 60)


def test_it_is_repeatable_and_beyond_its_end_it_says_no_more():
    numbers = [OpenNumber(scaled(0.5, 1, 6), ABOVE)]
    found = outlook(numbers, 40)
    assert (found.at == outlook(numbers, 40).at).all()
    assert found.chance(400) == found.chance(40)


@pytest.mark.parametrize(("count", "most"), [(1, 60), (60, 60)])
def test_what_has_no_outlook(count, most):
    with pytest.raises(ValueError, match="expected numbers with 2 to 59 seeds"):
        outlook([OpenNumber((0.5,) * count, ABOVE)], most)
