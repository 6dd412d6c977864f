"""The work of a perceptron's trial: two classes of a data set, one learning rule."""

import time
from collections.abc import Sequence

import numpy as np

from rungwise.bench import Bench
from rungwise.chapters.perceptrons.trial import PerceptronTrial
from rungwise.data.images import ImageSet, Split, scale
from rungwise.perceptron.batch_rule import Fitted, grid_start, learn_batch_many
from rungwise.perceptron.estimator import learn_online, signed
from rungwise.seeding import stream_seed
from rungwise.trial import Outcome, TrialFailed

SAMPLES = 8
"""Training images of each class that the record keeps to show."""


def learn(trial: PerceptronTrial, bench: Bench) -> Outcome:
    """`learn_many` of one trial."""
    return learn_many([trial], bench)[0]


def learn_many(trials: Sequence[PerceptronTrial], bench: Bench) -> list[Outcome]:
    """Fit each perceptron to all training images of its two classes and try it on all test images of them.

    The trials differ in their seeds alone; those whose seeds lead to the same images learn together. Raises ValueError
    where they differ in more, and TrialFailed where a part of a split has no image of one of the classes.
    """
    if len({trial.model_copy(update={"seed": 0}).id for trial in trials}) > 1:
        raise ValueError("perceptrons learn together only where they differ in nothing but the seed")
    groups: list[tuple[Split, list[int]]] = []
    for index, trial in enumerate(trials):
        split = bench.split(trial.data, trial.seed)
        for known, members in groups:
            if _same(known.train, split.train) and _same(known.test, split.test):
                members.append(index)
                break
        else:
            groups.append((split, [index]))
    outcomes: dict[int, Outcome] = {}
    for split, members in groups:
        outcomes |= zip(members, _learn([trials[index] for index in members], split), strict=True)
    return [outcomes[index] for index in range(len(trials))]


def _learn(trials: list[PerceptronTrial], split: Split) -> list[Outcome]:
    trial = trials[0]
    train, test = (_pair(part, trial) for part in (split.train, split.test))
    for name, part in (("training", train), ("test", test)):
        for label in (trial.positive, trial.negative):
            if not (part.labels == label).any():
                raise TrialFailed(f"the {name} part has no image of class {split.classes[label]!r}")
    start = time.perf_counter()
    fits = (_fit_batch if trial.rule == "batch" else _fit_online)(trials, train)
    # What the trials share cannot be told apart: each is given an equal share of the time of all.
    fit_s = (time.perf_counter() - start) / len(trials)
    return [_outcome(trial, fit, train, test, fit_s) for trial, fit in zip(trials, fits, strict=True)]


def _fit_batch(trials: list[PerceptronTrial], train: ImageSet) -> list[Fitted]:
    """In whole numbers, where the rule is exact: rows and bias are 255 times the scaled ones, the rate 1/255 of it."""
    trial = trials[0]
    pixels = train.images.reshape(len(train), -1).astype(np.float32) * 2 - 255
    Z = signed(pixels, _signs(train, trial), one=255)
    starts = [grid_start(_random(trial), Z.shape[1]) for trial in trials]
    return learn_batch_many(Z, starts, trial.rate / 255, trial.iterations, trial.tolerance)


def _fit_online(trials: list[PerceptronTrial], train: ImageSet) -> list[Fitted]:
    Z = signed(_inputs(train), _signs(train, trials[0]))
    fits = []
    for trial in trials:
        random = _random(trial)
        start = np.asarray(random.standard_normal(Z.shape[1]), np.float32)
        fits.append(learn_online(Z, start, trial.rate, trial.iterations, trial.tolerance, random))
    return fits


def _outcome(trial: PerceptronTrial, fit: Fitted, train: ImageSet, test: ImageSet, fit_s: float) -> Outcome:
    weights = fit.weights.astype(np.float32)

    def scores(part: ImageSet) -> np.ndarray:
        found: np.ndarray = _inputs(part) @ weights[:-1] + weights[-1]
        return found

    def accuracy(part: ImageSet) -> float:
        return float(np.mean((scores(part) > 0) == (part.labels == trial.positive)))

    shown = [train.images[train.labels == label][:SAMPLES] for label in (trial.positive, trial.negative)]
    return Outcome(
        summary={
            "train_accuracy": accuracy(train),
            "test_accuracy": accuracy(test),
            "iterations": float(len(fit.errors)),
            "converged": float(fit.errors[-1] <= trial.tolerance),
            "train_images": float(len(train)),
            "test_images": float(len(test)),
        },
        history={"error": fit.errors},
        arrays={
            "weights": weights[:-1].reshape(train.images.shape[1:]),
            "bias": weights[-1:],
            "test_scores": scores(test),
            "test_labels": test.labels,
            "positive_samples": shown[0],
            "negative_samples": shown[1],
        },
        timings={"fit_s": fit_s},
    )


def _random(trial: PerceptronTrial) -> np.random.RandomState:
    return np.random.RandomState(stream_seed(trial.seed, "initialisation") % 2**32)  # its seeds have 32 bits


def _inputs(part: ImageSet) -> np.ndarray:
    return scale(part.images).reshape(len(part), -1)


def _signs(part: ImageSet, trial: PerceptronTrial) -> np.ndarray:
    return np.where(part.labels == trial.positive, 1, -1).astype(np.float32)


def _pair(part: ImageSet, trial: PerceptronTrial) -> ImageSet:
    return part.take(np.flatnonzero((part.labels == trial.positive) | (part.labels == trial.negative)))


def _same(a: ImageSet, b: ImageSet) -> bool:
    return a is b or (np.array_equal(a.labels, b.labels) and np.array_equal(a.images, b.images))
