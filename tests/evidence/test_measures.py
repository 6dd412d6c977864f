"""From the values of a metric to its estimate: on the metric's scale, with the interval for new images."""

import numpy as np
import pytest

from rungwise.data.settings import Data
from rungwise.evidence.design import Design, design_of
from rungwise.evidence.images import crossed
from rungwise.evidence.measure import Answers, Metric, scale_of
from rungwise.evidence.measures import Measures
from rungwise.records.record import Environment, Record

HERE = Environment(
    rungwise="0", commit=None, python="3", libraries={}, platform="", processor="", cores=1, memory_bytes=1,
    threads=1, workers=1, device="cpu", finished_at="",
)  # fmt: skip
METRICS = {
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
    return Record(id="x", label="x", spec={}, status="done", environment=HERE, arrays=arrays)


def test_each_kind_has_its_scale():
    values = {0: 0.9, 1: 0.8, 2: 0.7}
    scales = {key: FIXED.estimate(key, values).scale for key in METRICS}
    assert scales == {
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
    bare = {seed: [net([True]).model_copy(update={"arrays": {}})] for seed in values}
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
