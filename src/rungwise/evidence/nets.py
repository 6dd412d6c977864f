"""Two fitted nets on the same test images."""

import numpy as np

from rungwise.evidence.judgement import McNemar
from rungwise.evidence.paired import mcnemar
from rungwise.records.record import Record

TEST_ACCURACY = "test_accuracy"
"""What the names of the metrics begin with whose predictions are kept; the task's follows, in nets of several."""


def compare_nets(seed: int, first: Record, second: Record, metric: str) -> tuple[McNemar, int] | None:
    """McNemar's test of two nets of one seed, and the number of test images.

    None where the metric is no test accuracy, predictions were not kept, or the test images were not the same.
    """
    ours, theirs = _answers(first, metric), _answers(second, metric)
    if ours is None or theirs is None or not np.array_equal(ours[1], theirs[1]):
        return None
    (said, labels), (said_other, _) = ours, theirs
    return mcnemar(seed, said == labels, said_other == labels), len(labels)


def _answers(record: Record, metric: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Predictions and labels, (images,) each; None where they were not kept."""
    if not metric.startswith(TEST_ACCURACY):
        return None
    tasks = record.spec.get("tasks")
    single = isinstance(tasks, dict) and len(tasks) == 1  # its arrays bear no task's name
    suffix = "" if single else metric.removeprefix(TEST_ACCURACY)
    try:
        return record.arrays[f"test_predictions{suffix}"], record.arrays[f"test_labels{suffix}"]
    except (KeyError, FileNotFoundError):  # another kind of trial, or a record copied without its arrays
        return None
