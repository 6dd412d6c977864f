"""Forecasts of the seeds that a claim needs: published numbers, looks one by one, and what cannot be settled."""

import numpy as np
import pytest

from rungwise.evidence.forecast import Forecast, forecast
from rungwise.evidence.looks import looks


@pytest.mark.parametrize(("effect", "seeds", "by_signs"), [(0.8, 16, 22), (1.2, 10, 12), (2.0, 7, 8), (4.0, 5, 8)])
def test_the_median_seeds_are_those_of_an_independent_simulation(effect, seeds, by_signs):
    assert forecast(effect, 1, 0, None).seeds == pytest.approx(seeds, abs=1)
    assert forecast(-effect / 3, 1 / 3, 0, None).seeds == pytest.approx(seeds, abs=1)
    assert forecast(effect, 1, 0, None, median=True).seeds == pytest.approx(by_signs, abs=1)


@pytest.mark.parametrize(
    "question",
    [
        {"low": 0.0, "high": None},
        {"low": 0.0, "high": None, "matters": 1.0, "level_against": 0.0125},
        {"low": -1.5, "high": 1.5},
        {"low": 0.0, "high": None, "median": True},
        {"low": 0.0, "high": None, "step": 1.5},
    ],
)
def test_a_forecast_is_what_looking_one_by_one_finds(question):
    most, studies = 30, 60
    found = forecast(0.6, 1.0, **question, most=most, studies=studies, seed=3)
    values = 0.6 + np.random.default_rng(3).standard_normal((studies, most))
    ends = [looks(row, **question)[-1] for row in values]
    at = sorted(end.n for end in ends if end.verdict != "not distinguishable")
    assert found.probability == pytest.approx(len(at) / studies)
    assert found.seeds == (at[(studies - 1) // 2] if len(at) > (studies - 1) // 2 else None)
    assert found.probability > 0


def test_a_mean_on_a_bound_is_never_settled():
    assert forecast(0.0, 1.0, 0, None) == Forecast(None, 0.0, 200, never=True)
    assert forecast(0.3, 1.0, None, 0.1 + 0.2).never
    assert forecast(0.01, 0.1, -0.01, 0.01, matters=0.01).never
    assert not forecast(0.0, 0.1, 0, None, matters=0.1).never
    assert forecast(0.0, 0.1, 0, None, matters=0.1).seeds < 20


def test_a_number_that_more_than_half_of_the_studies_leave_open_has_no_median():
    found = forecast(0.1, 1.0, 0, None, most=50)
    assert found.seeds is None
    assert 0 < found.probability < 0.5
    assert not found.never


def test_a_pilot_without_scatter_settles_by_the_rules_for_equal_values():
    assert forecast(0.1, 0, 0, None) == Forecast(8, 1.0, 200, never=False)
    assert forecast(0.1, 0, 0, None, step=0.001).seeds == 5
    assert forecast(0.0, 0, 0, None).seeds == 8
    assert forecast(0.2, 0, 0.2, None) == Forecast(None, 0.0, 200, never=True)


def test_a_forecast_is_repeatable():
    first, other = (forecast(0.5, 1, 0, None, most=35, seed=seed) for seed in (0, 1))
    assert forecast(0.5, 1, 0, None, most=35, seed=0) == first
    assert first != other
    assert first.probability == pytest.approx(other.probability, abs=0.1)  # standard errors of .016 each


def test_a_negative_deviation_is_refused():
    with pytest.raises(ValueError, match="0 or more"):
        forecast(0.1, -1, 0, None)
