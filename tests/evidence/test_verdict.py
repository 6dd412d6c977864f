"""Verdicts: by hand, and by simulation on data whose truth is known."""

import numpy as np
import pytest

from rungwise.evidence.claims import Claim
from rungwise.evidence.paired import LEVEL, tost_p
from rungwise.evidence.power import independent, seeds_needed
from rungwise.evidence.sample import Sample
from rungwise.evidence.verdict import judge_numbers, overall, verdicts
from rungwise.evidence.why import judge_claim


def verdict(*values, low=None, high=None, **more):
    return judge_numbers([Sample("x", values, low, high, **more)])[0].verdict


# By hand -------------------------------------------------------------------------------------------------------
# 1, 2, 3: mean 2, s = 1, t(.975, 2) = 4.3027, half-width 4.3027 / sqrt(3) = 2.4842: from -.4842 to 4.4842.


def test_the_whole_interval_decides():
    assert verdict(1, 2, 3, low=-0.4843) == "supported"
    assert verdict(1, 2, 3, low=-0.4841) == "not distinguishable"
    assert verdict(1, 2, 3, high=4.4843) == "supported"
    assert verdict(1, 2, 3, high=4.4841) == "not distinguishable"
    assert verdict(1, 2, 3, low=4.4843) == "refuted"
    assert verdict(1, 2, 3, low=4.4841) == "not distinguishable"
    assert verdict(1, 2, 3, low=-0.4843, high=4.4843) == "supported"
    assert verdict(1, 2, 3, low=-0.4843, high=4.4841) == "not distinguishable"
    assert verdict(1, 2, 3, low=5, high=6) == "refuted"


def test_a_difference_smaller_than_matters_does_not_support_a_claim():
    values = (0.001, 0.002, 0.003)  # certainly above -.0005, certainly below .0045
    assert verdict(*values, low=0, matters=0.0045, difference=True) == "not supported"
    assert verdict(*values, low=0, matters=0.0044, difference=True) == "not distinguishable"
    certain = (0.0019, 0.002, 0.0021)
    assert verdict(*certain, low=0, difference=True) == "supported"
    assert verdict(*certain, low=0, matters=0.01, difference=True) == "not supported"


def test_runs_that_do_not_differ_support_no_difference():
    assert verdict(0.0, 0.0, low=0, difference=True) == "not supported"
    assert verdict(0.0, low=0, difference=True) == "not distinguishable", "one seed tells nothing"
    assert verdict(0.0, low=0, difference=True, exact=True) == "not supported"
    assert verdict(*[0.0] * 6, low=-0.1, high=0.1, difference=True) == "supported", "the claim is that they are equal"


def test_nothing_and_one_seed():
    assert verdict(low=0) == "not run"
    assert verdict(0.5, low=0) == "not distinguishable"
    number = judge_numbers([Sample("x", (0.5,), 0)])[0]
    assert (number.p, number.p_wilcoxon, number.effect, number.seeds_needed) == (None, None, None, None)
    assert number.estimate.interval is None


def test_what_has_no_noise_needs_one_seed():
    assert verdict(44.0, low=43, exact=True) == "supported"
    assert verdict(42.8, low=43, exact=True) == "refuted"
    assert verdict(42.8, 42.8, low=42.8, high=43, exact=True) == "supported", "a margin's ends belong to it"


def test_equal_values_are_judged_by_the_sign_test():
    five, six = (judge_numbers([Sample("x", (1.0,) * n, 0.5)])[0] for n in (5, 6))
    assert (five.verdict, six.verdict) == ("not distinguishable", "supported")
    assert (five.p, six.p) == (2**-4, 2**-5)
    assert five.seeds_needed == 6
    assert verdict(*[0.0] * 6, low=0.5) == "refuted"
    # Equal on paper, and not in floating point.
    assert verdict(0.96 - 0.95, 0.97 - 0.96, 0.98 - 0.97, low=0, difference=True) == "not distinguishable"


def test_p_agrees_with_the_interval_and_with_two_one_sided_tests():
    number = judge_numbers([Sample("x", (1, 2, 3), 0, 4.1)])[0]
    assert number.p / 2 == pytest.approx(tost_p((1, 2, 3), 0, 4.1))
    number = judge_numbers([Sample("x", (1, 2, 3), low=-0.48421)])[0]
    assert number.p == pytest.approx(LEVEL, abs=1e-4)


def test_holm_guards_against_refuting_one_of_many():
    values = (-1.0, -2.0, -3.0, -2.5)  # t = -4.97 with 3 degrees of freedom: p = .0156
    alone = judge_numbers([Sample("x", values, 0)])[0]
    assert alone.verdict == "refuted"
    assert alone.p == pytest.approx(0.0156, abs=2e-4)
    assert alone.p_holm is None
    others = [Sample("y", (1.0, 2.0, 3.0), 0)] * 3
    among = judge_numbers([Sample("x", values, 0), *others])[0]
    assert among.p_holm == pytest.approx(4 * alone.p)
    assert among.verdict == "not distinguishable"


# The claim as a whole ------------------------------------------------------------------------------------------

YES, OPEN, NO = (1.0, 1.1, 1.2), (-1.0, 0.5, 1.0), (-1.0, -1.1, -1.2)


def claimed(*values, missing=""):
    numbers = judge_numbers([Sample(f"x{i}", each, 0, difference=True) for i, each in enumerate(values)])
    return judge_claim(Claim(id="A", says="a"), numbers, missing=missing, test="paired t")


def test_a_claim_holds_where_all_its_numbers_do():
    assert claimed(YES, YES).verdict == "supported"
    assert claimed(YES, OPEN).verdict == "not distinguishable"
    assert claimed(YES, OPEN, ()).verdict == "not run"
    assert claimed(YES, OPEN, (), (0.0, 0.0)).verdict == "not supported"
    assert claimed(YES, OPEN, (), (0.0, 0.0), NO).verdict == "refuted"
    assert claimed().verdict == "not run"


def test_the_reason_names_the_number_that_decides():
    assert claimed(YES, NO).why == (
        "1 of 2 numbers lies elsewhere. The clearest: x1 is -1.1 (95% interval -1.348 to -0.8516, n = 3), claimed to "
        "lie above 0."
    )
    assert claimed(YES, (), missing="accuracy of B").why == "It needs what has no record: accuracy of B."
    supported = claimed((5.0, 5.1, 5.2), YES).why
    assert supported.startswith("All 2 numbers lie where it says. The closest call: x1 is 1.1 ")
    seeds = claimed(OPEN).seeds_needed
    assert f"About {seeds} seeds would settle it" in claimed(OPEN).why
    assert claimed((0.5,)).why.endswith("One seed tells nothing of its noise: run at least 3.")
    assert claimed().why.endswith("nothing tests it.")
    hopeless = claimed((1.0, -1.0, 1e-4))
    assert hopeless.seeds_needed is None
    assert "Not even 1,000 seeds" in hopeless.why


def test_equal_values_are_told_without_an_interval():
    assert claimed((0.0, 0.0)).why == "x0 is 0 in each of 2 seeds, claimed to lie above 0."


def test_what_has_run_is_told_of_a_claim_that_has_not():
    assert claimed(YES, OPEN, (), missing="x of C").why == (
        "It needs what has no record: x of C. Of the 2 numbers that have run, 1 lie where it says."
    )


def test_n_is_the_fewest_seeds():
    assert claimed(YES, (1.0, 1.1, 1.3, 1.4)).n == 3
    assert claimed(YES, ()).n == 0


# By simulation -------------------------------------------------------------------------------------------------

REPETITIONS = 1000


def rates(draw, repetitions=REPETITIONS):
    """How often each verdict falls; `draw` makes the samples of one claim from a generator."""
    rng = np.random.default_rng(20)
    found = [overall(verdicts(draw(rng))) for _ in range(repetitions)]
    return {word: found.count(word) / repetitions for word in set(found)}


def at_most(rate, level, repetitions=REPETITIONS):
    """Whether a rate is no higher than a level, but for three standard errors of the simulation."""
    return rate <= level + 3 * (level * (1 - level) / repetitions) ** 0.5


@pytest.mark.parametrize("n", [3, 5, 10])
def test_false_positives_of_one_comparison_stay_at_the_level(n):
    found = rates(lambda rng: [Sample("x", tuple(rng.normal(0, 1, n)), 0, difference=True)])
    assert at_most(found.get("supported", 0), LEVEL / 2)
    assert at_most(found.get("refuted", 0), LEVEL / 2)
    assert at_most(1 - found["not distinguishable"], LEVEL)


def test_false_positives_of_best_stay_at_the_level():
    """Five models without any difference, paired by seeds that share most of their noise; the first is claimed best."""

    def draw(rng):
        runs = rng.normal(0, 1, (5, 1)) * 3 + rng.normal(0, 1, (5, 5))
        return [Sample("x", tuple(runs[:, 0] - runs[:, other]), 0, difference=True) for other in range(1, 5)]

    found = rates(draw)
    assert at_most(found.get("supported", 0), LEVEL / 2)
    assert at_most(found.get("refuted", 0), LEVEL)


def test_false_positives_of_best_where_only_one_rival_is_as_good():
    """The worst case for the claim: it fails by one comparison alone, all others hold by far."""

    def draw(rng):
        runs = rng.normal([0, 0, -9, -9, -9], 1, (5, 5))
        return [Sample("x", tuple(runs[:, 0] - runs[:, other]), 0, difference=True) for other in range(1, 5)]

    found = rates(draw)
    assert at_most(found.get("supported", 0), LEVEL / 2)
    assert at_most(found.get("refuted", 0), LEVEL)


@pytest.mark.parametrize("truth", [-1.0, 1.0])
def test_false_positives_of_equal_at_the_edge_of_its_margin(truth):
    found = rates(lambda rng: [Sample("x", tuple(rng.normal(truth, 0.5, 5)), -1, 1, difference=True)])
    assert at_most(found.get("supported", 0), LEVEL / 2)
    assert at_most(found.get("refuted", 0), LEVEL)


def test_a_difference_at_the_edge_of_what_matters_is_seldom_called_too_small():
    draw = lambda rng: [Sample("x", tuple(rng.normal(1, 0.3, 5)), 0, matters=1, difference=True)]  # noqa: E731
    assert at_most(rates(draw).get("not supported", 0), LEVEL / 2)


@pytest.mark.parametrize(
    ("mean", "sd", "low", "high", "matters"),
    [
        (1.0, 1.0, 0, None, 0.0),
        (-0.6, 1.0, 0, None, 0.0),
        (0.2, 1.0, -1, 1, 0.0),
        (0.1, 1.0, 0, None, 1.0),
        (2.5, 1.0, 0, None, 0.0),
    ],
)
def test_power_is_what_the_hint_says(mean, sd, low, high, matters):
    n = seeds_needed(mean, independent(sd), low, high, matters)
    draw = lambda rng, n=n: [  # noqa: E731
        Sample("x", tuple(rng.normal(mean, sd, n)), low, high, matters=matters, difference=True)
    ]
    settled = 1 - rates(draw).get("not distinguishable", 0)
    error = 3 * (0.8 * 0.2 / REPETITIONS) ** 0.5
    assert settled >= 0.8 - error
    if n > 3:
        fewer = lambda rng: [  # noqa: E731
            Sample("x", tuple(rng.normal(mean, sd, n - 1)), low, high, matters=matters, difference=True)
        ]
        assert 1 - rates(fewer).get("not distinguishable", 0) < 0.8 + error, "no more seeds than it takes"


def test_the_hint_is_more_than_there_is():
    """A pilot whose mean and scatter promise that as many seeds would do, and which was unlucky itself."""
    rng = np.random.default_rng(3)
    found = [judge_numbers([Sample("x", tuple(rng.normal(1, 1, 5)), 0)])[0] for _ in range(200)]
    hints = [number.seeds_needed for number in found if number.seeds_needed is not None]
    assert len(hints) > 20
    assert min(hints) > 5


def test_the_worked_example_of_the_documentation():
    number = judge_numbers([Sample("x", tuple(d / 10_000 for d in (-101, 53, 113, 90, 50)), 0, difference=True)])[0]
    assert number.verdict == "not distinguishable"
    assert number.estimate.mean == pytest.approx(0.0041)
    assert number.estimate.interval == pytest.approx((-0.0063, 0.0145), abs=5e-5)
    assert number.p == pytest.approx(0.33, abs=0.005)
    assert number.seeds_needed == 35
