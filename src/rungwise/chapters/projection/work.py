"""How a projection is computed."""

import time

import numpy as np

from rungwise.bench import Bench
from rungwise.chapters.projection.trial import ProjectionTrial
from rungwise.insight.projection import components_of_images, pair_accuracies
from rungwise.trial import Outcome, TrialFailed


def project(trial: ProjectionTrial, bench: Bench) -> Outcome:
    """The work of a trial: images -> two principal components -> a linear SVM for each pair of classes."""
    split = bench.split(trial.data, trial.seed)
    images, labels = split.train.images, split.train.labels
    start = time.perf_counter()
    points, components, ratio = components_of_images(images)
    projected = time.perf_counter()
    accuracies, unconverged = pair_accuracies(points, labels, len(split.classes), trial.svm_iterations)
    if not np.isfinite(accuracies).any():
        raise TrialFailed("all training images are of one class, so that no line can tell two apart: draw more images")
    return Outcome(
        summary={
            "variance_pc1": float(ratio[0]),
            "variance_pc2": float(ratio[1]),
            "mean_pair_accuracy": float(np.nanmean(accuracies)),
            "unconverged_svms": float(unconverged),
        },
        arrays={
            "points": points,
            "labels": labels,
            "components": components.reshape(2, *images.shape[1:]),
            "pair_accuracies": accuracies,
        },
        timings={"pca_s": projected - start, "svm_s": time.perf_counter() - projected},
    )
