"""Claims judged at every look: by consecutive seeds, whatever order they came in, and settled once for all."""

import numpy as np
import pytest

from rungwise.evidence.anytime import e_value, p_value
from rungwise.evidence.claims import Claim
from rungwise.evidence.design import Design
from rungwise.evidence.looks import Question, looks
from rungwise.evidence.measure import Answers, Measurement, Metric
from rungwise.judging.course import course, value_of
from rungwise.judging.judge import judge_settled, judged
from rungwise.judging.ledger import Ledger
from rungwise.records.environment import environment_here
from rungwise.records.record import Record
from rungwise.study.reading import parse_study
from rungwise.study.settling import Settle
from rungwise.study.study import study_trials

KNOWN = {
    "mlps": {
        "test_accuracy": Metric("accuracy", ("A", "B", "C"), better="higher", answers=Answers()),
        "test_loss": Metric("loss", ("A", "B", "C"), better="lower"),
        "parameters": Metric("count", ("A", "B", "C"), exact=True),
    }
}
SD = 0.004


def values(gap, n=40, seed=0):
    """A is better than B by `gap` in the mean, and C is 3 standard deviations below B; by model and seed."""
    rng = np.random.default_rng(seed)
    b = 0.9 + rng.normal(0, 0.01, n)
    return {"A": b + rng.normal(gap, SD, n), "B": b, "C": b + rng.normal(-3 * SD, SD, n)}


def ledger(by_model, seeds=None, metric="test_accuracy", order=1):
    """With these seeds of each model, all by default, in an order from first to last or from last to first."""
    found = [
        Measurement("mlps", model, metric, seed, float(own[seed]), ())
        for model, own in by_model.items()
        for seed in (range(len(own)) if seeds is None else seeds[model])
    ]
    return Ledger(found[::order], {}, {"mlps": Design(usual="new images")})


def claim(**condition):
    return Claim(id="X", says="so", test=(condition,))


def judgement(by_model, seeds=None, order=1, metric="test_accuracy", **condition):
    known = ledger(by_model, seeds, metric, order)
    return judge_settled(claim(metric=metric, **condition), "mlps", KNOWN, known)


BETTER = {"better": "A", "than": "B"}


def test_a_claim_is_settled_as_its_looks_are():
    own = values(2 * SD)
    found = judgement(own, **BETTER)
    differences = own["A"] - own["B"]
    expected = looks(differences, Question(0.0, None))
    (number,) = found.numbers
    assert (found.verdict, found.design, found.holds_for) == ("supported", "settled", "these images")
    assert [(look.n, look.mean, look.interval, look.e, look.verdict) for look in number.looks] == [
        (look.n, look.estimate, look.interval, look.e, look.verdict) for look in expected
    ]
    n = expected[-1].n
    assert 5 <= n < 40
    assert (found.n, number.estimate.n) == (n, n)
    assert found.p == p_value(e_value(differences[:k], 0.0) for k in range(3, n + 1)) <= 0.05
    assert found.test == "e-value, valid at every look"
    assert found.why.startswith(f"It was settled at {n} seeds: test_accuracy of A less B is ")
    assert (found.seeds_needed, number.p_holm, number.p_wilcoxon, number.effect) == (None,) * 4


def test_later_seeds_change_nothing():
    own = values(2 * SD)
    found = judgement(own, **BETTER)
    turned = {name: np.concatenate([v[: found.n], 1 - v[found.n :]]) for name, v in own.items()}
    assert judgement(turned, **BETTER) == found
    assert judgement({name: v[: found.n] for name, v in own.items()}, **BETTER) == found


def test_the_order_in_which_seeds_come_plays_no_part():
    own = values(0.5 * SD, n=12)
    assert judgement(own, order=-1, **BETTER) == judgement(own, **BETTER)


def test_a_gap_ends_what_is_looked_at():
    own = values(2 * SD)
    settled_at = judgement(own, **BETTER).n
    gap = {"A": [s for s in range(40) if s != 4], "B": range(40), "C": ()}
    found = judgement(own, seeds=gap, **BETTER)
    assert (found.verdict, found.n) == ("not distinguishable", 4)
    assert found.why.startswith("It is open after 4 seeds: test_accuracy of A less B is ")
    assert settled_at > 4
    found = judgement(own, seeds={"A": range(1, 40), "B": range(40), "C": ()}, **BETTER)
    assert (found.verdict, found.n) == ("not run", 0)


def test_before_the_first_look_it_is_open():
    own = values(2 * SD, n=2)
    found = judgement(own, **BETTER)
    assert (found.verdict, found.n, found.numbers[0].looks) == ("not distinguishable", 2, ())
    assert found.why == "It is open after 2 seeds: the first look is at 3."


def test_all_numbers_must_support_it_and_each_stays_settled():
    found = judgement(values(1.2 * SD), best="A")
    ends = {number.says: number.looks[-1] for number in found.numbers}
    assert found.verdict == "supported"
    assert {look.verdict for look in ends.values()} == {"supported"}
    assert found.n == max(look.n for look in ends.values())
    assert len({look.n for look in ends.values()}) == 2
    assert f"It was settled at {found.n} seeds. All 2 numbers lie where it says. The closest call: " in found.why


def test_one_number_refutes_at_the_level_over_their_number():
    own = values(0.3 * SD, seed=1)
    found = judgement(own, best="C")
    against = looks(own["C"] - own["A"], Question(0.0, None, level_against=0.025))[-1]
    other = looks(own["C"] - own["B"], Question(0.0, None, level_against=0.025))[-1]
    assert found.verdict == "refuted"
    assert found.n == min(against.n, other.n)
    assert found.p == pytest.approx(min(1.0, 2 * min(number.p for number in found.numbers)))
    later = judgement({name: np.concatenate([v[: found.n], v[found.n :] + 0.5]) for name, v in own.items()}, best="C")
    assert later == found


def test_a_number_without_noise_is_settled_by_one_seed():
    counts = {"A": [10.0], "B": [20.0], "C": [20.0]}
    found = judgement(counts, metric="parameters", higher="B", than="A")
    assert (found.verdict, found.n, found.p) == ("supported", 1, None)
    assert judgement(counts, metric="parameters", higher="A", than="B").verdict == "refuted"
    assert judgement(counts, metric="parameters", higher="C", than="B").verdict == "not supported"


def test_a_median_goes_by_the_bet_on_signs():
    found = judgement(values(2 * SD), statistic="median", **BETTER)
    assert (found.verdict, found.n) == ("supported", 8)  # 8 equal signs: 2^8 / 9 > 20
    assert found.numbers[0].median == found.numbers[0].looks[-1].mean


def test_equal_values_are_never_certain_of_a_difference():
    same = {"A": [0.9] * 7, "B": [0.9] * 7, "C": [0.9] * 7}
    assert judgement(same, **BETTER).verdict == "not distinguishable"
    same = {name: own * 2 for name, own in same.items()}
    assert (judgement(same, **BETTER).verdict, judgement(same, **BETTER).n) == ("not supported", 8)


def test_what_32_bits_lose_is_set_to_0_seed_by_seed():
    theirs = [float(np.float32(value)) for value in (0.95, 0.96, 0.97)]
    own = {"A": [0.95, 0.96, 0.97], "B": theirs, "C": theirs}
    tracks = course(claim(metric="test_loss", **BETTER), "mlps", KNOWN, ledger(own, metric="test_loss")).tracks
    assert tracks[0].values == (0.0, 0.0, 0.0)
    assert value_of([0.5, 0.5 + 1e-5]) == pytest.approx(-1e-5)
    assert value_of([1e-9]) == 1e-9
    assert value_of([0.1, 0.2, 0.4]) == pytest.approx(0.15)


LABELS = np.array([0, 0, 1, 1, 2, 2], np.uint8)


def record(trial, right):
    """Of a net that classifies so many of six test images right."""
    said = np.where(np.arange(6) < right, LABELS, 9).astype(np.uint8)
    names = ("train_accuracy", "test_accuracy", "train_loss", "test_loss", "parameters", "time_s", "steps")
    summary = dict.fromkeys(names, 1.0) | {"test_accuracy": right / 6}
    return Record(
        id=trial.id, label=trial.label, spec=trial.spec, status="done", summary=summary,
        history={"test_accuracy": [right / 6] * 2}, environment=environment_here(device="cpu", threads=1, workers=1),
        arrays={"test_predictions": said, "test_labels": LABELS},
    )  # fmt: skip


@pytest.fixture(scope="module")
def study():
    """A study of one chapter, and records of 12 seeds of it, with 6 test images each."""
    text = """
title = "settled"
seeds = 3
[[chapter]]
kind = "mlps"
data = { source = "mnist", train_images = 100 }
fit = { epochs = 2 }
nets = { A = { hidden = [4] }, B = { hidden = [5] }, C = { hidden = [6] } }
[[chapter.claim]]
id = "S"
says = "A is better"
test = { metric = "test_accuracy", better = "A", than = "B" }
[[chapter.claim]]
id = "F"
says = "B is better"
test = { metric = "test_accuracy", better = "B", than = "A" }
[[chapter.claim]]
id = "T"
says = "It falls"
test = { metric = "test_accuracy", trend = "falls", over = ["A", "B", "C"] }
"""
    read = parse_study(text, "settled.toml").with_seeds(12)
    right = {"A": 5, "B": 4, "C": 3}
    records = {trial.id: record(trial, right[trial.label]) for _, trial in study_trials(read)}
    return read, records


def settled(study, claims, before):
    read, records = study
    return {
        each.id: each
        for each in judged(read.model_copy(update={"settle": Settle(claims=claims, before=before)}), records)["mlps"]
    }


def test_a_study_says_which_claims_were_settled(study):
    found = settled(study, ("S",), {"mlps": 3})
    assert {id: each.design for id, each in found.items()} == {"S": "settled", "F": "fixed", "T": "fixed"}
    assert (found["F"].n, found["T"].n) == (3, 3)
    read, records = study
    fixed = {each.id: each for each in judged(read.with_seeds(3), records)["mlps"]}
    assert (found["F"], found["T"]) == (fixed["F"], fixed["T"])


def test_nothing_was_known_before_a_study_that_began_by_settling(study):
    assert settled(study, ("S",), {"mlps": 0})["F"].verdict == "not run"
    assert settled(study, ("S",), {})["F"].n == 12


def test_the_resolution_is_that_of_the_images(study):
    """Six images: differences of 1/6 with the deviation of one image need as many seeds as that makes them need."""
    found = settled(study, ("S", "T"), {"mlps": 3})
    expected = looks([1 / 6] * 12, Question(0.0, None, step=1 / 6))[-1]
    assert (found["S"].verdict, found["S"].n) == (expected.verdict, expected.n)
    assert found["S"].numbers[0].looks[-1].e == pytest.approx(expected.e)
    slope = looks([-1 / 6] * 12, Question(None, 0.0, step=1 / 6 / 2))[-1]  # arms -1, 0, 1
    assert (found["T"].verdict, found["T"].n) == (slope.verdict, slope.n)
    assert found["T"].n < found["S"].n
