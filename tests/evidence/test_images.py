"""Means over seeds and images, against statsmodels, against numbers worked out by hand and against the bootstrap."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from rungwise.evidence.f1 import linear_f1, macro_f1
from rungwise.evidence.images import crossed, linear_ratio, pigeonhole


def answers(n: int, m: int, seed: int = 0) -> np.ndarray:
    """(n, m), bool: images differ in difficulty and seeds in skill."""
    draws = np.random.default_rng(seed)
    return draws.normal(size=(n, m)) + draws.normal(size=m) + 0.3 * draws.normal(size=(n, 1)) > -1


def test_two_seeds_and_three_images_by_hand() -> None:
    """Rows 1 1 0 and 1 0 0: means of seeds 2/3 and 1/3, of images 1, 1/2 and 0, of all 1/2.

    SS_s = 3 (2/36) = 1/6, SS_i = 2 (1/4 + 1/4) = 1, total 6/4: SS_r = 1/3. MS_s = 1/6, MS_i = 1/2, MS_r = 1/6, so that
    Var = (1/6 + 1/3) / 6 = 1/12 and df = (1/2)^2 / ((1/6)^2 / 1 + (1/3)^2 / 2) = 3.
    """
    found = crossed(np.array([[1, 1, 0], [1, 0, 0]]))
    assert found is not None
    assert (found.seeds, found.images, found.residual) == pytest.approx((1 / 6, 1 / 2, 1 / 6))
    assert (found.mean, found.se, found.df) == pytest.approx((1 / 2, math.sqrt(1 / 12), 3))
    half = 3.182446 * math.sqrt(1 / 12)  # t(.975, 3)
    assert found.interval() == pytest.approx((0.5 - half, 0.5 + half), rel=1e-6)


@pytest.mark.parametrize("kind", ["bool", "differences", "real"])
def test_the_mean_squares_are_those_of_statsmodels(kind: str) -> None:
    values = answers(4, 30).astype(float)
    if kind == "differences":
        values -= answers(4, 30, 1)
    if kind == "real":
        values = 1000 + np.random.default_rng(0).normal(size=(4, 30)) / 3
    seeds, images = np.indices(values.shape)
    frame = pd.DataFrame({"value": values.ravel(), "seed": seeds.ravel(), "image": images.ravel()})
    table = anova_lm(ols("value ~ C(seed) + C(image)", frame).fit())
    given = {"bool": values.astype(bool), "differences": values.astype(np.int8), "real": values}[kind]
    found = crossed(given)
    assert found is not None
    assert (found.seeds, found.images, found.residual) == pytest.approx(tuple(table["mean_sq"]), rel=1e-9)


def test_the_type_of_the_values_does_not_matter() -> None:
    values = answers(5, 200)
    assert crossed(values) == crossed(values.astype(np.int8)) == crossed(values.astype(np.float32))


def test_equal_seeds_leave_the_noise_of_the_images() -> None:
    """Every seed has the same images right: MS_s = MS_r = 0, and what is left is the one-sample t-test over images."""
    line = np.random.default_rng(0).random(50) < 0.8
    found = crossed(np.tile(line, (3, 1)))
    assert found is not None
    assert found.seeds == found.residual == 0
    expected = stats.t.interval(0.95, 49, loc=line.mean(), scale=stats.sem(line.astype(float)))
    assert found.interval() == pytest.approx(expected)


def test_equal_images_leave_the_noise_of_the_seeds() -> None:
    """Every image has the same value: MS_i = MS_r = 0, and what is left is the one-sample t-test over seeds."""
    of_seeds = np.array([0.1, 0.3, 0.25, 0.2]) / 3
    found = crossed(np.repeat(of_seeds[:, None], 100, axis=1))
    assert found is not None
    assert found.images == found.residual == 0
    assert found.interval() == pytest.approx(stats.t.interval(0.95, 3, of_seeds.mean(), stats.sem(of_seeds)))


@pytest.mark.parametrize("value", [0.0, 1.0, 1 / 3, 0.1 + 0.2])
def test_equal_values_have_no_interval(value: float) -> None:
    found = crossed(np.full((5, 449), value))
    assert found is not None
    assert found.mean == pytest.approx(value)
    assert (found.se, found.df, found.interval()) == (0, math.inf, None)


def test_seeds_that_tie_by_chance_have_the_noise_of_single_answers() -> None:
    """Rows 1 0 and 0 1: all means are 1/2, MS_s = MS_i = 0 and MS_r = 1, so that se = sqrt(1 / 4), with 1 df."""
    found = crossed(np.eye(2, dtype=bool))
    assert found is not None
    assert (found.seeds, found.images, found.residual) == (0, 0, 1)
    assert (found.mean, found.se, found.df) == (0.5, 0.5, 1)
    assert found.at(math.inf)[0] == 0


def test_one_seed_or_one_image_has_no_analysis() -> None:
    assert crossed(np.zeros((1, 10))) is None
    assert crossed(np.zeros((10, 1))) is None
    with pytest.raises(ValueError, match=r"\(n, m\); got shape \(10,\)"):
        crossed(np.zeros(10))


def test_other_numbers_of_seeds_follow_from_the_components() -> None:
    found = crossed(answers(5, 300))
    assert found is not None
    assert found.at(5) == (found.se, found.df)
    wide, narrow, floor = (found.at(n)[0] for n in (2, 50, math.inf))
    assert wide > found.se > narrow > floor
    # What no number of seeds narrows is the variance of the images' own means over m.
    assert floor == pytest.approx(math.sqrt((found.images - found.residual) / 5 / 300))
    assert found.at(math.inf)[1] == pytest.approx(299)
    with pytest.raises(ValueError, match="at least 2"):
        found.at(1)


def test_what_is_foretold_of_twenty_seeds_is_found_with_twenty() -> None:
    foretold = [crossed(answers(5, 400, seed)).at(20)[0] for seed in range(100)]  # type: ignore[union-attr]
    found = [crossed(answers(20, 400, 1000 + seed)).se for seed in range(100)]  # type: ignore[union-attr]
    assert np.square(foretold).mean() == pytest.approx(np.square(found).mean(), rel=0.1)


# Ratios ----------------------------------------------------------------------------------------------------------


def test_a_precision_by_hand() -> None:
    """Two of three that are predicted so are right, of four images: 2/3 + 4/3 (1 - 2/3), ... and 2/3 where not so."""
    found = linear_ratio(np.array([1, 1, 0, 0]), np.array([1, 1, 1, 0]))
    assert found == pytest.approx([10 / 9, 10 / 9, -2 / 9, 2 / 3])
    assert found.mean() == pytest.approx(2 / 3)


def test_the_linear_part_of_a_ratio_is_its_gradient() -> None:
    draws = np.random.default_rng(0)
    above, below, step = draws.random(20), draws.random(20), np.eye(20)[3] * 1e-6

    def ratio(weights: np.ndarray) -> float:
        return float(above @ weights / (below @ weights))

    slope = (ratio(1 + step) - ratio(1 - step)) / 2e-6
    assert linear_ratio(above, below)[3] == pytest.approx(ratio(np.ones(20)) + 20 * slope, rel=1e-6)


def test_the_recall_of_a_class_has_the_interval_of_its_images_alone() -> None:
    """But for (M - 1) / M of their variance, with M images of the class."""
    given, labelled = answers(5, 600), np.arange(600) < 400
    found, expected = crossed(linear_ratio(given & labelled, np.tile(labelled, (5, 1)))), crossed(given[:, :400])
    assert found is not None
    assert expected is not None
    assert found.mean == pytest.approx(expected.mean)
    assert found.interval() == pytest.approx(expected.interval(), abs=0.005 * expected.se)


def test_a_ratio_to_nothing_is_undefined() -> None:
    assert np.isnan(linear_ratio(np.zeros((2, 3)), np.zeros((2, 3)))).all()


# The pigeonhole bootstrap ----------------------------------------------------------------------------------------


def accuracy(predictions: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.asarray((predictions == labels) @ weights / weights.sum())


def test_of_a_mean_it_agrees_with_the_mean_squares_where_seeds_are_many() -> None:
    labels = np.ones(500, dtype=int)
    given = answers(40, 500).astype(int)
    found, expected = pigeonhole(accuracy, given, labels), crossed(given)
    assert found is not None
    assert expected is not None
    low, high = expected.interval()  # type: ignore[misc]
    assert found == pytest.approx((low, high), abs=0.12 * (high - low))


def test_it_is_repeatable_and_follows_its_seed() -> None:
    labels, given = np.ones(60, dtype=int), answers(4, 60).astype(int)
    first = pigeonhole(accuracy, given, labels, resamples=99)
    assert first == pigeonhole(accuracy, given, labels, resamples=99)
    assert first != pigeonhole(accuracy, given, labels, resamples=99, seed=1)


def test_macro_f1_has_one_interval_by_bootstrap_and_by_its_linear_part() -> None:
    draws = np.random.default_rng(0)
    labels = draws.integers(4, size=800)
    wrong = draws.random(800) < 0.5  # as difficult for all seeds
    guesses = np.where(wrong & (draws.random((30, 800)) < 0.4), draws.integers(4, size=(30, 800)), labels)
    found = pigeonhole(lambda p, y, w: macro_f1(p, y, 4, w), guesses, labels)
    low, high = crossed(linear_f1(guesses, labels, 4)).interval()  # type: ignore[union-attr, misc]
    assert found == pytest.approx((low, high), abs=0.15 * (high - low))


def test_a_difference_is_of_predictions_that_are_stacked() -> None:
    """The same model twice: 0 in every resample."""
    labels, given = np.ones(60, dtype=int), answers(4, 60).astype(int)

    def difference(p: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
        scores = macro_f1(p, y, 2, w)
        return np.asarray(scores[:, 0] - scores[:, 1])

    assert pigeonhole(difference, np.stack([given, given], axis=1), labels, resamples=50) == (0, 0)


def test_one_seed_or_an_undefined_statistic_has_no_interval() -> None:
    labels, given = np.ones(60, dtype=int), answers(4, 60).astype(int)
    assert pigeonhole(accuracy, given[:1], labels) is None
    assert pigeonhole(lambda p, y, w: np.full(len(p), np.nan), given, labels, resamples=9) is None
