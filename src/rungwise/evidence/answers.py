"""What fitted nets answered to single test images: what metrics make of it, and two nets on the same images."""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rungwise.evidence import by_class
from rungwise.evidence.by_class import Tally, tally
from rungwise.evidence.measure import Answers
from rungwise.evidence.paired import McNemar, mcnemar
from rungwise.records.record import Record


@dataclass(frozen=True, eq=False)
class Answered:
    """What a net said of each test image on one task, and what the image is; (m,) each, labels."""

    predictions: np.ndarray
    labels: np.ndarray

    @cached_property
    def tally(self) -> Tally:
        return tally(self.predictions, self.labels)


class Reader:
    """Reads what records hold of single test images, each array once: metrics ask for the same nets again and again.

    Two records are the same where their ids are.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Answered | None] = {}

    def answered(self, records: Sequence[Record], task: str = "") -> Answered | None:
        """Of the first record that knows the task; None where no record does. `task`: "" for nets of one task."""
        return next((found for record in records if (found := self._of(record, task)) is not None), None)

    def every(self, records: Sequence[Record], answers: Answers) -> list[Answered] | None:
        """Of each task of a metric; None where one is not known, or the tasks are not of the same images."""
        found = [self.answered(records, task) for task in answers.tasks]
        known = [each for each in found if each is not None]
        return known if len(known) == len(found) and len({each.labels.size for each in known}) == 1 else None

    def _of(self, record: Record, task: str) -> Answered | None:
        tasks = record.spec.get("tasks")
        alone = not task or (isinstance(tasks, dict) and list(tasks) == [task])  # its arrays bear no task's name
        suffix = "" if alone else f"_{task}"
        key = record.id, suffix
        if key not in self._known:
            self._known[key] = _read(record, suffix)
        return self._known[key]


def _read(record: Record, suffix: str) -> Answered | None:
    try:
        labels = record.arrays[f"test_labels{suffix}"]
        if "positive" in record.spec:  # a perceptron's scores are above 0 for the first class of its pair
            pair = np.array([record.spec["negative"], record.spec["positive"]])
            return Answered(pair[(record.arrays["test_scores"] > 0).astype(np.intp)], labels)
        return Answered(record.arrays[f"test_predictions{suffix}"], labels)
    except (KeyError, FileNotFoundError):  # another kind of trial, or a record copied without its arrays
        return None


# What metrics make of it ---------------------------------------------------------------------------------------


def value_of(records: Sequence[Record], answers: Answers, reader: Reader) -> float | None:
    """The metric's value; None where it is undefined, or predictions were not kept. Arguments as for `counted`."""
    known = reader.every(records, answers)
    if known is None:
        return None
    values = [by_class.value(answers.statistic, each.tally, answers.label) for each in known]
    found = math.fsum(values) / len(values)
    return None if math.isnan(found) else 1 - found if answers.wrong else found


def always(runs: Sequence[Sequence[Record]], answers: Answers, reader: Reader) -> float | None:
    """What always answering a task's most frequent class would get of an accuracy or an error, averaged over tasks.

    `runs`: the records of each seed. None of other metrics, and where some labels are not known.
    """
    if answers.statistic != "accuracy":
        return None
    shares = []
    for task in answers.tasks:
        known = [reader.answered(records, task) for records in runs]
        labels = [each.labels for each in known if each is not None]
        if not labels or len(labels) < len(known):
            return None
        counts = np.bincount(np.concatenate(labels))
        shares.append(int(counts.max()) / int(counts.sum()))
    found = math.fsum(shares) / len(shares)
    return 1 - found if answers.wrong else found


def images_behind(records: Sequence[Record], answers: Answers, reader: Reader) -> int | None:
    """How many test images the metric counts (`by_class.images_behind`), the least over its tasks; None where it is
    undefined, or predictions were not kept."""
    known = reader.every(records, answers) or []
    found = (by_class.images_behind(answers.statistic, each.tally, answers.label) for each in known)
    return min(found, default=0) or None


def counted(records: Sequence[Record], answers: Answers, reader: Reader) -> tuple[np.ndarray, np.ndarray] | None:
    """What a metric counts of each test image, (m,) float32, whose mean it is (`by_class.by_image`), averaged over its
    tasks; and the labels, (tasks, m).

    `records`: those that one value comes from. None where the metric is undefined, or some task's predictions were not
    kept.
    """
    known = reader.every(records, answers)
    if known is None:
        return None
    parts = [by_class.by_image(answers.statistic, each.predictions, each.labels, answers.label) for each in known]
    found = np.asarray(np.mean(parts, axis=0, dtype=np.float32))
    if math.isnan(float(found[0])):
        return None
    return (1 - found if answers.wrong else found), np.stack([each.labels for each in known])


Side = tuple[Mapping[int, Sequence[Record]], Answers]
"""One model's records by seed, and what its metric counts of them."""


def by_image(
    sides: Sequence[Side], weights: Sequence[float], seeds: Sequence[int], reader: Reader
) -> np.ndarray | None:
    """A weighted sum of what metrics count over several models, for each image, (seeds, images) float32.

    With the weights 1 and -1 it is the difference of two models. None where answers were not kept, or where models or
    seeds did not see the same images.
    """
    table: list[np.ndarray] = []
    labels: np.ndarray | None = None
    for seed in seeds:
        found = [counted(records[seed], answers, reader) for records, answers in sides]
        known = [each for each in found if each is not None]
        if len(known) < len(found):
            return None
        labels = known[0][1] if labels is None else labels
        if any(not np.array_equal(own, labels) for _, own in known):
            return None
        # One term after the other: a matrix product depends on the processor's kernels.
        terms = (np.float32(weight) * each for weight, (each, _) in zip(weights, known, strict=True))
        table.append(functools.reduce(np.add, terms))
    return np.stack(table) if table else None


def compare_nets(
    seed: int, first: Sequence[Record], second: Sequence[Record], answers: Answers | None, reader: Reader
) -> tuple[McNemar, int] | None:
    """McNemar's test of two nets of one seed, and the number of test images.

    None where the metric is no accuracy of one net on one task, predictions were not kept, or the test images were not
    the same.
    """
    if answers is None or answers.statistic != "accuracy":
        return None
    if len(answers.tasks) > 1 or len(first) > 1 or len(second) > 1:
        return None
    ours, theirs = (reader.answered(records, answers.tasks[0]) for records in (first, second))
    if ours is None or theirs is None or not np.array_equal(ours.labels, theirs.labels):
        return None
    right = [each.predictions == each.labels for each in (ours, theirs)]
    return mcnemar(seed, *right), ours.labels.size
