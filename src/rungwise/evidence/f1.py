"""Macro F1: the mean over the classes of the harmonic mean of precision and recall, F = 2 TP / (predicted + labelled).

A class that is neither labelled nor predicted has no F1 and is left out of the mean, as scikit-learn leaves it out.
"""

from typing import NamedTuple

import numpy as np


class Counts(NamedTuple):
    """Weighted counts of images per class, each (..., classes)."""

    right: np.ndarray
    both: np.ndarray
    """Predicted plus labelled."""


def macro_f1(
    predictions: np.ndarray, labels: np.ndarray, classes: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """(...): the macro F1 of each row of predictions, in [0, 1]; NaN where all weights are 0.

    predictions: (..., m), integers in [0, classes). labels: (m,), likewise. weights: (m,), at least 0: how often each
    image counts; once each without it.
    """
    right, both = _counts(predictions, labels, classes, weights)
    present = both > 0
    scores = np.divide(2 * right, both, out=np.zeros_like(both), where=present)
    with np.errstate(invalid="ignore"):
        return np.asarray(scores.sum(axis=-1) / present.sum(axis=-1))


def linear_f1(predictions: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """(..., m), float32: one value per image, whose mean is the macro F1 of the row and whose scatter is its noise.

    The linear part of macro F1 in the weights of the images (the delta method), so that what serves a mean serves it:
    `crossed` of these values is the interval over seeds and images. With F of class c over k classes present, the value
    of an image is F1 + m/k sum over c of (2 [right] - F_c ([predicted c] + [labelled c])) / (predicted_c + labelled_c).
    Arguments as for `macro_f1`, m >= 1.
    """
    right, both = _counts(predictions, labels, classes, None)
    present = both > 0
    gain = np.divide(2.0, both, out=np.zeros_like(both), where=present)
    loss = right * gain * gain / 2
    mean = macro_f1(predictions, labels, classes)[..., None]
    factor = labels.size / present.sum(axis=-1, keepdims=True)
    of_labels = np.take(gain, labels, axis=-1) * (predictions == labels) - np.take(loss, labels, axis=-1)
    of_predictions = np.take_along_axis(loss, np.asarray(predictions, dtype=np.intp), axis=-1)
    return np.asarray(mean + factor * (of_labels - of_predictions), dtype=np.float32)


def _counts(predictions: np.ndarray, labels: np.ndarray, classes: int, weights: np.ndarray | None) -> Counts:
    rows = predictions.reshape(-1, labels.size)
    labelled = np.bincount(labels, weights, classes).astype(float)
    right, both = np.empty((len(rows), classes)), np.empty((len(rows), classes))
    for place, row in enumerate(rows):
        correct = np.flatnonzero(row == labels)
        right[place] = np.bincount(labels[correct], None if weights is None else weights[correct], classes)
        both[place] = np.bincount(row, weights, classes) + labelled
    shape = (*predictions.shape[:-1], classes)
    return Counts(right.reshape(shape), both.reshape(shape))
