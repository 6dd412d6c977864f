"""What fitted nets answered to single test images: which are right, and two nets on the same images."""

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rungwise.evidence.measure import Answers
from rungwise.evidence.paired import McNemar, mcnemar
from rungwise.records.record import Record


def right(records: Sequence[Record], answers: Answers) -> tuple[np.ndarray, np.ndarray] | None:
    """What a metric counts of each test image, (m,) float32 in [0, 1], and the labels, (tasks, m).

    `records`: those that one value comes from. None where some task's predictions were not kept.
    """
    parts = [_of_task(records, task) for task in answers.tasks]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len({len(labels) for _, labels in known}) != 1:
        return None
    found = np.asarray(np.mean([correct for correct, _ in known], axis=0, dtype=np.float32))
    return (1 - found if answers.wrong else found), np.stack([labels for _, labels in known])


Side = tuple[Mapping[int, Sequence[Record]], Answers]
"""One model's records by seed, and what its metric counts of them."""
Right = tuple[np.ndarray, np.ndarray]
Read = Callable[[Sequence[Record], Answers], Right | None]


def by_image(
    sides: Sequence[Side], weights: Sequence[float], seeds: Sequence[int], read: Read = right
) -> np.ndarray | None:
    """A weighted sum of what metrics count over several models, for each image, (seeds, images) float32.

    With the weights 1 and -1 it is the difference of two models. `read`: `right`, or what remembers its results. None
    where answers were not kept, or where models or seeds did not see the same images.
    """
    table: list[np.ndarray] = []
    labels: np.ndarray | None = None
    for seed in seeds:
        found = [read(records[seed], answers) for records, answers in sides]
        known = [each for each in found if each is not None]
        if len(known) < len(found):
            return None
        labels = known[0][1] if labels is None else labels
        if any(not np.array_equal(own, labels) for _, own in known):
            return None
        # One term after the other: a matrix product depends on the processor's kernels.
        terms = (np.float32(weight) * correct for weight, (correct, _) in zip(weights, known, strict=True))
        table.append(functools.reduce(np.add, terms))
    return np.stack(table) if table else None


def _of_task(records: Sequence[Record], task: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Whether each image is right on a task, (m,) bool, and its label, from the first record that knows."""
    for record in records:
        tasks = record.spec.get("tasks")
        alone = not task or (isinstance(tasks, dict) and list(tasks) == [task])  # its arrays bear no task's name
        suffix = "" if alone else f"_{task}"
        try:
            labels = record.arrays[f"test_labels{suffix}"]
            return _correct(record, suffix, labels), labels
        except (KeyError, FileNotFoundError):  # another kind of trial, or a record copied without its arrays
            continue
    return None


def _correct(record: Record, suffix: str, labels: np.ndarray) -> np.ndarray:
    if "positive" in record.spec:  # a perceptron's scores are above 0 for the first class of its pair
        return np.asarray((record.arrays["test_scores"] > 0) == (labels == record.spec["positive"]))
    return np.asarray(record.arrays[f"test_predictions{suffix}"] == labels)


def compare_nets(
    seed: int, first: Sequence[Record], second: Sequence[Record], answers: Answers | None, read: Read = right
) -> tuple[McNemar, int] | None:
    """McNemar's test of two nets of one seed, and the number of test images.

    None where the metric does not count the answers of one net to one task, predictions were not kept, or the test
    images were not the same.
    """
    if answers is None or len(answers.tasks) > 1 or len(first) > 1 or len(second) > 1:
        return None
    ours, theirs = (read(records, Answers(answers.tasks)) for records in (first, second))
    if ours is None or theirs is None or not np.array_equal(ours[1], theirs[1]):
        return None
    return mcnemar(seed, ours[0] > 0, theirs[0] > 0), ours[1].shape[1]
