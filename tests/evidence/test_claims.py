"""Claims in a study file: how they are read, what they ask for, and what is told of a mistake in one."""

import pytest

from rungwise.evidence.conditions import ConditionError, Ref, wanted
from rungwise.evidence.measure import Metric
from rungwise.study.reading import parse_study, read_study
from rungwise.study.study import StudyError

TEXT = """\
title = "Claims"
[[chapter]]
kind = "mlps"
data = { source = "digits" }
fit = { epochs = 3 }
nets = { A = { hidden = [2] }, B = { hidden = [20] }, C = { hidden = [40] } }
[[chapter.claim]]
id = "M1"
says = "C is best"
test = { metric = "test_accuracy", best = "C", matters = 0.01 }
[[chapter.claim]]
id = "M2"
says = "Wider nets have lower losses, and none is far from .9"
test = [
  { metric = "test_loss", trend = "falls", over = ["A", "B", "C"] },
  { metric = "test_accuracy", model = "all", near = 0.9, within = 0.2 },
]

[[chapter]]
kind = "cnns"
name = "conv"
data = { source = "digits" }
fit = { epochs = 1 }
nets = { A = { filters = [3] } }
[[chapter.claim]]
id = "C1"
says = "The CNN beats every MLP"
test = { metric = "test_accuracy", better = "A", than = "mlps/all" }
[[chapter.claim]]
id = "C2"
says = "Nothing tests this"
"""


def read(text=TEXT):
    return parse_study(text, "claims.toml")


def test_claims_are_read_and_survive_json():
    study = read()
    assert [claim.id for chapter in study.chapters for claim in chapter.claims] == ["M1", "M2", "C1", "C2"]
    assert [len(claim.test) for claim in study.chapters[0].claims] == [1, 2]
    assert study.chapters[1].claims[1].test == ()
    assert parse_study(study.as_json(), "again.json") == study


def test_the_reference_declares_every_claim_of_its_source():
    ids = [claim.id for chapter in read_study("reference").chapters for claim in chapter.claims]
    counts = {"P": 4, "R": 5, "M": 4, "C": 6, "S": 2, "T": 6}
    published = [f"{letter}{n}" for letter, count in counts.items() for n in range(1, count + 1)]
    assert len(published) == 27
    assert set(published) <= set(ids)
    assert set(ids) - set(published) == {"C4-equal", "C5-equal", "C6-equal"}, "the equal comparisons"


# What a condition asks for -------------------------------------------------------------------------------------

KNOWN = {
    "mlps": {
        "test_accuracy": Metric("accuracy", ("A", "B", "C"), better="higher"),
        "test_loss": Metric("loss", ("A", "B", "C"), better="lower"),
        "parameters": Metric("count", ("A", "B", "C"), exact=True),
        "time_s": Metric("time", ("A", "B"), better="lower", timing=True),
    },
    "conv": {"test_accuracy": Metric("accuracy", ("A", "a/b"), better="higher")},
}


def asked(chapter="mlps", **condition):
    text = read().model_dump(mode="json", by_alias=True)["chapter"][0]["claim"][0]
    claim = type(read().chapters[0].claims[0]).model_validate({**text, "test": condition})
    return wanted(claim.test[0], chapter, KNOWN)


def regions(found):
    return [(tuple(ref.model for ref in each.models), each.low, each.high) for each in found]


def test_best_is_better_than_every_other_in_the_direction_of_the_metric():
    assert regions(asked(metric="test_accuracy", best="B")) == [(("B", "A"), 0, None), (("B", "C"), 0, None)]
    assert regions(asked(metric="test_loss", best="B")) == [(("B", "A"), None, 0), (("B", "C"), None, 0)]
    assert regions(asked(metric="test_loss", best="B", of=["C"])) == [(("B", "C"), None, 0)]


def test_highest_and_lowest_do_not_ask_what_is_better():
    assert regions(asked(metric="parameters", highest="B", of="A")) == [(("B", "A"), 0, None)]
    assert regions(asked(metric="test_loss", lowest="B", of="A")) == [(("B", "A"), None, 0)]


def test_comparisons_pair_each_with_each_and_none_with_itself():
    found = asked(metric="test_accuracy", better=["A", "B"], than="C")
    assert regions(found) == [(pair, 0, None) for pair in (("A", "C"), ("B", "C"))]
    assert regions(asked(metric="test_loss", higher="A", than="all"))[0] == (("A", "B"), 0, None)


def test_no_better_and_equal_have_margins():
    assert regions(asked(metric="test_accuracy", no_better="A", than="B", within=0.1)) == [(("A", "B"), None, 0.1)]
    assert regions(asked(metric="test_loss", no_better="A", than="B", within=0.1)) == [(("A", "B"), -0.1, None)]
    assert regions(asked(metric="test_loss", equal="A", to="B", within=0.1)) == [(("A", "B"), -0.1, 0.1)]


def test_values_lie_above_below_or_near():
    assert regions(asked(metric="test_loss", model="A", above=0.5)) == [(("A",), 0.5, None)]
    assert regions(asked(metric="test_loss", model=["A", "C"], below=0.5)) == [
        (("A",), None, 0.5),
        (("C",), None, 0.5),
    ]
    assert regions(asked(metric="test_loss", model="A", near=0.5, within=0.25)) == [(("A",), 0.25, 0.75)]


def test_a_trend_is_one_number_over_all_its_models():
    assert regions(asked(metric="test_loss", trend="falls", over=["C", "A", "B"])) == [(("C", "A", "B"), None, 0)]


def test_models_of_other_chapters_and_names_with_a_slash():
    found = asked("conv", metric="test_accuracy", better="a/b", than=["mlps/C", "A"])
    assert [each.models for each in found] == [
        (Ref("conv", "a/b"), Ref("mlps", "C")),
        (Ref("conv", "a/b"), Ref("conv", "A")),
    ]


def test_what_kind_of_metric_it_is_comes_along():
    assert asked(metric="parameters", highest="B")[0].exact
    assert asked(metric="time_s", better="A", than="B")[0].timing
    assert asked(metric="test_loss", best="B", matters=0.5)[0].matters == 0.5


@pytest.mark.parametrize("condition", [{"best": "A"}, {"better": "A", "than": "B"}])
def test_better_needs_a_metric_with_a_direction(condition):
    with pytest.raises(ConditionError, match="neither more nor less of 'parameters' is better; say highest"):
        asked(metric="parameters", **condition)


# Mistakes ------------------------------------------------------------------------------------------------------

MISTAKES = {
    # name: (old, new, words on the line to be named, what is said)
    "unknown model": ('best = "C"', 'best = "CC"', "CC", "claim M1: the chapter 'mlps' measures no test_accuracy of "
                      "'CC'; did you mean 'C'? Known: A, B, C"),
    "unknown metric": ('metric = "test_loss"', 'metric = "test_los"', "test_los", "claim M2: the chapter 'mlps' has no "
                       "metric 'test_los'; did you mean 'test_loss'?"),
    "unknown chapter": ("mlps/all", "mlp/all", "mlp/all", "claim C1: the study has no chapter 'mlp'; did you mean "
                        "'mlps'? Known: conv, mlps"),
    "unknown model in another chapter": ("mlps/all", "mlps/D", "mlps/D", "claim C1: the chapter 'mlps' measures no "
                                         "test_accuracy of 'D'; Known: A, B, C"),
    "unknown model in a trend": ('["A", "B", "C"]', '["A", "B", "c"]', '"c"', "measures no test_loss of 'c'"),
    "against itself": ('than = "mlps/all"', 'than = "A"', 'than = "A"', "'than' names no other model than 'better'"),
    "no condition": ('best = "C", ', "", "matters", "test: a condition has exactly one of the words best, highest, "
                     "lowest, better, higher, no_better, equal, above, below, near, trend, as in { metric"),
    "two conditions": ('best = "C"', 'best = "C", above = 1', "above", "a condition has exactly one of the words"),
    "misspelt in a condition": ("matters", "maters", "maters", "did you mean 'matters'"),
    "missing in a condition": (', than = "mlps/all"', "", 'better = "A"', "than' is missing"),
    "no margin": (", within = 0.2", "", "near", "within' is missing"),
    "an empty margin": ("within = 0.2", "within = 0", "within", "greater than 0"),
    "a trend over two": ('["A", "B", "C"]', '["A", "B"]', "trend", "at least 3 items"),
    "the same id": ('id = "C2"', 'id = "M1"', "@last", "two claims have the id 'M1'"),
    "misspelt in a claim": ('says = "Nothing', 'say = "Nothing', "Nothing", "unknown setting 'claim.1.say"),
    "two chapters of one name": ('name = "conv"', 'name = "mlps"', 'name = "mlps"', "two chapters are called 'mlps'"),
    "a name with a slash": ('name = "conv"', 'name = "a/b"', '"a/b"', "name: "),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "says"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_in_a_claim_is_told_with_its_line(old, new, where, says):
    assert TEXT.count(old) == 1
    text = TEXT.replace(old, new)
    expected = [n for n, line in enumerate(text.splitlines(), 1) if (where if where[0] != "@" else 'id = "M1"') in line]
    with pytest.raises(StudyError) as error:
        read(text)
    told = [line for line in str(error.value).splitlines() if says.replace("claim.1.say", "claim") in line]
    assert told, str(error.value)
    assert told[0].startswith(f"claims.toml, line {expected[-1]}: "), str(error.value)


def test_a_second_chapter_of_a_kind_needs_a_name():
    text = TEXT.replace('kind = "cnns"\nname = "conv"', 'kind = "mlps"').replace("filters", "hidden")
    with pytest.raises(StudyError, match="two chapters are called 'mlps'; give this one a name"):
        read(text)
