"""Looks at a number of a claim: against the intervals that decide them, and by hand."""

import numpy as np
import pytest

from rungwise.evidence.anytime import e_value, interval
from rungwise.evidence.looks import Look, Question, looks, tied
from rungwise.evidence.signs import median_interval, signs_e

NOISE = np.random.default_rng(24).standard_normal(100)


def last(values, low=None, high=None, **more) -> Look:
    return looks(values, Question(low, high, **more))[-1]


def test_the_first_look_is_at_three_values_and_the_last_one_settles():
    values = 1.5 + NOISE[:40]
    seen = looks(values, Question(0, None))
    assert [look.n for look in seen] == list(range(3, seen[-1].n + 1))
    assert {look.verdict for look in seen[:-1]} == {"not distinguishable"}
    assert seen[-1].verdict == "supported"
    assert looks(values[:2], Question(0, None)) == looks([], Question(0, None)) == []


@pytest.mark.parametrize("case", range(20))
def test_the_verdict_follows_from_the_interval(case):
    random = np.random.default_rng(case)
    values = random.normal(random.normal(), 1, size=40)
    for look in looks(values, Question(0.2, None, level=0.05, level_against=0.01)):
        prefix = values[: look.n]
        assert look.interval == (interval(prefix, 0.05) if look.n >= 5 else None)
        assert look.e == pytest.approx(e_value(prefix, 0.2))
        assert look.estimate == pytest.approx(prefix.mean())
        against = interval(prefix, 0.01)
        supported = look.interval is not None and look.interval[0] > 0.2
        refuted = against is not None and against[1] < 0.2
        expected = "supported" if supported else "refuted" if refuted else "not distinguishable"
        assert look.verdict == expected
        assert (look.e > 20) == (look.interval is not None and not look.interval[0] <= 0.2 <= look.interval[1])


@pytest.mark.parametrize("case", range(10))
@pytest.mark.parametrize("decimals", [1, 9])
def test_a_look_knows_its_own_prefix_alone(case, decimals):
    """In which order machines finish plays no part, and what comes after a verdict changes none."""
    random = np.random.default_rng(case)
    values = np.round(random.normal(0.3, 1, size=30), decimals)
    whole = looks(values, Question(0, None, matters=0.5))
    for n in range(31):
        assert looks(values[:n], Question(0, None, matters=0.5)) == whole[: max(n - 2, 0)]
    assert looks([*values[: whole[-1].n], -1e9, 1e9], Question(0, None, matters=0.5))[: len(whole)] == whole


@pytest.mark.parametrize("median", [False, True])
def test_turning_all_round_turns_the_claim_round(median):
    values = 1.2 + NOISE
    below = looks(-values, Question(None, -0.2, median=median))
    above = looks(values, Question(0.2, None, median=median))
    assert [(look.n, look.verdict) for look in below] == [(look.n, look.verdict) for look in above]
    assert below[-1].e == pytest.approx(above[-1].e)
    assert last(values, None, 0.2, median=median).verdict == "refuted"


def test_to_refute_takes_the_level_against():
    values = NOISE - 1.2
    alone, among_four = last(values, 0), last(values, 0, level_against=0.05 / 4)
    assert alone.verdict == among_four.verdict == "refuted"
    assert alone.n < among_four.n
    assert alone.e >= 20
    assert among_four.e >= 80


def test_a_region_with_two_bounds_must_hold_the_whole_interval():
    values = NOISE
    equal = last(values, -1, 1)
    assert equal.verdict == "supported"
    assert -1 < equal.interval[0] < equal.interval[1] < 1
    each = [e_value(values[: equal.n], bound) for bound in (-1, 1)]
    assert equal.e == pytest.approx(min(each))
    assert equal.e >= 20
    assert last(values + 2, -1, 1).verdict == "refuted"
    assert last(values + 1, -1, 1).verdict == "not distinguishable"


def test_a_difference_smaller_than_what_matters_is_not_support():
    values = 0.1 + 0.1 * NOISE
    assert last(values, 0).verdict == "supported"
    assert last(values, 0, matters=0.5).verdict == "not supported"
    # At the level against: any of a claim's numbers could end it so.
    assert last(values, 0, matters=0.5, level_against=0.001).n > last(values, 0, matters=0.5).n


def test_no_difference_at_all_is_not_support_after_as_many_seeds_as_signs_need():
    for step in (0.0, 0.001):
        seen = looks([0.0] * 20, Question(0, None, step=step))
        assert [look.verdict for look in seen] == ["not distinguishable"] * 5 + ["not supported"]
        assert seen[-1].n == 8
    assert looks([0.0] * 7 + [0.1], Question(0, None))[-1].verdict == "not distinguishable"
    assert last([0.0] * 20, 0, level_against=0.05 / 4).n == 10


def test_no_difference_at_all_supports_that_models_are_equal():
    known = last([0.0] * 20, -0.01, 0.01, step=0.001)
    assert (known.n, known.verdict) == (5, "supported")
    unknown = last([0.0] * 20, -0.01, 0.01)
    assert (unknown.n, unknown.verdict, unknown.interval) == (8, "supported", (0.0, 0.0))


def test_equal_values_settle_once_the_resolution_or_the_signs_allow_it():
    assert (last([1.0] * 20, 0.5).n, last([1.0] * 20, 0.5).signs) == (8, True)
    assert (last([1.0] * 20, 0.5, step=0.01).n, last([1.0] * 20, 0.5, step=0.01).signs) == (5, False)
    # One image more in each of five seeds could be chance: either accuracy may vary by half an image.
    assert last([1.0] * 5, 0, step=1).verdict == "not distinguishable"
    assert last([1.0] * 20, 0, step=1).n == 9


def test_ties_without_a_known_resolution_leave_it_to_the_signs():
    values = [1.0, 1.1, 1.2, 1.3, 1.1, 1.4, 1.5]
    seen = looks(values, Question(1.0, None))
    assert [look.signs for look in seen] == [False, False, True, True, True]
    assert seen[2].e == pytest.approx(signs_e(values[:5], 1.0))
    assert not any(look.signs for look in looks(values, Question(1.0, None, step=0.1)))


def test_equal_on_paper_is_a_tie():
    assert tied(np.array([0.9514 - 0.9504, 0.5, 0.9544 - 0.9534])).tolist() == [False, False, True]
    assert not tied(np.array([0.001, 0.5, 0.0010001])).any()


def test_a_median_is_judged_by_signs():
    values = np.exp(1 + NOISE)
    seen = looks(values, Question(1, None, median=True))
    end = seen[-1]
    assert end.verdict == "supported"
    assert end.interval == median_interval(values[: end.n], 0.05)
    assert end.estimate == np.median(values[: end.n])
    assert end.interval[0] > 1
    assert all(look.signs for look in seen)
    assert end.e == pytest.approx(signs_e(values[: end.n], 1))
    assert end.e >= 20


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(ValueError, match="got neither"):
        looks([1, 2, 3], Question(None, None))
    with pytest.raises(ValueError, match="low bound below"):
        looks([1, 2, 3], Question(1, 1))
    with pytest.raises(ValueError, match="finite values; got nan"):
        looks([1, float("nan"), 3], Question(0, None))
    with pytest.raises(ValueError, match="expected a level"):
        looks([1, 2, 3], Question(0, None, level=1.5))
