"""What records say of single test images: McNemar's test of two nets, on the same images or not at all; and what
metrics make of them, whose mean over the images is their value."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, precision_score

from rungwise.evidence import answers as answers_of
from rungwise.evidence.answers import Reader, by_image, counted, images_behind, value_of
from rungwise.evidence.measure import Answers
from rungwise.records.record import Environment, Record

HERE = Environment(
    rungwise="0", commit=None, python="3", libraries={}, platform="", processor="", cores=1, memory_bytes=1,
    threads=1, workers=1, device="cpu", finished_at="",
)  # fmt: skip
LABELS = [0, 1, 2, 0, 1]
IDS = itertools.count()


def net(said, labels=LABELS, tasks=("label",), suffix=""):
    arrays = {f"test_predictions{suffix}": np.array(said), f"test_labels{suffix}": np.array(labels)}
    spec = {"tasks": dict.fromkeys(tasks, "labels")}
    return Record(id=str(next(IDS)), label="x", spec=spec, status="done", environment=HERE, arrays=arrays)


def compare_nets(seed, first, second, answers):
    return answers_of.compare_nets(seed, first, second, answers, Reader())


def right(records, answers):
    return counted(records, answers, Reader())


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
    bare = net(LABELS).model_copy(update={"id": "bare", "arrays": {}})
    assert compare_nets(0, [net(LABELS)], [bare], Answers()) is None


def test_what_is_right_by_hand():
    """Right on the label: 1 1 0 0 1; on the group: 1 0 1 0 1. Averaged over both tasks, and the wrong ones."""
    both = net([0, 1, 0, 1, 1], tasks=("item", "group"), suffix="_item")
    group = {"test_predictions_group": np.array([0, 0, 1, 0, 1]), "test_labels_group": np.array([0, 1, 1, 1, 1])}
    both = both.model_copy(update={"arrays": both.arrays | group})  # nothing has been read of it yet
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
    assert by_image(sides, (1, -1), (0, 1), Reader()).tolist() == [[0, 1, -1, 1, 0], [0, 0, 0, 0, 1]]
    assert by_image(sides[:1], (1,), (1,), Reader()).tolist() == [[1, 1, 1, 1, 1]]
    other = {0: [net(LABELS, [0, 1, 2, 0, 2])], 1: [net(LABELS)]}
    assert by_image([(a, Answers()), (other, Answers())], (1, -1), (0, 1), Reader()) is None, "other test images"
    assert by_image([(other, Answers())], (1,), (0, 1), Reader()) is None, "each seed has its own"


# Metrics of classes ---------------------------------------------------------------------------------------------


@pytest.fixture
def uneven():
    """Labels (90,) of three classes, the last one rare, and the predictions of two seeds, (2, 90)."""
    draws = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [60, 24, 6])
    return labels, np.where(draws.random((2, 90)) < 0.3, draws.integers(3, size=(2, 90)), labels)


METRICS = [
    Answers(statistic="macro_f1"),
    Answers(statistic="balanced_accuracy"),
    Answers(statistic="recall", label=2),
    Answers(statistic="precision", label=2),
]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.statistic)
def test_what_is_counted_has_the_metric_as_its_mean(uneven, metric):
    labels, said = uneven
    reader, records = Reader(), {seed: [net(row, labels)] for seed, row in enumerate(said)}
    table = by_image([(records, metric)], (1,), (0, 1), reader)
    values = [value_of(records[seed], metric, reader) for seed in (0, 1)]
    assert table.mean(axis=1) == pytest.approx(values, abs=1e-6)
    assert len(set(values)) == 2, "the seeds tell a mistake in their order"


def test_of_several_tasks_it_is_the_mean(uneven):
    labels, said = uneven
    both = net(said[0], labels, tasks=("item", "group"), suffix="_item")
    group = {"test_predictions_group": labels, "test_labels_group": labels}
    record = both.model_copy(update={"id": "both", "arrays": both.arrays | group})
    found = value_of([record], Answers(("item", "group"), statistic="balanced_accuracy"), Reader())
    assert found == pytest.approx((balanced_accuracy_score(labels, said[0]) + 1) / 2)


def test_what_is_undefined_is_absent():
    """Nobody predicts class 2, and class 3 does not occur."""
    reader, record = Reader(), net([0, 1, 0, 0, 1])
    for label, statistic in ((2, "precision"), (3, "recall"), (3, "precision")):
        metric = Answers(statistic=statistic, label=label)
        assert value_of([record], metric, reader) is None
        assert counted([record], metric, reader) is None
        assert images_behind([record], metric, reader) is None
    assert value_of([record], Answers(statistic="recall", label=2), reader) == 0, (
        "defined: one image, taken for another"
    )
    bare = record.model_copy(update={"id": "bare", "arrays": {}})
    assert value_of([bare], Answers(statistic="macro_f1"), reader) is None


def test_precision_of_a_perceptron_is_by_the_pairs_own_labels():
    arrays = {"test_scores": np.array([2.0, -1.0, 0.5, -0.1]), "test_labels": np.array([7, 7, 2, 2])}
    record = net([]).model_copy(update={"arrays": arrays, "spec": {"positive": 7, "negative": 2}})
    expected = precision_score([1, 1, 0, 0], [1, 0, 1, 0])
    assert value_of([record], Answers(statistic="precision", label=7), Reader()) == expected == 0.5


def test_arrays_are_read_once():
    class Counting(dict):
        reads = 0

        def __getitem__(self, key):
            Counting.reads += 1
            return super().__getitem__(key)

    record, reader = net(LABELS), Reader()
    record = record.model_copy(update={"arrays": Counting(record.arrays)})
    for metric in METRICS * 3:
        value_of([record], metric, reader)
        counted([record], metric, reader)
    assert Counting.reads == 2, "labels and predictions"
