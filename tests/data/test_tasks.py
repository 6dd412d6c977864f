"""Tasks derived from labels: which rules are accepted, and what labels they give."""

import numpy as np
import pytest

from rungwise.data.catalogue import DIGITS, ITEMS
from rungwise.data.tasks import check_task, task_classes, task_labels

LOOPS = {"none": (1, 2, 3, 5, 7), "one": (0, 4, 6, 9), "two": (8,)}
GROUPS = {"shoes": (5, 7, 9), "gendered": (3, 6, 8), "unisex": (0, 1, 2, 4)}


def test_the_labels_themselves_are_a_task():
    check_task("labels", DIGITS)
    assert task_classes("labels", ITEMS) == ITEMS
    labels = task_labels("labels", np.array([3, 0, 9], np.uint8))
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
def test_groups_by_hand(task, expected):
    classes = DIGITS[: len(expected)]
    check_task(task, classes)
    assert task_classes(task, classes) == tuple(task)
    found = task_labels(task, np.arange(len(expected)))
    assert found.tolist() == expected
    assert found.dtype == np.int64
    shuffled = np.random.default_rng(0).integers(len(expected), size=50)
    assert task_labels(task, shuffled).tolist() == [expected[label] for label in shuffled]


def test_no_labels_no_harm():
    assert task_labels(LOOPS, np.zeros(0, np.int64)).shape == (0,)


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
def test_rules_that_are_no_partition_are_refused(task, message):
    with pytest.raises(ValueError, match=message):
        check_task(task, DIGITS[:4])
