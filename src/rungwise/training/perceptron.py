"""The work of a perceptron's trial: two classes of a data set, one learning rule."""

import time

import numpy as np

from rungwise.data.images import ImageSet, scale
from rungwise.models.perceptron import Perceptron
from rungwise.seeding import stream_seed
from rungwise.training.trial import PerceptronTrial
from rungwise.trial import Bench, Outcome, TrialFailed

SAMPLES = 8
"""Training images of each class that the record keeps to show."""


def learn(trial: PerceptronTrial, bench: Bench) -> Outcome:
    """Fit the perceptron to all training images of the two classes and try it on all test images of them.

    Raises TrialFailed where a part of the split has no image of one of the classes.
    """
    split = bench.split(trial.data, trial.seed)
    train, test = (_pair(part, trial) for part in (split.train, split.test))
    for name, part in (("training", train), ("test", test)):
        for label in (trial.positive, trial.negative):
            if not (part.labels == label).any():
                raise TrialFailed(f"the {name} part has no image of class {split.classes[label]!r}")
    X, X_test = (scale(part.images).reshape(len(part), -1) for part in (train, test))
    y, y_test = (np.where(part.labels == trial.positive, 1, -1) for part in (train, test))
    model = Perceptron(
        rule=trial.rule,
        learning_rate=trial.rate,
        max_iter=trial.iterations,
        tol=trial.tolerance,
        random_state=stream_seed(trial.seed, "initialisation") % 2**32,  # scikit-learn's states have 32 bits
    )
    start = time.perf_counter()
    model.fit(X, y)
    fit_s = time.perf_counter() - start
    shown = [train.images[train.labels == label][:SAMPLES] for label in (trial.positive, trial.negative)]
    return Outcome(
        summary={
            "train_accuracy": float(model.score(X, y)),
            "test_accuracy": float(model.score(X_test, y_test)),
            "iterations": float(model.n_iter_),
            "converged": float(model.converged_),
            "train_images": float(len(y)),
            "test_images": float(len(y_test)),
        },
        history={"error": model.error_curve_.tolist()},
        arrays={
            "weights": model.coef_.reshape(train.images.shape[1:]),
            "bias": model.intercept_,
            "test_scores": model.decision_function(X_test),
            "test_labels": test.labels,
            "positive_samples": shown[0],
            "negative_samples": shown[1],
        },
        timings={"fit_s": fit_s},
    )


def _pair(part: ImageSet, trial: PerceptronTrial) -> ImageSet:
    return part.take(np.flatnonzero((part.labels == trial.positive) | (part.labels == trial.negative)))
