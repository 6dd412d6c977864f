"""scikit-learn's MLPClassifier, an epoch per `partial_fit`."""

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.work import UNCORRECTED_EPSILON, Conv, Dense, Pace, Result, Unavailable, Weights, Work, scaled


class Started(MLPClassifier):  # type: ignore[misc]
    """The classifier with given initial weights, for which it has no argument."""

    def start(self, weights: tuple[Weights, ...]) -> "Started":
        self._given = iter(weights)
        return self

    def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> Weights:
        weight, bias = next(self._given)
        return np.ascontiguousarray(weight.T, dtype), bias.astype(dtype)


def fit(work: Work, pace: Pace) -> Result:
    layers = work.net.layers
    if work.device != "cpu":
        raise Unavailable("does not apply: it works on processors only")
    if len(work.net.heads) > 1 or any(isinstance(layer, Conv) for layer in layers):
        raise Unavailable("does not apply: it has perceptrons of one task only")
    hidden = tuple(layer.width for layer in layers[:-1] if isinstance(layer, Dense))
    settings: dict[str, Any] = {"batch_size": work.batch, "learning_rate_init": work.rate}
    if work.equal:
        given = {
            "alpha": 0.0,
            "epsilon": UNCORRECTED_EPSILON,
            "tol": 0.0,
            "n_iter_no_change": work.epochs + 1,
            "shuffle": False,
        }
        net = Started(hidden, **settings, **given).start(work.weights)
    else:
        net = MLPClassifier(hidden, **settings)
    x, y, classes = _flat(work.images), work.labels[0], np.unique(work.labels[0])
    for epoch in range(work.epochs):
        if work.equal:
            order = work.orders[epoch]
            x, y = _flat(work.images[order]), work.labels[0][order]
        net.partial_fit(x, y, classes=classes)
        pace.epoch(net.loss_)
    return Result((net.predict(_flat(work.test_images)),))


def _flat(images: np.ndarray) -> np.ndarray:
    return scaled(images.reshape(len(images), -1))
