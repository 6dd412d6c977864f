"""Claims judged by measurements: hand-made ones, and those of a real small study."""

from pathlib import Path

import numpy as np
import pytest

from rungwise.evidence.claims import Best, Claim, Highest, Lowest
from rungwise.evidence.judgement import Judgement
from rungwise.evidence.measure import Measurement, Metric
from rungwise.judging.judge import controlled, judge, judged, measurements
from rungwise.judging.ledger import Ledger
from rungwise.runs.run import open_run, run_study
from rungwise.study.reading import known_metrics, parse_study

KNOWN = {
    "mlps": {
        "test_accuracy": Metric("accuracy", ("A", "B", "C"), better="higher"),
        "parameters": Metric("count", ("A", "B", "C"), exact=True),
    },
    "cnns": {"test_accuracy": Metric("accuracy", ("X",), better="higher")},
}


def ledger(**values):
    """A ledger of "chapter/model/metric" -> one value per seed, or a dict by seed."""
    found = []
    for path, by_seed in values.items():
        chapter, model, metric = path.split("/")
        pairs = by_seed.items() if isinstance(by_seed, dict) else enumerate(by_seed)
        found += [Measurement(chapter, model, metric, seed, value, ()) for seed, value in pairs]
    return Ledger(found, {})


def judgement(values, chapter="mlps", **condition):
    claim = Claim(id="A", says="a claim", note="a note", test=(condition,))
    return judge(claim, chapter, KNOWN, ledger(**values))


ACCURACIES = {
    "mlps/A/test_accuracy": [0.90, 0.91, 0.92, 0.93],
    "mlps/B/test_accuracy": [0.80, 0.80, 0.82, 0.82],
    "mlps/C/test_accuracy": [0.70, 0.72, 0.71, 0.73],
}


def test_a_difference_is_paired_by_seed():
    """B is noisy as A is, and by the same seeds: unpaired the intervals would be three times as wide."""
    found = judgement(ACCURACIES, metric="test_accuracy", better="A", than="B")
    assert found.verdict == "supported"
    assert found.numbers[0].says == "test_accuracy of A less B"
    assert found.numbers[0].estimate.values == pytest.approx((0.10, 0.11, 0.10, 0.11))
    assert (found.test, found.n, found.id, found.says, found.note) == ("paired t", 4, "A", "a claim", "a note")


def test_seeds_pair_by_their_number_and_not_by_their_order():
    values = {"mlps/A/test_accuracy": {3: 0.9, 0: 0.5, 7: 0.1}, "mlps/B/test_accuracy": {0: 0.4, 3: 0.7, 9: 0.0}}
    found = judgement(values, metric="test_accuracy", better="A", than="B")
    assert found.numbers[0].estimate.values == pytest.approx((0.1, 0.2))


def test_best_is_against_each_other_one():
    found = judgement(ACCURACIES, metric="test_accuracy", best="A")
    assert [number.says for number in found.numbers] == ["test_accuracy of A less B", "test_accuracy of A less C"]
    assert found.verdict == "supported"
    assert judgement(ACCURACIES, metric="test_accuracy", best="B").verdict == "refuted"


def test_a_value_and_a_trend():
    found = judgement(ACCURACIES, metric="test_accuracy", model=["A", "B"], above=0.75)
    assert (found.verdict, found.test) == ("supported", "one-sample t")
    found = judgement(ACCURACIES, metric="test_accuracy", trend="falls", over=["A", "B", "C"])
    assert found.numbers[0].estimate.values == pytest.approx((-0.1, -0.095, -0.105, -0.1))  # (C - A) / 2
    assert (found.verdict, found.test) == ("supported", "t on the slope by seed")


def test_all_claims_of_a_study_together():
    """p of .004, .03 and .04, and one that was not run: Holm keeps the first alone, Benjamini-Hochberg all."""
    ps = {"A": 0.004, "B": 0.03, "C": 0.04}
    verdicts = {"A": "supported", "B": "refuted", "C": "supported"}
    claims = {
        name: Judgement(id=name, says="s", verdict=verdicts[name], why="", test="t", n=5, p=p) for name, p in ps.items()
    }
    open_ = Judgement(id="D", says="s", verdict="not run", why="", test="", n=0)
    found = {"one": (claims["A"], open_), "two": (claims["B"], claims["C"])}

    def kept(control):
        every = controlled(found, control)
        assert [claim.id for own in every.values() for claim in own] == ["A", "D", "B", "C"]
        return {claim.id: claim.survives for own in every.values() for claim in own}

    assert kept("holm") == {"A": True, "B": False, "C": False, "D": None}
    assert kept("benjamini-hochberg") == {"A": True, "B": True, "C": True, "D": None}


def test_equal_is_two_one_sided_tests():
    found = judgement(ACCURACIES, metric="test_accuracy", equal="A", to="B", within=0.12)
    assert (found.verdict, found.test) == ("supported", "two one-sided paired t")
    assert judgement(ACCURACIES, metric="test_accuracy", equal="A", to="B", within=0.05).verdict == "refuted"


def test_what_has_no_noise_is_judged_by_one_seed_and_without_a_test():
    values = {"mlps/A/parameters": [10.0], "mlps/B/parameters": [20.0]}
    found = judgement(values, metric="parameters", higher="B", than="A")
    assert (found.verdict, found.test, found.n, found.warnings) == ("supported", "", 1, ())


def test_what_32_bits_lose_is_no_difference():
    ours, theirs = [0.95, 0.96, 0.97], [float(np.float32(value)) for value in (0.95, 0.96, 0.97)]
    assert ours != theirs
    values = {"mlps/A/test_accuracy": ours, "mlps/B/test_accuracy": theirs}
    found = judgement(values, metric="test_accuracy", better="A", than="B")
    assert found.verdict == "not supported"
    recorded = tuple(a - b for a, b in zip(ours, theirs, strict=True))
    assert found.numbers[0].estimate.values == recorded, "shown as they were recorded"
    assert found.numbers[0].estimate.interval is None
    steady = {"mlps/A/test_accuracy": [value + 0.01 for value in theirs], "mlps/B/test_accuracy": ours}
    assert judgement(steady, metric="test_accuracy", better="A", than="B").verdict == "not distinguishable"


def test_what_is_missing_is_named_once():
    values = {"mlps/A/test_accuracy": [0.9, 0.8]}
    found = judgement(values, metric="test_accuracy", best="A")
    assert found.verdict == "not run"
    assert found.why == "It needs what has no record: test_accuracy of B, C."
    found = judgement(values, "cnns", metric="test_accuracy", better="X", than="mlps/A")
    assert found.why == "It needs what has no record: test_accuracy of X."
    apart = {"mlps/A/test_accuracy": {0: 0.9}, "mlps/B/test_accuracy": {1: 0.9}}
    found = judgement(apart, metric="test_accuracy", better="A", than="B")
    assert found.why == "It needs what has no record: seeds in common."


def test_few_seeds_are_told():
    found = judgement(ACCURACIES, metric="test_accuracy", better="A", than="B")
    assert found.warnings == (
        "It rests on 4 seeds; 5 or more make an interval worth reading.",
        "With 4 seeds, Wilcoxon's test cannot go below p = 0.1250, whatever the numbers.",
    )


# Shuffled ------------------------------------------------------------------------------------------------------


def shuffled(found, rng):
    """The measurements with the values of each metric and seed dealt anew to the models."""
    groups = {}
    for each in found:
        groups.setdefault((each.chapter, each.metric, each.seed), []).append(each)
    dealt = []
    for group in groups.values():
        order = rng.permutation(len(group))
        dealt += [each._replace(value=group[other].value) for each, other in zip(group, order, strict=True)]
    return dealt


def test_shuffling_which_seed_belongs_to_which_model_turns_every_best_into_not_distinguishable():
    """Five models far apart, ten seeds: the order is beyond doubt, until the models' names are dealt anew by seed."""
    rng = np.random.default_rng(11)
    names = ("A", "B", "C", "D", "E")
    known = {"mlps": {"test_accuracy": Metric("accuracy", names, better="higher")}}
    found = [
        Measurement("mlps", name, "test_accuracy", seed, 0.9 + 0.01 * i + 0.001 * rng.normal(), ())
        for i, name in enumerate(names)
        for seed in range(10)
    ]
    bests = [Claim(id=name, says="best", test=({"metric": "test_accuracy", "best": name},)) for name in names]
    verdicts = [judge(claim, "mlps", known, Ledger(found, {})).verdict for claim in bests]
    assert verdicts == ["refuted"] * 4 + ["supported"]
    dealt = [Ledger(shuffled(found, np.random.default_rng(seed)), {}) for seed in range(40)]
    turned = [[judge(claim, "mlps", known, each).verdict for claim in bests] for each in dealt]
    assert ["not distinguishable"] * 5 in turned[:3], "a shuffle turns every one"
    wrong = sum(verdict != "not distinguishable" for verdicts in turned for verdict in verdicts)
    assert wrong / 200 <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5, "and others but for the errors that the level allows"


# A real study --------------------------------------------------------------------------------------------------

STUDY = """
title = "Wide and narrow"
seeds = 6
[[chapter]]
kind = "mlps"
data = { source = "digits" }
fit = { epochs = 4, batch = 64 }
nets = { narrow = { hidden = [2] }, middle = { hidden = [8] }, wide = { hidden = [64] } }
[[chapter.claim]]
id = "best"
says = "The wide net is best"
test = { metric = "test_accuracy", best = "wide" }
[[chapter.claim]]
id = "worst"
says = "The narrow net is best"
test = { metric = "test_accuracy", best = "narrow" }
[[chapter.claim]]
id = "size"
says = "Accuracy rises with width"
test = { metric = "test_accuracy", trend = "rises", over = ["narrow", "middle", "wide"] }
[[chapter.claim]]
id = "open"
says = "Nothing tests this"

[[chapter]]
kind = "mlps"
name = "less"
seeds = 2
data = { source = "digits", train_images = 500 }
fit = { epochs = 2, batch = 64 }
nets = { wide = { hidden = [64] }, narrow = { hidden = [2] } }
[[chapter.claim]]
id = "data"
says = "More data and epochs help"
test = { metric = "test_accuracy", higher = "mlps/wide", than = "wide" }
[[chapter.claim]]
id = "both"
says = "With much data and with little, the wide net is better"
test = [
  { metric = "test_accuracy", better = "mlps/wide", than = "mlps/narrow" },
  { metric = "test_accuracy", better = "wide", than = "narrow" },
]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_study(parse_study(STUDY, "study.toml"), tmp_path_factory.mktemp("judge") / "out")


def test_a_real_study_is_judged(run):
    found = {each.id: each for claims in judged(run.study, run.records).values() for each in claims}
    assert {key: each.verdict for key, each in found.items() if key not in ("data", "both")} == {
        "best": "supported",
        "worst": "refuted",
        "size": "supported",
        "open": "not run",
    }
    assert len(found["best"].trials) == 18, "three nets by six seeds"
    assert set(found["best"].trials) <= run.records.keys()


def test_mcnemar_counts_the_images_of_each_seed(run):
    (best, *_), _ = judged(run.study, run.records).values()
    number = best.numbers[0]
    assert [each.seed for each in number.mcnemar] == list(range(6))
    for each, difference in zip(number.mcnemar, number.estimate.values, strict=True):
        images = len(run.records[number.trials[0]].arrays["test_labels"])
        assert (each.first_only - each.second_only) / images == pytest.approx(difference, abs=1e-6)


def test_unequal_data_and_budgets_are_told(run):
    claim = judged(run.study, run.records)["less"][0]
    assert (claim.n, claim.numbers[0].says) == (2, "test_accuracy of mlps/wide less wide")
    told = "\n".join(claim.warnings)
    assert "different training data: mlps/wide: digits, all training images; less/wide: digits, 500" in told
    assert "different budgets: mlps/wide: 4 epochs in batches of 64 with adam; less/wide: 2 epochs" in told


def test_two_comparisons_of_likes_are_not_of_unlikes(run):
    """No net is compared with one that had other data, though the first pair had other data than the second."""
    claim = judged(run.study, run.records)["less"][1]
    assert len(claim.numbers) == 2
    assert not any("models compared had different" in warning for warning in claim.warnings)


def test_the_shuffled_study_supports_nothing(run):
    known = {"mlps": {"test_accuracy": Metric("accuracy", ("narrow", "middle", "wide"), better="higher")}}
    found = [each for each in measurements(run.study, run.records) if each.metric == "test_accuracy"]
    dealt = Ledger(shuffled([each for each in found if each.chapter == "mlps"], np.random.default_rng(1)), run.records)
    best, worst, *_ = run.study.chapters[0].claims
    assert judge(best, "mlps", known, dealt).verdict == "not distinguishable"
    assert judge(worst, "mlps", known, dealt).verdict == "not distinguishable"


def test_shuffling_the_published_study_leaves_nothing_that_is_best():
    """P4, tightest and widest cluster, is supported by ten seeds of MNIST; by the same values dealt anew it is not."""
    run = open_run(Path(__file__).parents[2] / "results" / "reference")
    bests = [
        (chapter, claim)
        for chapter in run.study.chapters
        for claim in chapter.claims
        if any(isinstance(condition, Best | Highest | Lowest) for condition in claim.test)
    ]
    assert [claim.id for _, claim in bests] == ["P4", "M2", "C1", "T1"]
    known, records = known_metrics(run.study.chapters), run.records
    found = measurements(run.study, records)
    as_it_was, dealt = (Ledger(each, records) for each in (found, shuffled(found, np.random.default_rng(0))))
    told = [
        [judge(claim, chapter.name, known, each).verdict for chapter, claim in bests] for each in (as_it_was, dealt)
    ]
    assert told == [["supported", *["not distinguishable"] * 3], ["not distinguishable"] * 4]


def test_a_number_of_several_trials_is_doubted_as_they_are():
    """Time saved is of one net and two others, which shared a GPU with five more."""
    run = open_run(Path(__file__).parents[2] / "results" / "reference")
    (claim,) = (one for chapter in judged(run.study, run.records).values() for one in chapter if one.id == "T4")
    assert any(
        warning.startswith("Times were taken with 8 trials side by side on one GPU") for warning in claim.warnings
    )
