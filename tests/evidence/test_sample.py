"""Which test decides about a number, by how its values came about: each against a value by hand or an oracle."""

import math

import numpy as np
import pytest
from scipy import stats

from rungwise.evidence.decide import Count, Exact, Line, Median, Signs
from rungwise.evidence.images import crossed
from rungwise.evidence.sample import Sample, new_images
from rungwise.evidence.verdict import judge_numbers

VALUES = (0.97, 0.98, 0.96, 0.99, 0.975)


def number(*values, **more):
    return judge_numbers([Sample("x", values, **more)])[0]


def test_a_share_is_tested_on_the_logit_scale():
    sample = Sample("accuracy", VALUES, low=0.95, scale="share")
    assert isinstance(sample.test, Line)
    mean, se = np.mean(VALUES), stats.sem(VALUES)
    t = (stats.logistic.ppf(mean) - stats.logistic.ppf(0.95)) / (se / (mean * (1 - mean)))
    assert sample.test.p(0.95) == pytest.approx(2 * stats.t.sf(t, 4))
    middle, half = stats.logistic.ppf(mean), stats.t.ppf(0.975, 4) * se / (mean * (1 - mean))
    assert sample.test.interval == pytest.approx((stats.logistic.cdf(middle - half), stats.logistic.cdf(middle + half)))


def test_p_and_interval_agree_in_every_test():
    """p is .05 at the ends of the interval, less outside and more inside."""
    rng = np.random.default_rng(1)
    answers = crossed(rng.random((5, 60)) < rng.uniform(0.5, 1, 60))
    samples = [
        Sample("plain", VALUES, low=0.9),
        Sample("share", VALUES, low=0.9, scale="share"),
        Sample("positive", VALUES, low=0.9, scale="positive"),
        Sample("pool", VALUES, low=0.9, scale="share", ratio=1 / 3),
        Sample("new", VALUES, low=0.9, scale="share", crossed=answers, holds_for="new images"),
        Sample("count", (0.9, 0.8, 1.0), low=0.5, scale="share", trials=10, counted=True),
    ]
    for sample in samples:
        for end, outward in zip(sample.test.interval, (-1, 1), strict=True):
            assert sample.test.p(end) == pytest.approx(0.05, abs=1e-6), sample.says
            assert sample.test.p(end + outward * 1e-3) < 0.05 < sample.test.p(end - outward * 1e-3), sample.says


def test_seeds_that_share_a_pool_say_less():
    """Nadeau and Bengio: n = 5, test over training images 1/3: the variance is (1/5 + 1/3) / (1/5) = 8/3 as large."""
    alone, shared = number(*VALUES, low=0.956), number(*VALUES, low=0.956, ratio=1 / 3, holds_for="new images")
    half = [(one.interval[1] - one.interval[0]) / 2 for one in (alone, shared)]
    assert half[1] == pytest.approx(half[0] * math.sqrt(8 / 3))
    assert (alone.verdict, shared.verdict) == ("supported", "not distinguishable")
    assert shared.p_wilcoxon is None, "the seeds are not independent"
    assert shared.effect is None
    assert shared.estimate.basis == "splits"
    same = number(0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, low=0, difference=True, ratio=1 / 3)
    assert same.verdict == "not distinguishable", "the sign test takes seeds to be independent"


def test_no_number_of_seeds_narrows_a_shared_pool_below_its_floor():
    sd = np.std(VALUES, ddof=1)
    within = float(np.mean(VALUES)) - 1.0 * sd  # the half-width stays above 1.96 sqrt(1/3) sd = 1.13 sd
    beyond = float(np.mean(VALUES)) - 1.8 * sd
    assert number(*VALUES, low=within, ratio=1 / 3).seeds_needed is None
    assert number(*VALUES, low=beyond, ratio=1 / 3).seeds_needed > 5


def answers(rng, seeds, images, skill):
    """Right or wrong by seed and image: a share `skill` of images is right for all, the others by a coin."""
    sure = rng.random(images) < skill
    return sure | (rng.random((seeds, images)) < 0.5)


def test_a_difference_may_hold_for_these_images_and_not_for_new_ones():
    """All seeds agree on which of two images of 1,000 only the first net has right, and one the other way."""
    first, second = np.ones((5, 1000)), np.ones((5, 1000))
    second[:, :2] = 0
    second[0, 2] = 0
    first[:, 3] = 0
    found = crossed(first - second)
    values = tuple((first - second).mean(axis=1))
    these = number(*values, low=0, difference=True, crossed=found, holds_for="these images")
    new = number(*values, low=0, difference=True, crossed=found, holds_for="new images")
    assert these.verdict == "supported"
    assert new.verdict == "not distinguishable"
    assert these.estimate == new.estimate, "both have both intervals"
    assert these.interval == these.estimate.interval
    assert new.interval == new.estimate.new == pytest.approx(found.interval())
    assert new.estimate.new[0] < 0 < these.estimate.interval[0]
    assert new.seeds_needed is None, "images limit it, not seeds"


def test_nothing_is_surer_of_new_images_than_of_these():
    """Where images add little scatter, their degrees of freedom alone would make the interval narrower."""
    rng, narrower = np.random.default_rng(3), 0
    for _ in range(100):
        table = rng.random((5, 500)) < rng.uniform(0.7, 0.9, (5, 1)) + rng.uniform(-0.1, 0.1, 500)
        found = crossed(table)
        half = stats.t.ppf(0.975, 4) * stats.sem(table.mean(axis=1))
        narrower += found.interval()[1] - found.mean < half - 1e-9
        low, high = new_images(found, "plain")
        assert (high - low) / 2 >= half - 1e-12
    assert narrower, "the formula alone gives such intervals"


def test_all_right_is_a_count_of_images_for_new_ones():
    """449 of 449: Clopper and Pearson's lower end is .025^(1/449). Seeds share the images, so they are no more."""
    found = crossed(np.ones((5, 449)))
    assert new_images(found, "share") == pytest.approx((0.025 ** (1 / 449), 1.0))
    sample = Sample("x", (1.0,) * 5, low=0.99, scale="share", trials=449, crossed=found, holds_for="new images")
    assert isinstance(sample.test, Count)
    assert judge_numbers([sample])[0].verdict == "supported"


def test_equal_shares_are_counted_and_equal_differences_are_signs():
    """Five times 1.0000 against .5, of 10 dreams each."""
    share = Sample("x", (1.0,) * 5, low=0.5, scale="share", trials=10, counted=True)
    assert isinstance(share.test, Count)
    assert judge_numbers([share])[0].verdict == "supported"
    difference = Sample("x", (0.01,) * 5, low=0, difference=True)
    assert isinstance(difference.test, Signs)
    assert judge_numbers([difference])[0].verdict == "not distinguishable"
    assert number(*(0.01,) * 6, low=0, difference=True).verdict == "supported"
    alone = Sample("x", (0.3,) * 3, low=0.2, scale="share")  # nobody says of how many things
    assert alone.estimate.interval is None


def test_medians_are_tested_by_signs():
    """One seed of eight collapsed: the mean tells nothing, seven of eight are above: p = 2 x 9 / 256."""
    values = (0.01, 0.012, 0.011, 0.009, 0.01, 0.011, 0.012, -0.2)
    mean, median = number(*values, low=0, difference=True), number(*values, low=0, difference=True, median=True)
    assert mean.verdict == "not distinguishable"
    assert (median.verdict, round(median.median, 9)) == ("not distinguishable", 0.0105)
    assert median.p == pytest.approx(2 * 9 / 256)
    nine = number(*values, 0.01, low=0, difference=True, median=True)
    assert nine.verdict == "supported"
    assert nine.p == pytest.approx(2 * 10 / 512)
    assert isinstance(Sample("x", values, low=0, median=True).test, Median)


def test_what_is_exact_is_tested_by_nothing():
    sample = Sample("x", (5.0,), low=4, exact=True)
    assert isinstance(sample.test, Exact)
    assert sample.test.p(4) is None


def test_recorded_values_are_kept_where_they_are_taken_as_equal():
    values = (1e-9, 2e-9, -1e-9)
    found = number(*values, low=0, difference=True, rounding=1e-8)
    assert found.estimate.values == values
    assert found.verdict == "not supported"
    assert found.estimate.interval is None


def test_values_outside_their_range_are_taken_as_they_are():
    """A third party's share of 1.2: its range is declared wrong, and the plain interval still says something."""
    found = number(0.9, 1.2, 1.1, low=0.5, scale="share")
    plain = number(0.9, 1.2, 1.1, low=0.5)
    assert found.estimate.interval == pytest.approx(plain.estimate.interval)
    assert found.interval == pytest.approx(plain.interval)
