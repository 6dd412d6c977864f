"""From the values of a metric to its estimate: on the metric's scale, with the interval for new images."""

import itertools

import numpy as np
import pytest

from rungwise.data.settings import Data
from rungwise.evidence.design import Design, design_of
from rungwise.evidence.f1 import linear_f1
from rungwise.evidence.images import crossed
from rungwise.evidence.measure import Answers, Metric, scale_of
from rungwise.evidence.measures import Measures
from rungwise.evidence.sample import new_images
from rungwise.records.record import Environment, Record

HERE = Environment(
    rungwise="0", commit=None, python="3", libraries={}, platform="", processor="", cores=1, memory_bytes=1,
    threads=1, workers=1, device="cpu", finished_at="",
)  # fmt: skip
IDS = itertools.count()
METRICS = {
    "test_macro_f1": Metric("macro F1", ("A",), "higher", answers=Answers(statistic="macro_f1")),
    "test_recall_b": Metric("recall", ("A",), "higher", answers=Answers(statistic="recall", label=1)),
    "test_accuracy": Metric("share right", ("A",), "higher", answers=Answers()),
    "test_loss": Metric("cross-entropy", ("A",), "lower"),
    "epochs": Metric("epochs", ("A",), most=10),
    "time_s": Metric("seconds", ("A",), "lower", timing=True),
    "parameters": Metric("parameters", ("A",), exact=True),
    "net_share": Metric("share of 10 dreams", ("A",), trials=10, counted=True),
    "gap": Metric("training less test accuracy", ("A",)),
}
FIXED, POOL = Measures(METRICS, Design()), Measures(METRICS, Design(1 / 3, "new images"))


def net(right):
    arrays = {"test_predictions": np.where(right, 1, 0), "test_labels": np.ones(len(right), int)}
    return Record(id=str(next(IDS)), label="x", spec={}, status="done", environment=HERE, arrays=arrays)


def test_each_kind_has_its_scale():
    values = {0: 0.9, 1: 0.8, 2: 0.7}
    scales = {key: FIXED.estimate(key, values).scale for key in METRICS}
    assert scales == {
        "test_macro_f1": "share",
        "test_recall_b": "share",
        "test_accuracy": "share",
        "test_loss": "positive",
        "epochs": "share",
        "time_s": "positive",
        "parameters": "plain",
        "net_share": "share",
        "gap": "plain",
    }
    assert FIXED.estimate("epochs", {0: 10.0, 1: 9.0, 2: 10.0}).interval[1] < 10
    assert FIXED.estimate("time_s", {0: 0.1, 1: 5.0, 2: 9.0}).interval[0] > 0
    assert FIXED.estimate("test_accuracy", {}) is None
    assert FIXED.estimate("another number", values).scale == "plain"
    assert {scale_of(name, Metric("", ())) for name in ("gain_on_single", "parameters_saved", "gamma")} == {"plain"}


def test_a_pool_widens_what_depends_on_its_splits():
    values = {0: 0.9, 1: 0.8, 2: 0.7}
    for key, ratio in (("test_accuracy", 1 / 3), ("test_loss", 1 / 3), ("time_s", 0), ("parameters", 0)):
        assert POOL.estimate(key, values).ratio == ratio
    assert POOL.of([1, 2, 3]).ratio == POOL.difference("gap", values, {0: 0.5, 1: 0.5}).ratio == 1 / 3
    assert POOL.difference("time_s", values, {0: 0.5, 1: 0.5}).ratio == 0
    assert POOL.band("share") == {"scale": "share", "ratio": 1 / 3}


def test_an_accuracy_knows_of_new_images():
    rng = np.random.default_rng(0)
    sure = rng.random(200) < 0.7  # these are right for every seed, of the others one in eight varies
    table = np.stack([sure ^ ((rng.random(200) < 0.05) & ~sure) for _ in range(5)])
    records = {seed: [net(row)] for seed, row in enumerate(table)}
    values = {seed: float(row.mean()) for seed, row in enumerate(table)}
    found = FIXED.estimate("test_accuracy", values, records)
    assert found.trials == 200
    assert found.new[0] < found.interval[0] < found.interval[1] < found.new[1], "images vary more than seeds here"
    other = rng.random((5, 200)) < 0.7
    theirs = {seed: [net(row)] for seed, row in enumerate(other)}
    lead = FIXED.difference(
        "test_accuracy", values, {s: float(r.mean()) for s, r in enumerate(other)}, (records, theirs)
    )
    assert lead.new == pytest.approx(crossed(table.astype(float) - other).interval())


def test_new_images_are_not_guessed():
    values = {0: 0.5, 1: 0.6}
    assert FIXED.estimate("test_accuracy", values).new is None, "no records"
    bare = {seed: [net([True]).model_copy(update={"id": f"bare {seed}", "arrays": {}})] for seed in values}
    assert FIXED.estimate("test_accuracy", values, bare).new is None, "no answers kept"
    full = {seed: [net([True, False])] for seed in values}
    assert POOL.estimate("test_accuracy", values, full).new is None, "other images in each seed"
    assert FIXED.estimate("test_loss", values, full).new is None, "no answers to single images"
    assert FIXED.estimate("test_accuracy", {0: 0.5}, full).new is None, "one seed"


def test_designs_of_data():
    assert design_of(Data(source="mnist")) == Design(0, "these images")
    assert design_of(Data(source="digits")) == Design(449 / 1348, "new images")
    fewer = design_of(Data(source="digits", train_images=100))
    assert fewer.ratio == 449 / 1348, "all that is left beside the test part counts, not what is drawn of it"


# Metrics of classes ---------------------------------------------------------------------------------------------


def answered(said, labels):
    arrays = {"test_predictions": np.array(said), "test_labels": np.array(labels)}
    return Record(id=str(next(IDS)), label="x", spec={}, status="done", environment=HERE, arrays=arrays)


def drawn(seeds=5, wrong=0.2):
    """Records by seed of nets on 100, 40 and 10 images of three classes."""
    draws, labels = np.random.default_rng(1), np.repeat([0, 1, 2], [100, 40, 10])
    rows = np.where(draws.random((seeds, 150)) < wrong, draws.integers(3, size=(seeds, 150)), labels)
    return {seed: [answered(row, labels)] for seed, row in enumerate(rows)}


def read(measures, key, records):
    return {seed: measures.read(key, own) for seed, own in records.items()}


def test_macro_f1_has_both_intervals_and_so_has_a_difference_of_two():
    first, second = drawn(), drawn(wrong=0.5)
    measures = Measures(METRICS, Design())
    values = [read(measures, "test_macro_f1", records) for records in (first, second)]
    found = measures.estimate("test_macro_f1", values[0], first)
    assert found.scale == "share"
    assert found.new[0] < found.interval[0] < found.interval[1] < found.new[1], "ten images of a class say little"
    lead = measures.difference("test_macro_f1", *values, (first, second))
    tables = [
        np.stack([linear_f1(own.arrays["test_predictions"], own.arrays["test_labels"], 3) for (own,) in each.values()])
        for each in (first, second)
    ]
    assert lead.new == pytest.approx(new_images(crossed(tables[0] - tables[1]), "plain"))
    assert lead.mean == pytest.approx(np.mean([values[0][seed] - values[1][seed] for seed in range(5)]))


def test_a_class_that_is_always_right_has_the_interval_of_a_count_of_its_own_images():
    """Of 10 images, and not of all 30."""
    labels = np.repeat([0, 1], [20, 10])
    records = {seed: [answered([seed % 2, *labels[1:]], labels)] for seed in range(3)}
    measures = Measures(METRICS, Design())
    found = measures.estimate("test_recall_b", read(measures, "test_recall_b", records), records)
    assert (found.mean, found.trials, found.basis) == (1, 10, "trials")
    assert found.new == pytest.approx((0.025 ** (1 / 10), 1.0))


def test_all_right_leaves_macro_f1_what_the_rarest_class_leaves_it():
    labels = np.repeat([0, 1], [20, 4])
    records = {seed: [answered(labels, labels)] for seed in range(3)}
    measures = Measures(METRICS, Design())
    found = measures.estimate("test_macro_f1", read(measures, "test_macro_f1", records), records)
    assert found.trials == 2 * 4
    assert found.new == pytest.approx((0.025 ** (1 / 8), 1.0))


def test_splits_of_one_pool_widen_macro_f1_as_they_widen_accuracy():
    records = drawn()
    values = read(POOL, "test_macro_f1", records)
    found = POOL.estimate("test_macro_f1", values, records)
    assert (found.ratio, found.new) == (1 / 3, None)
