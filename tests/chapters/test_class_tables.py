"""What chapters show of uneven classes: by hand, from records with known answers."""

import numpy as np
import pytest

from rungwise.chapters import cnns, mlps, perceptrons, transfer
from rungwise.chapters.by_class import class_metrics, task_metrics
from rungwise.chapters.class_counts import ClassCounts, class_counts
from rungwise.data.settings import Data
from rungwise.evidence.answers import Reader
from tests.material.made import made, make_known

NAMES = ("cat", "dog", "yak")
LABELS = np.repeat([0, 1, 2], [12, 6, 2])
"""Of the test images: 60% are cats."""
SAID = {
    # The most accurate net calls everything a cat but for dogs; the other one finds the yaks.
    "A": np.array([0] * 12 + [1] * 6 + [0] * 2),
    "B": np.array([0] * 9 + [1] * 3 + [1] * 5 + [0] + [2] * 2),
}
ACCURACY = {name: float((said == LABELS).mean()) for name, said in SAID.items()}


@pytest.fixture
def data(monkeypatch):
    make_known(monkeypatch, made((1, 6, 5), NAMES, train_images=100, test_images=20))
    return Data(source="made")


def answered(record, labels, said):
    """The record with other answers to other test images."""
    logits = np.full((len(labels), 1 + max(said.max(), labels.max())), -9.0, np.float16)
    logits[np.arange(len(labels)), said] = 0
    wrong = np.flatnonzero(said != labels).astype(np.int32)
    images = np.zeros((len(wrong), 1, 6, 5), np.uint8)
    arrays = {"test_labels": labels, "test_predictions": said, "test_logits": logits,
              "wrong_index": wrong, "wrong_images": images}  # fmt: skip
    return record.model_copy(update={"arrays": arrays})


def found(data, fitted, said=SAID, labels=LABELS, chapter=mlps, **more):
    nets = {name: {"hidden": [3 + i]} if chapter is mlps else {"filters": [2 + i]} for i, name in enumerate(said)}
    settings = chapter.Settings(data=data, fit={"epochs": 2}, nets=nets, **more)
    records = {}
    for trial in chapter.trials(settings, (0, 1)):
        end = float((said[trial.label] == labels).mean())
        records[trial.id] = answered(fitted(trial, {"test_accuracy": [0.5, end]}), labels, said[trial.label])
    return chapter.findings(settings, (0, 1), records)


def table(findings, name):
    return next((table for table in findings.tables if table.id == f"{findings.name}-{name}"), None)


def test_uneven_classes_have_a_table_where_each_counts_the_same(data, fitted):
    """A: recalls 1, 1, 0; F1 24/26, 1, 0. B: recalls 9/12, 5/6, 1; F1 18/22, 10/14, 1."""
    shown = table(found(data, fitted), "macro")
    assert [column.key for column in shown.columns] == [
        "net", "test_accuracy", "test_macro_f1", "test_balanced_accuracy", "lowest_recall", "class",
    ]  # fmt: skip
    rows = {row[0]: [cell if isinstance(cell, str) else cell.mean for cell in row[1:]] for row in shown.rows}
    a = [0.9, (24 / 26 + 1 + 0) / 3, 2 / 3, 0]
    b = [0.8, (18 / 22 + 10 / 14 + 1) / 3, (9 / 12 + 5 / 6 + 1) / 3, 9 / 12]
    assert {name: row[:-1] for name, row in rows.items()} == {"A": pytest.approx(a), "B": pytest.approx(b)}
    assert (rows["A"][-1], rows["B"][-1]) == ("yak", "cat")
    assert "cat has 12 test images, yak 2" in shown.caption


def test_each_class_by_the_net_of_the_highest_accuracy_and_of_the_highest_macro_f1(data, fitted):
    shown = table(found(data, fitted), "classes")
    assert [column.key for column in shown.columns] == [
        "class", "test_images", "recall_A", "precision_A", "recall_B", "precision_B",
    ]  # fmt: skip
    rows = [[cell.mean if hasattr(cell, "mean") else cell for cell in row] for row in shown.rows]
    assert rows == [
        ["cat", 12, 1, pytest.approx(12 / 14), pytest.approx(9 / 12), pytest.approx(9 / 10)],
        ["dog", 6, 1, 1, pytest.approx(5 / 6), pytest.approx(5 / 8)],
        ["yak", 2, 0, None, 1, 1],
    ], "A never says yak, so that its precision there is undefined"
    yak = shown.rows[2]
    assert (yak[2].basis, yak[2].trials) == ("trials", 2), "both seeds miss both: a count of two images"
    assert "A, the net with the highest test accuracy and B, that with the highest macro F1" in shown.caption


def test_the_ranking_by_macro_f1_is_told_where_it_differs(data, fitted):
    texts = [statement.text for statement in found(data, fitted).statements]
    (text,) = (text for text in texts if text.startswith("The classes are uneven"))
    assert "cat has 12 test images, yak 2. By macro F1, in which each class counts the same, B is best, 0.8442" in text
    assert "They rank otherwise than by test accuracy: B, A against A, B." in text
    assert "B leads A by 0.2031 (paired by seed" in text
    same = found(data, fitted, {"A": LABELS, "B": SAID["A"]})
    (text,) = (each.text for each in same.statements if each.text.startswith("The classes are uneven"))
    assert "The nets rank as by test accuracy." in text


@pytest.mark.parametrize("chapter", [mlps, cnns])
def test_the_share_of_the_largest_class_stands_beside_accuracies(data, fitted, chapter):
    shown = found(data, fitted, chapter=chapter)
    assert "Always answering cat would be right for 60.0% of the test images." in table(shown, "accuracy").caption
    learning = next(figure for figure in shown.figures if figure.id.endswith("-learning"))
    levels = {panel.title: panel.levels for panel in learning.panels}
    assert [(level.name, level.values) for level in levels.pop("Test accuracy")] == [("always cat", (0.6,))]
    assert not any(levels.values()), "neither losses nor training images"
    time = next(figure for figure in shown.figures if figure.id.endswith("-time")).panels[0]
    assert not time.levels, "both ends are above 60%: the line would stretch the axis"


def test_even_classes_have_no_more_than_a_caption(data, fitted):
    labels = np.repeat([0, 1, 2], [7, 7, 6])
    said = {"A": labels, "B": np.roll(labels, 1)}
    shown = found(data, fitted, said, labels)
    assert table(shown, "macro") is None
    assert not any("uneven" in statement.text for statement in shown.statements)
    assert "Macro F1 of A is 1.0000 (95% interval" in table(shown, "classes").caption
    assert [column.label for column in table(shown, "classes").columns[2:]] == ["Recall", "Precision"]


def test_of_many_classes_the_worst_come_first(monkeypatch, fitted):
    make_known(monkeypatch, made((1, 6, 5), 60, train_images=100, test_images=60))
    labels = np.arange(60)
    said = np.where(labels == 40, 3, labels)
    shown = table(found(Data(source="made"), fitted, {"A": said}, labels), "classes")
    assert (len(shown.rows), shown.shown) == (60, 20)
    assert shown.rows[0][0] == "kind 41"
    assert "Of 60 classes, those with the lowest recall come first." in shown.caption


# Names ---------------------------------------------------------------------------------------------------------


def test_metrics_bear_the_names_of_classes_and_tasks(data):
    assert list(class_metrics(("cat", "T-shirt/top"), ("A",))) == [
        "test_macro_f1", "test_balanced_accuracy",
        "test_recall_cat", "test_precision_cat", "test_recall_T-shirt/top", "test_precision_T-shirt/top",
    ]  # fmt: skip
    tasks = {"kind": "labels", "size": {"small": (0, 1), "large": (2,)}}
    found = task_metrics(tasks, {"kind": ("A",), "size": ("A", "B")}, data)
    assert found["test_macro_f1_size"].models == ("A", "B")
    assert found["test_recall_size_large"].answers.tasks == ("size",)
    assert found["test_recall_size_large"].answers.label == 1
    assert "test_precision_kind_yak" in found


def test_a_name_that_two_classes_would_share_is_left_out(data):
    tasks = {"a": {"b_c": (0,), "d": (1, 2)}, "a_b": {"c": (0, 1), "d": (2,)}}
    found = task_metrics(tasks, {"a": ("A",), "a_b": ("A",)}, data)
    assert "test_recall_a_b_c" not in found
    assert {"test_recall_a_d", "test_recall_a_b_d", "test_macro_f1_a", "test_macro_f1_a_b"} < found.keys()


# Counts --------------------------------------------------------------------------------------------------------


def test_counts_are_means_over_the_seeds(fitted, data):
    settings = mlps.Settings(data=data, fit={"epochs": 1}, nets={"A": {"hidden": []}})
    first, second = (fitted(trial, {"test_accuracy": 0.5}) for trial in mlps.trials(settings, (0, 1)))
    records = {0: (answered(first, LABELS, LABELS),), 1: (answered(second, np.repeat([0, 1, 2], [8, 10, 2]), LABELS),)}
    counts = class_counts(NAMES, [{}, records], Reader())
    assert counts == ClassCounts(NAMES, (10.0, 8.0, 2.0))
    assert (counts.majority, counts.share, counts.uneven) == ("cat", 0.5, True)
    assert class_counts(NAMES, [{}], Reader()) is None
    assert not ClassCounts(NAMES, (10.0, 0.0, 6.0)).uneven, "a class without test images does not count"
    assert counts.always("animal") == "Always answering cat on animal would be right for 50.0% of the test images."
    assert counts.level([0.4, 0.9])[0].values == (0.5,)
    assert counts.level([0.6, 0.9]) == counts.level([]) == ()


def test_pairs_of_perceptrons_are_told_what_the_larger_class_would_get(data, fitted):
    settings = perceptrons.Settings(data=data, pairs=[[0, 1], [0, 2]], iterations=5)
    records = {}
    for trial in perceptrons.trials(settings, (0,)):
        labels = LABELS[np.isin(LABELS, (trial.positive, trial.negative))]
        record = _perceptron(trial, labels)
        records[trial.id] = record
    shown = perceptrons.findings(settings, (0,), records).tables[0]
    assert "larger class of a pair would be right for 66.7% to 85.7% of its test images." in shown.caption


def _perceptron(trial, labels):
    from tests.chapters.conftest import HERE, Record

    summary = {"train_accuracy": 1.0, "test_accuracy": 0.9, "iterations": 5.0, "converged": 1.0}
    arrays = {"test_labels": labels, "test_scores": np.ones(len(labels)), "weights": np.zeros((1, 6, 5)),
              "positive_samples": np.zeros((1, 1, 6, 5)), "negative_samples": np.zeros((1, 1, 6, 5))}  # fmt: skip
    return Record(
        id=trial.id, label=trial.label, spec=trial.spec, status="done", summary=summary, history={"error": [0.5, 0.0]},
        timings={"fit_s": 1.0}, environment=HERE, arrays=arrays,
    )  # fmt: skip


def test_the_further_task_has_the_columns_where_its_classes_are_uneven(data, fitted):
    tasks = {"kind": "labels", "small": {"yes": (0, 1), "no": (2,)}}
    settings = transfer.Settings(
        data=data, fit={"epochs": 1}, net={"family": "compact", "filters": [2]}, weights=0.5, tasks=tasks,
        task={"cat": {"is": (0,), "not": (1, 2)}}, shares=[1.0],
    )  # fmt: skip
    records = {}
    for trial in transfer.trials(settings, (0,)):
        record = fitted(trial, *({"test_accuracy": 0.5} for _ in trial.tasks))
        if len(trial.tasks) == 1:
            labels = np.repeat([0, 1], [15, 5])
            record = answered(record, labels, np.zeros(20, int))
        record.summary["parameters_learnt"] = 50.0
        records[trial.id] = record
    shown = transfer.findings(settings, (0,), records).tables[0]
    assert "Always answering is would be right for 75.0% of the test images." in shown.caption
    row = dict(zip([column.key for column in shown.columns], shown.rows[0], strict=True))
    assert row["test_macro_f1"].mean == pytest.approx((30 / 35 + 0) / 2)
    assert row["test_balanced_accuracy"].mean == 0.5
