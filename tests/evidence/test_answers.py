"""McNemar's test of two records: on the same test images, or not at all."""

import numpy as np
import pytest
from rungwise.evidence.nets import compare_nets

from rungwise.records.record import Environment, Record

HERE = Environment(
    rungwise="0", commit=None, python="3", libraries={}, platform="", processor="", cores=1, memory_bytes=1,
    threads=1, workers=1, device="cpu", finished_at="",
)  # fmt: skip
LABELS = [0, 1, 2, 0, 1]


def net(said, labels=LABELS, tasks=("label",), suffix=""):
    arrays = {f"test_predictions{suffix}": np.array(said), f"test_labels{suffix}": np.array(labels)}
    spec = {"tasks": dict.fromkeys(tasks, "labels")}
    return Record(id="x", label="x", spec=spec, status="done", environment=HERE, arrays=arrays)


def test_images_that_only_one_has_right_are_counted():
    # Right: first 1 1 0 1 0, second 1 0 1 0 0.
    test, images = compare_nets(3, net([0, 1, 0, 0, 2]), net([0, 2, 2, 1, 2]), "test_accuracy")
    assert (test.seed, test.first_only, test.second_only, images) == (3, 2, 1, 5)
    assert test.p == 1


def test_the_task_is_the_metrics_and_a_single_task_net_has_but_one():
    shared = net(LABELS, tasks=("item", "group"), suffix="_group")
    test, _ = compare_nets(0, shared, net([1, 1, 2, 0, 1], tasks=("group",)), "test_accuracy_group")
    assert (test.first_only, test.second_only) == (1, 0)
    assert compare_nets(0, shared, net(LABELS), "test_accuracy_item") is None, "no such task in the first"


@pytest.mark.parametrize("labels", [[0, 1, 2, 0, 2], [0, 1, 2, 0]])
def test_other_test_images_are_not_compared(labels):
    assert compare_nets(0, net(LABELS), net(labels, labels), "test_accuracy") is None


def test_what_is_no_test_accuracy_or_has_no_predictions_is_not_compared():
    assert compare_nets(0, net(LABELS), net(LABELS), "test_loss") is None
    bare = net(LABELS).model_copy(update={"arrays": {}})
    assert compare_nets(0, net(LABELS), bare, "test_accuracy") is None
