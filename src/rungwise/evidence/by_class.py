"""What a net's predictions say of the classes: recall and precision of each, their means, and macro F1.

They are defined as in scikit-learn. Undefined is NaN, never 0: the recall of a class without images, the precision of a
class that was never predicted. Balanced accuracy is the mean recall of the classes that have images (Brodersen et al.
2010); macro F1 the mean F1 of those that have images or predictions (the averaged F1 of Opitz and Burst 2019).
"""

import math
from typing import Literal, NamedTuple

import numpy as np

from rungwise.evidence.f1 import linear_f1
from rungwise.evidence.images import linear_ratio

Statistic = Literal["accuracy", "macro_f1", "balanced_accuracy", "recall", "precision"]


class Tally(NamedTuple):
    """Numbers of test images by class, each (classes,), integers."""

    right: np.ndarray
    predicted: np.ndarray
    labelled: np.ndarray


def tally(predictions: np.ndarray, labels: np.ndarray) -> Tally:
    """Of one net; predictions and labels: (m,), integers from 0, m >= 1. It ends with the last class that occurs."""
    size = 1 + int(max(predictions.max(), labels.max()))
    every = (labels[predictions == labels], predictions, labels)
    return Tally(*(np.bincount(each, minlength=size) for each in every))


def value(statistic: Statistic, counts: Tally, label: int | None = None) -> float:
    """A statistic in [0, 1]; NaN where it is undefined. `label`: the class of a recall or a precision."""
    right, predicted, labelled = (each.tolist() for each in counts)
    match statistic:
        case "recall" | "precision":
            among = labelled if statistic == "recall" else predicted
            return _ratio(right, among, label)
        case "balanced_accuracy":
            return _mean(right, labelled)
        case "macro_f1":
            return _mean([2 * k for k in right], [p + y for p, y in zip(predicted, labelled, strict=True)])
        case _:
            return float(sum(right) / sum(labelled))


def _ratio(above: list[int], below: list[int], label: int | None) -> float:
    known = label is not None and label < len(below) and below[label]
    return above[label or 0] / below[label or 0] if known else math.nan


def _mean(above: list[int], below: list[int]) -> float:
    """Of the classes whose ratio is defined."""
    ratios = [a / b for a, b in zip(above, below, strict=True) if b]
    return math.fsum(ratios) / len(ratios)


def by_image(statistic: Statistic, predictions: np.ndarray, labels: np.ndarray, label: int | None = None) -> np.ndarray:
    """(m,) float32: one value per image, whose mean is the statistic and whose scatter over the images is its noise.

    Of an accuracy whether the image is right; of the others their linear part in the weights of the images (the delta
    method, as in `linear_ratio` and `linear_f1`). NaN where the statistic is undefined. Arguments as for `tally`.
    """
    right = predictions == labels
    match statistic:
        case "recall":
            found = linear_ratio(right & (labels == label), labels == label)
        case "precision":
            found = linear_ratio(right & (predictions == label), predictions == label)
        case "balanced_accuracy":
            found = _linear_balanced(right, labels)
        case "macro_f1":
            found = linear_f1(predictions, labels, 1 + int(max(predictions.max(), labels.max())))
        case _:
            found = right
    return np.asarray(found, dtype=np.float32)


def _linear_balanced(right: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """B + m/k ([right] - R_y) / n_y for an image of class y, with B the mean of the recalls R over k classes."""
    labelled, hits = np.bincount(labels), np.bincount(labels[right], minlength=int(labels.max()) + 1)
    recalls = hits / np.maximum(labelled, 1)
    present = labelled > 0
    mean = math.fsum(recalls[present]) / int(present.sum())
    return np.asarray(mean + labels.size / int(present.sum()) * (right - recalls[labels]) / labelled[labels])


def images_behind(statistic: Statistic, counts: Tally, label: int | None = None) -> int:
    """How many images the statistic counts: those of the class or predicted as it; of a mean over k classes, k times
    the images of the rarest, as its noise cannot be less than that of so many; 0 where it is undefined.

    Were all images of n_c each right, the least mean over classes that is not rejected at 2.5% puts nearly all errors
    into the rarest class. The count then stands for them; where classes are even, it is that of all images.
    """
    _, predicted, labelled = counts
    match statistic:
        case "recall" | "precision":
            among = labelled if statistic == "recall" else predicted
            return int(among[label]) if label is not None and label < len(among) else 0
        case "balanced_accuracy" | "macro_f1":
            present = labelled[labelled > 0]
            return int(present.size * present.min())
        case _:
            return int(labelled.sum())
