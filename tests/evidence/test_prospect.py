"""What seeds would show of a number: by hand, and against samples that are drawn, judged and counted."""

import math

import numpy as np
import pytest
from scipy import stats

from rungwise.evidence.images import crossed
from rungwise.evidence.prospect import chance, half_width, limit, seeds_for, unknown
from rungwise.evidence.sample import Sample
from rungwise.evidence.verdict import judge_numbers, verdicts


def sample(*values, low=None, high=None, **more):
    return Sample("x", tuple(map(float, values)), low, high, **more)


def settled(samples) -> float:
    return float(np.mean([verdicts([each])[0] != "not distinguishable" for each in samples]))


def with_moments(mean: float, sd: float, n: int, seed: int) -> np.ndarray:
    """n normal values whose mean and standard deviation are exactly these."""
    values = np.random.default_rng(seed).standard_normal(n)
    return mean + sd * (values - values.mean()) / values.std(ddof=1)


# By hand -------------------------------------------------------------------------------------------------------


def test_one_difference_has_the_power_of_a_t_test():
    """Mean .5 and standard deviation 1: 34 seeds, as of Cohen's medium effect (G*Power 3)."""
    pilot = sample(*with_moments(0.5, 1, 5, 0), low=0)
    assert seeds_for(pilot) == 34
    edge, root = stats.t.ppf(0.975, 33), math.sqrt(34)
    power = stats.nct.sf(edge, 33, 0.5 * root) + stats.nct.cdf(-edge, 33, 0.5 * root)
    assert chance(pilot, 34) == pytest.approx(power, abs=2e-5)
    assert chance(pilot, 33) < 0.8 < chance(pilot, 34)
    assert half_width(pilot, 20) == pytest.approx(stats.t.ppf(0.975, 19) / math.sqrt(20))


def test_the_hint_of_a_verdict_is_the_same_number():
    for seed in range(20):
        values = np.random.default_rng(seed).normal(0.3, 1, 6)
        number = judge_numbers([sample(*values, low=0)])[0]
        if number.verdict == "not distinguishable" and number.seeds_needed is not None:
            assert number.seeds_needed == max(seeds_for(sample(*values, low=0)), 7)


def test_seeds_that_split_one_pool_stay_as_wide_as_their_pool():
    """Test over training images 1/3: half-widths stay above 1.96 sqrt(1/3) = 1.13 standard deviations."""
    near, beyond = (sample(*with_moments(m, 1, 8, 1), low=0, ratio=1 / 3, holds_for="new images") for m in (1.0, 2.0))
    assert half_width(near, 10**6) == pytest.approx(1.96 / math.sqrt(3), abs=1e-3)
    assert seeds_for(near) is None
    assert limit(near) == "no number of seeds; more images would"
    assert limit(beyond) == ""
    assert chance(beyond, seeds_for(beyond)) >= 0.8 > chance(beyond, seeds_for(beyond) - 1)


def test_a_difference_that_is_small_asks_for_more_seeds_than_are_ever_advised():
    assert limit(sample(*with_moments(0.05, 1, 8, 1), low=0)) == "more than 1,000 seeds"
    assert limit(sample(-1, 1, low=0)) == "no number of seeds: what is on record lies on the bound"


def test_an_accuracy_has_its_interval_inside_the_range():
    """Mean .96 with sd .05, two seeds: the t-interval would reach .96 ± .45."""
    pilot = sample(*with_moments(0.96, 0.05, 4, 2), low=0.9, scale="share")
    assert half_width(pilot, 2) < 0.5
    assert chance(sample(*pilot.values, low=0.0, scale="share"), 3) == 1, "no accuracy lies below 0"


def test_what_has_no_noise_is_certain():
    pilot = sample(44, low=43, exact=True)
    assert (chance(pilot, 1), seeds_for(pilot), half_width(pilot, 1), unknown(pilot)) == (1, 1, 0, "")


def test_one_planned_seed_settles_nothing_that_has_noise():
    pilot = sample(5, 5.1, 5.2, low=0)
    assert (chance(pilot, 1), half_width(pilot, 1)) == (0, None)


def test_equal_values_are_settled_by_six():
    pilot = sample(1, 1, 1, low=0.5)
    assert [chance(pilot, n) for n in (5, 6)] == [0, 1]
    assert (seeds_for(pilot), half_width(pilot, 5), half_width(pilot, 6)) == (6, None, 0)
    none = sample(0, 0, low=0, difference=True)
    assert (chance(none, 2), seeds_for(none)) == (1, 2), "two runs that do not differ support no difference"
    assert (chance(sample(0.5, 0.5, low=0.5), 50), seeds_for(sample(0.5, 0.5, low=0.5))) == (0, None)


def test_a_stricter_level_takes_more_seeds():
    """Of one of four numbers, that alone can refute the claim: at .05 / 4."""
    pilot = sample(*with_moments(-1, 1, 5, 0), low=0)
    edge = stats.t.ppf(1 - 0.0125 / 2, 9)
    assert chance(pilot, 10, level=0.0125) == pytest.approx(stats.nct.cdf(-edge, 9, -math.sqrt(10)), abs=1e-4)
    assert seeds_for(pilot, level=0.0125) > seeds_for(pilot)


def test_why_nothing_can_be_said():
    assert unknown(sample(low=0)) == "nothing on record"
    assert unknown(sample(0.5, low=0)) == "one seed on record says nothing of the scatter"
    assert unknown(sample(1, 1, 1, low=0, ratio=0.3)) == "nothing scatters among the seeds on record"
    assert unknown(sample(0.8, 0.9, low=0, holds_for="new images")) == "no answers to single images on record"
    for pilot in (sample(low=0), sample(0.5, low=0), sample(1, 1, 1, low=0, ratio=0.3)):
        assert (chance(pilot, 5), seeds_for(pilot), half_width(pilot, 5), limit(pilot)) == (None, None, None, "")


def test_a_median_below_its_bound_is_settled_as_well_as_one_above():
    above = sample(1, 2, 3, 4, 5, 6, 7, 8, -1, -2, low=0, median=True)
    below = sample(*[-value for value in above.values], low=0, median=True)
    assert seeds_for(above) == seeds_for(below) is not None
    # Eight in ten lie above; of 12 seeds the interval runs from the third to the tenth value.
    assert chance(above, 12) == pytest.approx(stats.binom.cdf(2, 12, 0.2))
    assert chance(below, 12) == chance(above, 12)
    open_ = judge_numbers([below])[0]
    assert (open_.verdict, open_.seeds_needed) == ("not distinguishable", seeds_for(below))


def test_a_count_that_all_seeds_share_does_not_gain_by_seeds():
    """Every answer right on 449 images: .992 to 1, however many nets say so."""
    right = crossed(np.ones((5, 449)))
    pilot = sample(*[1] * 5, low=0.995, scale="share", holds_for="new images", crossed=right)
    assert (chance(pilot, 50), seeds_for(pilot)) == (0, None)
    assert half_width(pilot, 50) == pytest.approx((1 - 0.025 ** (1 / 449)) / 2)
    assert limit(pilot) == "no number of seeds; more images would"


def test_a_count_of_each_seed_gains_by_seeds():
    """Ten dreams of ten recognised by each net: n nets count 10 n (t(10 n - 1) / t(n - 1))^2 of them."""

    def least_share(n):
        effective = 10 * n * (stats.t.ppf(0.975, 10 * n - 1) / stats.t.ppf(0.975, n - 1)) ** 2
        return 0.025 ** (1 / effective)

    pilot = sample(1, 1, 1, low=0.95, scale="share", trials=10, counted=True)
    assert seeds_for(pilot) == next(n for n in range(2, 50) if least_share(n) > 0.95) == 10
    assert half_width(pilot, 8) == pytest.approx((1 - least_share(8)) / 2)


# Against samples that are drawn and judged ---------------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 6])
def test_the_chance_of_a_share_is_that_of_samples_drawn(n):
    pilot = sample(*with_moments(0.95, 0.02, 6, 4), low=0.92, scale="share")
    draws = np.random.default_rng(n).normal(0.95, 0.02, (3000, n))
    found = settled([sample(*row, low=0.92, scale="share") for row in draws])
    # On the logit the delta method's slope is that of each sample's own mean: good to about 2%.
    assert chance(pilot, n) == pytest.approx(found, abs=0.02 + 4 * math.sqrt(0.25 / 3000))


def test_the_chance_of_splits_is_that_of_samples_drawn():
    """Correlated as the correction takes them to be: rho = ratio / (1 + ratio)."""
    ratio, mean, n, draws = 0.3, 1.6, 8, np.random.default_rng(3)
    pilot = sample(*with_moments(mean, 1, 6, 5), low=0, ratio=ratio)
    rho = ratio / (1 + ratio)
    # s^2 estimates (1 - rho) sigma^2, which is 1 here.
    common = math.sqrt(rho / (1 - rho)) * draws.standard_normal((3000, 1))
    values = mean + common + draws.standard_normal((3000, n))
    found = settled([sample(*row, low=0, ratio=ratio) for row in values])
    assert chance(pilot, n) == pytest.approx(found, abs=4 * math.sqrt(0.25 / 3000))


def test_the_chance_of_a_median_is_that_of_samples_drawn():
    pilot = sample(*np.linspace(-1, 4, 40), low=0, median=True)
    draws = np.random.default_rng(6).uniform(-1, 4, (3000, 12))
    found = settled([sample(*row, low=0, median=True) for row in draws])
    assert chance(pilot, 12) == pytest.approx(found, abs=4 * math.sqrt(0.25 / 3000))


def test_the_chance_of_a_count_is_that_of_samples_drawn():
    """Counts of ten by a binomial distribution of .8; the pilot's 40 seeds have its quantiles."""
    quantiles = stats.binom.ppf((np.arange(40) + 0.5) / 40, 10, 0.8) / 10
    pilot = sample(*quantiles, low=0.65, scale="share", trials=10, counted=True)
    draws = np.random.default_rng(7).binomial(10, 0.8, (1000, 8)) / 10
    found = settled([sample(*row, low=0.65, scale="share", trials=10, counted=True) for row in draws])
    # Two hundred studies stand for the chance, and these thousand for the rate.
    assert 0.1 < found < 0.97
    assert chance(pilot, 8) == pytest.approx(found, abs=4 * math.sqrt(0.25 / 200 + 0.25 / 1000))


def test_new_images_limit_what_seeds_can_show():
    """A margin that lies within the noise of 400 images and beyond that of the seeds."""
    draws = np.random.default_rng(8)
    table = (draws.normal(size=400) * 0.5 + draws.normal(size=(5, 400)) * 0.3 + 0.04).astype(np.float32)
    values = table.mean(axis=1)
    shared = {"low": 0.0, "difference": True}
    these = sample(*values, **shared, crossed=crossed(table), holds_for="these images")
    new = sample(*values, **shared, crossed=crossed(table), holds_for="new images")
    assert chance(these, 50) > 0.99
    assert chance(new, 10**6) < 0.8
    assert (seeds_for(new), limit(new)) == (None, "no number of seeds; more images would")
    assert half_width(new, 10**6) == pytest.approx(1.96 * crossed(table).at(math.inf)[0], rel=0.01)
