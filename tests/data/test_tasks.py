"""Tasks derived from labels and columns: which rules are accepted, and what labels they give."""

from typing import Any

import numpy as np
import pytest

from rungwise.data.images import Dataset, ImageSet
from rungwise.data.settings import TURNS, Data
from rungwise.data.sources.catalogue import CATALOGUE, DIGITS, ITEMS
from rungwise.data.sources.idx_files import IdxFiles
from rungwise.data.sources.source import Facts
from rungwise.data.split import split
from rungwise.data.tasks import check_task, task_classes, task_labels

LOOPS = {"none": (1, 2, 3, 5, 7), "one": (0, 4, 6, 9), "two": (8,)}
GROUPS = {"shoes": (5, 7, 9), "gendered": (3, 6, 8), "unisex": (0, 1, 2, 4)}


@pytest.fixture
def toy(monkeypatch):
    """Makes the setting of a small source with these classes and columns."""

    def make(classes: tuple[str, ...], **columns: tuple[str, ...]) -> Data:
        facts = Facts("toy", classes, (1, 28, 28), train_images=100, test_images=10, columns=columns)
        monkeypatch.setitem(CATALOGUE, "toy", IdxFiles(facts, ()))
        return Data(source="toy")

    return make


def part(labels: Any, **columns: Any) -> ImageSet:
    """Black images with these labels and columns."""
    labels = np.asarray(labels)
    images = np.zeros((len(labels), 1, 2, 2), np.uint8)
    return ImageSet(images, labels, {name: np.asarray(values) for name, values in columns.items()})


# The labels and groups of them -----------------------------------------------------------------------------------


def test_the_labels_themselves_are_a_task():
    data = Data(source="fashion-mnist")
    check_task("labels", data)
    assert task_classes("labels", data) == ITEMS
    labels = task_labels("labels", part(np.array([3, 0, 9], np.uint8)))
    assert labels.tolist() == [3, 0, 9]
    assert labels.dtype == np.int64


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (LOOPS, [1, 0, 0, 0, 1, 0, 1, 0, 2, 1]),  # closed loops in 0 to 9
        (GROUPS, [2, 2, 2, 1, 2, 0, 1, 0, 1, 0]),
        ({"second": (1,), "first": (0,)}, [1, 0]),  # the order of the study file, not of the labels
    ],
)
def test_groups_by_hand(task, expected, toy):
    data = toy(DIGITS[: len(expected)])
    check_task(task, data)
    assert task_classes(task, data) == tuple(task)
    found = task_labels(task, part(np.arange(len(expected))))
    assert found.tolist() == expected
    assert found.dtype == np.int64
    shuffled = np.random.default_rng(0).integers(len(expected), size=50)
    assert task_labels(task, part(shuffled)).tolist() == [expected[label] for label in shuffled]


def test_no_labels_no_harm():
    assert task_labels(LOOPS, part(np.zeros(0, np.int64))).shape == (0,)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"a": (0, 1), "b": (2,)}, "exactly one group: label 3 is in no group"),
        ({"a": (0,), "b": (2,)}, "labels 1, 3 are in no group"),
        ({"a": (0, 1, 2), "b": (2, 3)}, "label 2 is given more than once"),
        ({"a": (0, 1, 1), "b": (2, 3)}, "label 1 is given more than once"),
        ({"a": (0, 1, 2), "b": (3, 4)}, "label 4 does not exist"),
        ({"a": (0, 1, 2), "b": (3, -1, 7)}, "labels -1, 7 do not exist"),
        ({"a": (0, 1, 2, 3), "b": ()}, "at least two groups with a label each"),
        ({"a": (0, 1, 2, 3)}, "at least two groups"),
        ({}, "at least two groups"),
    ],
)
def test_rules_that_are_no_partition_are_refused(task, message, toy):
    with pytest.raises(ValueError, match=message):
        check_task(task, toy(DIGITS[:4]))


# Columns -------------------------------------------------------------------------------------------------------


def test_a_column_of_the_data_is_a_task(toy):
    data = toy(DIGITS, colour=("red", "green", "blue"), size=("small", "large"))
    check_task("colour", data)
    assert task_classes("colour", data) == ("red", "green", "blue")
    images = part([7, 8, 9], colour=np.array([2, 0, 1], np.uint8), size=[0, 1, 1])
    found = task_labels("colour", images)
    assert found.tolist() == [2, 0, 1]
    assert found.dtype == np.int64
    assert task_labels("size", images).tolist() == [0, 1, 1]
    assert task_labels("labels", images).tolist() == [7, 8, 9]


def test_the_turn_of_turned_images_is_a_task():
    """The corner of [[1, 2], [3, 4]] tells the turn: counter-clockwise, 2 comes there first, then 4, then 3."""
    images = ImageSet(np.tile(np.array([[1, 2], [3, 4]], np.uint8), (60, 1, 1, 1)), np.arange(60) % 10)
    data = Data(source="mnist", turned=True)
    check_task("turn", data)
    assert task_classes("turn", data) == TURNS == ("0°", "90°", "180°", "270°")
    turned = split(Dataset("mnist", DIGITS, images, images, {}), data, seed=0)
    for found in (turned.train, turned.test):
        labels = task_labels("turn", found)
        assert labels.dtype == np.int64
        assert labels.tolist() == [(1, 2, 4, 3).index(corner) for corner in found.images[:, 0, 0, 0]]
        assert set(labels) == {0, 1, 2, 3}
        assert task_labels("labels", found).tolist() == [label % 10 for label in range(60)]


@pytest.mark.parametrize(
    ("task", "turned", "message"),
    [
        ("trun", True, "did you mean 'turn'? Known: labels, turn"),
        ("colour", True, "Known: labels, turn"),
        ("label", False, "did you mean 'labels'? Known: labels"),
        ("turn", False, "Known: labels"),  # the images are upright
        ("", False, "Known: labels"),
    ],
)
def test_unknown_columns_are_refused(task, turned, message):
    with pytest.raises(ValueError) as caught:
        check_task(task, Data(source="digits", turned=turned))
    assert str(caught.value) == f'a task is "labels", a column of the data or groups of labels; {message}'


def test_the_columns_of_a_source_are_told(toy):
    with pytest.raises(ValueError, match=r"did you mean 'colour'\? Known: colour, labels, size"):
        check_task("color", toy(DIGITS, size=("small", "large"), colour=("red", "green")))


def test_a_message_on_many_labels_lists_some(toy):
    data = toy(tuple(f"kind {k}" for k in range(1000)))
    with pytest.raises(ValueError, match=r"0, 1, 2, .* and 988 others are in no group") as fault:
        check_task({"a": (998,), "b": (999,)}, data)
    assert len(str(fault.value)) < 200
    with pytest.raises(ValueError, match=r"at least two groups with a label each, got all = \[0, 1, .* 990 others\]"):
        check_task({"all": tuple(range(1000))}, data)
