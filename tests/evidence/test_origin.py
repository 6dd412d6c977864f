"""Records of unequal origin: what warns, and what is not judged (part 8 of the reference on evidence)."""

from typing import Any

import pytest

from rungwise.evidence.claims import Claim
from rungwise.evidence.measure import Measurement, Metric
from rungwise.evidence.origin import differences, not_judged, warnings
from rungwise.judging.judge import Ledger, judge
from rungwise.records.environment import environment_here
from rungwise.records.record import Record

HERE = environment_here(device="cpu", threads=1, workers=1)
FIT, PERCEPTRON = "rungwise.training.fit:carry_out", "rungwise.training.perceptron:learn"


def record(name: str, *, work: str = FIT, spec: dict[str, Any] | None = None, **environment: Any) -> Record:
    choices = {"precision": environment.pop("precision", "float32")}
    data = environment.pop("data_sha256", {"images": "abc"})
    fit = {"fit": {"precision": "auto"}} if work == FIT else {}
    return Record(
        id=name, label=name, spec={"work": work, **fit, **(spec or {})}, status="done", choices=choices,
        data_sha256=data, environment=HERE.model_copy(update={"code": {"rungwise": "c0de"}, **environment}),
    )  # fmt: skip


def sides(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> dict[str, dict[int, list[Record]]]:
    def side(name: str, each: list[dict[str, Any]]) -> dict[int, list[Record]]:
        return {seed: [record(f"{name}{seed}", **what)] for seed, what in enumerate(each)}

    return {"A": side("A", ours), "B": side("B", theirs)}


def test_one_origin_is_no_matter() -> None:
    assert differences(sides([{}, {}], [{}, {}])) == []


def test_seeds_of_two_machines_are_no_matter_where_both_models_share_them() -> None:
    each = [{"processor": "one"}, {"processor": "two"}]
    assert differences(sides(each, each)) == []


@pytest.mark.parametrize(
    ("fact", "other"),
    [
        ("machine", {"processor": "another"}),
        ("device", {"device": "cuda", "accelerator": "H200"}),
        ("precision", {"precision": "bfloat16"}),
    ],
)
def test_all_of_one_side_from_elsewhere_is_not_judged_and_a_part_warns(fact: str, other: dict[str, Any]) -> None:
    (found,) = differences(sides([{}, {}], [other, other]))
    assert (found.fact, found.apart) == (fact, True)
    assert "mixed = true" in not_judged([found])
    (found,) = differences(sides([{}, {}], [{}, other]))
    assert (found.fact, found.apart) == (fact, False)
    assert not_judged([found]) == ""
    assert len(warnings([found])) == 1


@pytest.mark.parametrize(
    ("fact", "other"),
    [
        ("code", {"code": {"rungwise": "0ther"}}),
        ("libraries", {"libraries": {**HERE.libraries, "torch": "1.0"}}),
        ("data", {"data_sha256": {"images": "other"}}),
    ],
)
def test_other_code_libraries_and_files_warn_and_are_judged(fact: str, other: dict[str, Any]) -> None:
    (found,) = differences(sides([{}, {}], [other, other]))
    assert found.fact == fact
    assert not_judged([found]) == ""
    assert warnings([found])[0].startswith("The records compared come from different")


def test_old_records_are_told_apart_by_their_commits() -> None:
    old = [{"code": {}, "commit": "a" * 40}, {"code": {}, "commit": "b" * 40}]
    assert [found.fact for found in differences(sides([old[0]], [old[1]]))] == ["code"]


def test_another_version_of_a_work_is_not_judged_be_it_of_one_seed() -> None:
    raised = {"spec": {"versions": {"work": 2}}}
    (found,) = differences(sides([{}, {}], [{}, raised]))
    assert (found.fact, found.apart) == ("version", False)
    assert "versions of the results" in not_judged([found])


def test_versions_of_different_works_and_nets_are_not_compared() -> None:
    theirs = [{"work": PERCEPTRON, "spec": {"versions": {"work": 2}}}]
    assert differences(sides([{}], theirs)) == []
    net = [{"spec": {"net": {"family": "other"}, "versions": {"net": 2}}}]
    assert differences(sides([{"spec": {"net": {"family": "mlp"}}}], net)) == []


def test_what_follows_from_the_spec_on_one_machine_does_not_count() -> None:
    """A perceptron never uses the GPU, and another package's code is that of its own models."""
    net = {
        "device": "cuda",
        "accelerator": "H200",
        "code": {"rungwise": "c0de", "theirs": "x"},
        "precision": "bfloat16",
    }
    assert differences(sides([net], [{"work": PERCEPTRON}])) == []


def test_seeds_that_only_one_side_has_are_not_compared() -> None:
    assert differences(sides([{}], [{}, {"processor": "another"}])) == []


# In a claim -----------------------------------------------------------------------------------------------------

METRICS = {
    "mlps": {
        "test_accuracy": Metric("accuracy", ("A", "B", "C"), better="higher"),
        "parameters": Metric("count", ("A", "B"), exact=True),
    }
}


def judged(other: dict[str, Any], *, mixed: bool = False, metric: str = "test_accuracy", **condition: Any) -> Any:
    values = {"A": (0.9, 0.91, 0.92), "B": (0.8, 0.81, 0.83), "C": (0.7, 0.71, 0.73)}
    records = {f"{m}{seed}": record(f"{m}{seed}", **(other if m == "B" else {})) for m in values for seed in range(3)}
    found = [
        Measurement("mlps", model, name, seed, value, (f"{model}{seed}",))
        for model, each in values.items()
        for seed, value in enumerate(each)
        for name in METRICS["mlps"]
    ]
    claim = Claim(id="a", says="a claim", test=({"metric": metric, **condition},))  # type: ignore[arg-type]
    return judge(claim, "mlps", METRICS, Ledger(found, records, mixed=mixed))


def test_a_claim_between_machines_is_not_judged_unless_the_study_says_so() -> None:
    other = {"processor": "another"}
    found = judged(other, better="A", than="B")
    assert found.verdict == "not judged"
    assert found.why.startswith("The records compared come from different machines: mlps/A has")
    assert [number.verdict for number in found.numbers] == ["not judged"]
    assert judged(other, better="A", than="B", mixed=True).verdict == "supported"
    assert judged({}, better="A", than="B").verdict == "supported"


def test_one_number_that_is_not_judged_leaves_the_claim_unjudged_and_a_refuted_one_refutes_it() -> None:
    other = {"processor": "another"}
    assert judged(other, best="A").verdict == "not judged"
    assert judged(other, best="C").verdict == "refuted", "A is better than C, on one machine"


def test_trends_compare_every_model() -> None:
    other = {"spec": {"versions": {"work": 2}}}
    assert judged(other, trend="falls", over=["A", "B", "C"]).verdict == "not judged"


def test_single_values_and_counts_compare_nothing() -> None:
    other = {"processor": "another"}
    assert judged(other, model="B", above=0.5).verdict == "supported"
    assert judged(other, metric="parameters", equal="A", to="B", within=1).verdict == "supported"


def test_other_code_warns_beside_the_verdict() -> None:
    """The case of code-changed-1.toml and code-changed-2.toml."""
    found = judged({"code": {"rungwise": "0ther"}}, better="A", than="B")
    assert found.verdict == "supported"
    assert any("different code" in warning for warning in found.warnings)
