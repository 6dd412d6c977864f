"""What is warned of, from records made by hand."""

import pytest

from rungwise.evidence.methodology import busy, few_seeds, oscillating, unequal, unsettled, unsteadiness
from rungwise.records.record import Environment, Record


def record(label="A", workers=1, threads=1, cores=2, others=None, device="cpu", **more):
    here = Environment(
        rungwise="0", commit=None, python="3", libraries={}, platform="", processor="", cores=cores, memory_bytes=1,
        threads=threads, workers=workers, device=device, others=others, finished_at="",
    )  # fmt: skip
    return Record(id=label, label=label, status="done", environment=here, **{"spec": {}, **more})


def test_few_seeds():
    assert few_seeds(0) == ()
    assert few_seeds(1) == ("It rests on 1 seed; 5 or more make an interval worth reading.",)
    assert len(few_seeds(4)) == 2
    assert few_seeds(5) == ("With 5 seeds, Wilcoxon's test cannot go below p = 0.0625, whatever the numbers.",)
    assert few_seeds(6) == ()


def spec(train_images, epochs):
    return {"data": {"source": "mnist", "train_images": train_images}, "fit": {"epochs": epochs, "batch": 64,
            "optimiser": "adam"}}  # fmt: skip


def test_unequal_data_and_budget():
    same = {"A": [record(spec=spec(None, 10))], "B": [record(spec=spec(None, 10))]}
    assert unequal(same) == ()
    data = {"A": [record(spec=spec(None, 10))], "B": [record(spec=spec(10_000, 10))]}
    assert unequal(data) == (
        "The models compared had different training data: A: mnist, all training images; B: mnist, 10,000 training "
        "images.",
    )
    (budget,) = unequal({"A": [record(spec=spec(None, 10))], "B": [record(spec=spec(None, 20))]})
    assert "different budgets: A: 10 epochs in batches of 64 with adam; B: 20 epochs" in budget
    assert unequal({"A": [record()], "B": [record(spec=spec(None, 20))]}) == (), "no fit, nothing to compare"


def test_a_last_iterate_that_oscillates():
    """Second halves: .80 .84 .80 moves by .04, .80 .81 .80 by .01."""
    steep, flat = (record(history={"test_accuracy": [0.1, 0.2, 0.80, 0.80 + up, 0.80]}) for up in (0.04, 0.01))
    groups = {"A": [steep], "B": [flat]}
    (told,) = oscillating([("test_accuracy", groups, -0.03)])
    assert "test_accuracy of A moves by 0.0400" in told
    assert "difference of 0.0300" in told
    assert oscillating([("test_accuracy", groups, 0.05)]) == ()
    assert oscillating([("test_accuracy", {"C": [record()]}, 0.05)]) == ()


def test_perceptrons_that_did_not_settle():
    groups = {"A": [record(summary={"converged": 1.0})], "B": [record(summary={"converged": 0.0})], "C": [record()]}
    (told,) = unsettled(groups)
    assert "B did not reach" in told
    assert unsettled({"A": groups["A"], "C": groups["C"]}) == ()


@pytest.mark.parametrize(
    ("others", "threads", "cores", "crowded"),
    [(0.5, 1, 2, False), (0.6, 1, 2, True), (0.04, 2, 2, False), (0.1, 2, 2, True), (None, 2, 2, False)],
)
def test_a_busy_machine(others, threads, cores, crowded):
    told = busy({"A": [record(others=others, threads=threads, cores=cores)]}, {})
    assert bool(told) == crowded
    if crowded:
        assert told[0] == "1 of 1 trials were timed while other work kept the machine's cores busy."


def test_trials_side_by_side_and_uneven_times():
    assert busy({"A": [record(workers=2)]}, {}) == ("Times were taken with 2 trials side by side on one machine.",)
    (told,) = busy({"A": [record(workers=8, device="cuda")]}, {})
    assert told.startswith("Times were taken with 8 trials side by side on one GPU: each is longer")
    (told,) = busy({"A": [record()]}, {"A": [10.0, 12.0], "B": [10.0, 13.0]})
    assert "the slowest seed of B took 1.30 times as long as its fastest" in told
    assert busy({"A": [record()]}, {"A": [10.0, 12.0]}) == ()


def test_steadiness_needs_three_epochs():
    assert unsteadiness([0.5]) is None
    assert unsteadiness([0.5, 0.6]) is None
    assert unsteadiness([0.1, 0.5, 0.6]) == pytest.approx(0.1)
    # Second half of 6 epochs: .5 .7 .6, moves .2 and .1.
    assert unsteadiness([0, 0.9, 0, 0.5, 0.7, 0.6]) == pytest.approx(0.15)
    assert unsteadiness([0, 0, 0, 1, 1, 1]) == 0
