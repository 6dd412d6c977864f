"""McNemar's test of two records: on the same test images, or not at all."""

import numpy as np
import pytest

from rungwise.evidence.answers import by_image, compare_nets, right
from rungwise.evidence.measure import Answers
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
    test, images = compare_nets(3, [net([0, 1, 0, 0, 2])], [net([0, 2, 2, 1, 2])], Answers())
    assert (test.seed, test.first_only, test.second_only, images) == (3, 2, 1, 5)
    assert test.p == 1


def test_the_task_is_the_metrics_and_a_single_task_net_has_but_one():
    shared = net(LABELS, tasks=("item", "group"), suffix="_group")
    test, _ = compare_nets(0, [shared], [net([1, 1, 2, 0, 1], tasks=("group",))], Answers(("group",)))
    assert (test.first_only, test.second_only) == (1, 0)
    assert compare_nets(0, [shared], [net(LABELS)], Answers(("item",))) is None, "no such task in the first"


@pytest.mark.parametrize("labels", [[0, 1, 2, 0, 2], [0, 1, 2, 0]])
def test_other_test_images_are_not_compared(labels):
    assert compare_nets(0, [net(LABELS)], [net(labels, labels)], Answers()) is None


def test_what_is_no_test_accuracy_or_has_no_predictions_is_not_compared():
    assert compare_nets(0, [net(LABELS)], [net(LABELS)], None) is None
    bare = net(LABELS).model_copy(update={"arrays": {}})
    assert compare_nets(0, [net(LABELS)], [bare], Answers()) is None


def test_what_is_right_by_hand():
    """Right on the label: 1 1 0 0 1; on the group: 1 0 1 0 1. Averaged over both tasks, and the wrong ones."""
    both = net([0, 1, 0, 1, 1], tasks=("item", "group"), suffix="_item")
    group = {"test_predictions_group": np.array([0, 0, 1, 0, 1]), "test_labels_group": np.array([0, 1, 1, 1, 1])}
    both = both.model_copy(update={"arrays": both.arrays | group})
    found, labels = right([both], Answers(("item", "group")))
    assert found.tolist() == [1, 0.5, 0.5, 0, 1]
    assert labels.tolist() == [LABELS, [0, 1, 1, 1, 1]]
    assert right([both], Answers(("item",), wrong=True))[0].tolist() == [0, 0, 1, 1, 0]
    assert right([both], Answers(("other",))) is None


def test_tasks_may_have_a_net_each():
    nets = [net([0, 1, 2, 0, 0], tasks=("item",)), net([0, 0, 2, 0, 1], tasks=("group",))]
    assert right(nets, Answers(("item", "group")))[0].tolist() == [1, 0.5, 1, 1, 0.5]


def test_a_perceptron_answers_by_the_sign_of_its_score():
    arrays = {"test_scores": np.array([2.0, -1.0, 0.5, -0.1]), "test_labels": np.array([7, 7, 2, 2])}
    record = net([]).model_copy(update={"arrays": arrays, "spec": {"positive": 7, "negative": 2}})
    assert right([record], Answers())[0].tolist() == [1, 0, 0, 1]


def test_differences_and_slopes_by_image():
    a, b = {0: [net([0, 1, 0, 0, 2])], 1: [net(LABELS)]}, {0: [net([0, 2, 2, 1, 2])], 1: [net([0, 1, 2, 0, 0])]}
    sides = [(a, Answers()), (b, Answers())]
    assert by_image(sides, (1, -1), (0, 1)).tolist() == [[0, 1, -1, 1, 0], [0, 0, 0, 0, 1]]
    assert by_image(sides[:1], (1,), (1,)).tolist() == [[1, 1, 1, 1, 1]]
    other = {0: [net(LABELS, [0, 1, 2, 0, 2])], 1: [net(LABELS)]}
    assert by_image([(a, Answers()), (other, Answers())], (1, -1), (0, 1)) is None, "other test images"
    assert by_image([(other, Answers())], (1,), (0, 1)) is None, "each seed has its own"
