"""What claims could show with planned seeds: by hand from made measurements, and against studies that are drawn."""

import math

import numpy as np
import pytest
from scipy import stats

from rungwise.evidence.claims import Claim
from rungwise.evidence.measure import Measurement, Metric
from rungwise.judging.judge import judge
from rungwise.judging.ledger import Ledger
from rungwise.judging.prospects import prospect, settled

KNOWN = {
    "mlps": {
        "test_accuracy": Metric("accuracy", ("A", "B", "C"), better="higher"),
        "parameters": Metric("count", ("A", "B", "C"), exact=True),
    },
    "cnns": {"test_accuracy": Metric("accuracy", ("X",), better="higher")},
}
SEEDS = {"mlps": 10, "cnns": 4}


def ledger(**values):
    """A ledger of "model" -> one test accuracy per seed; X is of the other chapter."""
    return Ledger(
        [
            Measurement("cnns" if model == "X" else "mlps", model, "test_accuracy", seed, float(value), ())
            for model, by_seed in values.items()
            for seed, value in enumerate(by_seed)
        ],
        {},
    )


def told(values, metric="test_accuracy", **condition):
    claim = Claim(id="A", says="a claim", test=({"metric": metric, **condition},))
    return prospect(claim, "mlps", KNOWN, ledger(**values), SEEDS)


def power(effect: float, n: int, level: float = 0.05) -> float:
    """That of a two-sided t-test of n values whose mean is `effect` standard deviations off, on the right side."""
    return float(stats.nct.sf(stats.t.ppf(1 - level / 2, n - 1), n - 1, effect * math.sqrt(n)))


def off(effect: float, n: int = 6, seed: int = 0) -> np.ndarray:
    """n values with exactly this mean and a standard deviation of exactly 1."""
    values = np.random.default_rng(seed).standard_normal(n)
    return effect + (values - values.mean()) / values.std(ddof=1)


def test_one_difference():
    found = told({"A": off(1.2), "B": np.zeros(6)}, better="A", than="B")
    (number,) = found.numbers
    assert (found.id, found.chapter, found.planned, found.note) == ("A", "mlps", 10, "")
    assert (number.pilot, number.planned, number.claimed) == (6, 10, "above 0")
    assert (number.mean, number.sd) == (pytest.approx(1.2), pytest.approx(1))
    assert number.half_width == pytest.approx(stats.t.ppf(0.975, 9) / math.sqrt(10))
    assert found.chance == number.chance == pytest.approx(power(1.2, 10), abs=1e-4)
    assert found.seeds_needed == number.seeds_needed == next(n for n in range(2, 20) if power(1.2, n) >= 0.8)


def test_a_claim_of_several_numbers_is_as_hard_as_the_hardest():
    found = told({"A": off(2.0), "B": np.zeros(6), "C": np.full(6, 1.2)}, best="A")
    assert [number.says for number in found.numbers] == ["test_accuracy of A less C", "test_accuracy of A less B"]
    assert found.chance == pytest.approx(power(0.8, 10), abs=1e-4)
    assert found.seeds_needed == found.numbers[0].seeds_needed == 15


def test_one_number_that_lies_elsewhere_is_enough_but_at_a_stricter_level():
    """A is below C by two deviations and above B by a tenth of one: C refutes that A is best, at .05 / 2."""
    found = told({"A": off(0.1), "B": np.zeros(6), "C": np.full(6, 2.1)}, best="A")
    assert found.numbers[0].says == "test_accuracy of A less C"
    assert found.numbers[0].chance == pytest.approx(power(2, 10), abs=1e-4)
    assert found.chance == pytest.approx(power(2, 10, level=0.025), abs=1e-4)
    assert found.seeds_needed == next(n for n in range(2, 20) if power(2, n, level=0.025) >= 0.8)


def test_the_chapter_with_the_fewest_seeds_decides():
    found = told({"A": off(1.2), "X": np.zeros(6)}, better="A", than="cnns/X")
    assert (found.planned, found.numbers[0].planned) == (4, 4)
    assert found.chance == pytest.approx(power(1.2, 4), abs=1e-4)


def test_seeds_that_both_have_are_the_pilot():
    found = told({"A": off(1.2), "B": [0.0, 0.1]}, better="A", than="B")
    assert found.numbers[0].pilot == 2


def test_why_nothing_is_said():
    assert told({"A": off(1)}, better="A", than="B").note == "nothing in the pilot"
    one = told({"A": [0.5], "B": [0.4]}, better="A", than="B")
    assert (one.note, one.chance, one.seeds_needed) == ("one seed in the pilot says nothing of the scatter", None, None)
    # What is known does not speak for what is not, but what refutes does.
    assert told({"A": off(2), "B": np.zeros(6)}, best="A").note == "nothing in the pilot"
    assert told({"A": off(-2), "B": np.zeros(6)}, best="A").chance > 0.9
    bare = prospect(Claim(id="A", says="a claim"), "mlps", KNOWN, ledger(), SEEDS)
    assert (bare.note, bare.planned, bare.numbers) == ("nothing tests it", 10, ())


def test_a_mean_on_its_bound_is_never_settled():
    found = told({"A": off(0)}, model="A", near=1.0, within=1.0)
    assert found.seeds_needed is None
    assert found.chance < 0.06
    assert found.note in ("no number of seeds: what is in the pilot lies on the bound", "more than 1,000 seeds")


def test_only_known_chances_are_counted_as_settled():
    claims = [told({"A": off(effect), "B": np.zeros(6)}, better="A", than="B") for effect in (0.1, 3.0)]
    assert settled([*claims, told({"A": off(1)}, better="A", than="B")]) == 1


def test_the_hint_of_an_open_verdict_is_the_number_of_seeds():
    values = {"A": off(0.5), "B": np.zeros(6)}
    verdict = judge(
        Claim(id="A", says="a", test=({"metric": "test_accuracy", "better": "A", "than": "B"},)),
        "mlps",
        KNOWN,
        ledger(**values),
    )
    assert verdict.verdict == "not distinguishable"
    assert told(values, better="A", than="B").seeds_needed == verdict.seeds_needed == 34


@pytest.mark.parametrize(("effect", "seed"), [(1.5, 1), (-1.5, 2)])
def test_the_chance_is_the_rate_at_which_drawn_studies_are_settled(effect, seed):
    """A is better than B and C. The two differences share A, so that both are settled about as often as one is."""
    pilot = told({"A": off(effect), "B": np.zeros(6), "C": np.zeros(6)}, better="A", than=["B", "C"])
    draws = np.random.default_rng(seed).normal(effect, 1, (300, 10))
    claim = Claim(id="A", says="a", test=({"metric": "test_accuracy", "better": "A", "than": ["B", "C"]},))
    zeros = np.zeros(10)
    found = [judge(claim, "mlps", KNOWN, ledger(A=row, B=zeros, C=zeros)).verdict for row in draws]
    rate = np.mean([verdict in ("supported", "refuted") for verdict in found])
    assert 0.8 < pilot.chance < 0.995
    assert pilot.chance == pytest.approx(rate, abs=4 * math.sqrt(rate * (1 - rate) / 300) + 0.005)
