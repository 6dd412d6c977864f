"""Power told from the published reference run: the numbers of seeds are those of the verdicts, and it takes seconds."""

import time
from pathlib import Path

import pytest

from rungwise.judging.judge import judged
from rungwise.runs.pilot import power
from rungwise.runs.run import open_run

REFERENCE = Path(__file__).parents[2] / "results" / "reference"


def test_power_agrees_with_the_hints_of_the_verdicts():
    run = open_run(REFERENCE)
    start = time.process_time()
    told = power(run.study, REFERENCE)
    assert time.process_time() - start < 5
    assert not told.damaged
    verdicts = {each.id: each for found in judged(run.study, run.records).values() for each in found}
    assert {claim.id for claim in told.claims} == verdicts.keys()
    open_numbers = 0
    for claim in told.claims:
        numbers = {number.says: number for number in claim.numbers}
        for number in verdicts[claim.id].numbers:
            own = numbers[number.says]
            assert own.mean == pytest.approx(number.centre, abs=1e-12)
            if number.verdict == "not distinguishable" and number.p_holm is None:
                n = number.estimate.n
                assert number.seeds_needed == (None if own.seeds_needed is None else max(own.seeds_needed, n + 1))
                open_numbers += 1
    assert open_numbers > 10


def test_what_is_settled_has_a_good_chance_to_be_settled_again():
    told = {claim.id: claim for claim in power(open_run(REFERENCE).study, REFERENCE).claims}
    assert told["C4-equal"].chance > 0.8, "supported with five seeds"
    assert told["M1"].chance < 0.2
    assert (told["M1"].seeds_needed, told["M3"].note) == (37, "more than 1,000 seeds")
    assert told["R5"].seeds_needed == 2, "two perceptrons never differ in their iterations"
    assert (told["T4"].chance, told["T5"].note) == (1, "nothing tests it")


def test_claims_of_some_chapters_compare_with_others_all_the_same():
    told = power(open_run(REFERENCE).study.with_seeds(20), REFERENCE, ["cnns"]).claims
    assert {claim.chapter for claim in told} == {"cnns"}
    (against,) = (claim for claim in told if claim.id == "C5")
    assert (against.planned, against.numbers[0].pilot) == (20, 5)
    assert all("mlps/" in number.says for number in against.numbers)
