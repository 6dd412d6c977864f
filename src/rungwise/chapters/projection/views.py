"""The projection chapter's records, read: one view of the plane per seed, and the pairs of classes over all of them."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rungwise.chapters.projection.trial import ProjectionTrial
from rungwise.evidence.estimate import Estimate, estimate
from rungwise.insight.projection import Moments, moments
from rungwise.records.record import Record


class View(NamedTuple):
    """One seed's projection, its components turned to agree in sign with the first seed's."""

    seed: int
    id: str
    points: np.ndarray
    """(N, 2)."""
    labels: np.ndarray
    """(N,)."""
    components: np.ndarray
    """(2, C, H, W)."""
    moments: Moments
    pairs: np.ndarray
    """Accuracies (K, K), NaN where undefined."""
    variance: tuple[float, float]
    """Shares of the variance."""
    unconverged: int

    def spread(self, k: int, axis: int | None = None) -> float:
        """Variance of class k along a component, or the sum over both; NaN for fewer than two points."""
        variances = np.diagonal(self.moments.covariances[k])
        return float(variances.sum() if axis is None else variances[axis])

    @property
    def mean_accuracy(self) -> float:
        """Over the pairs of classes that have points."""
        return float(np.nanmean(self.pairs))


class Pair(NamedTuple):
    name: str
    accuracy: Estimate
    a: int
    b: int


def read_views(planned: Sequence[ProjectionTrial], records: Mapping[str, Record], classes: int) -> list[View]:
    """Of the trials that have finished, in their order."""
    views: list[View] = []
    for trial in planned:
        if trial.id not in records:
            continue
        record = records[trial.id]
        components = record.arrays["components"]
        reference = views[0].components if views else components
        signs = np.where((components * reference).reshape(2, -1).sum(axis=1) < 0, -1, 1)
        points, labels = record.arrays["points"] * signs, record.arrays["labels"]
        views.append(
            View(
                seed=trial.seed,
                id=record.id,
                points=points,
                labels=labels,
                components=components * signs.reshape(2, 1, 1, 1),
                moments=moments(points, labels, classes),
                pairs=record.arrays["pair_accuracies"],
                variance=(record.summary["variance_pc1"], record.summary["variance_pc2"]),
                unconverged=int(record.summary["unconverged_svms"]),
            )
        )
    return views


def pair_names(names: tuple[str, ...]) -> dict[tuple[int, int], str]:
    """Every pair of labels, as "3 v 5" by (3, 5)."""
    return {(a, b): f"{names[a]} v {names[b]}" for a, b in itertools.combinations(range(len(names)), 2)}


def over_pairs(views: list[View], names: tuple[str, ...]) -> list[Pair]:
    """Every pair of classes with its accuracy, hardest first."""
    found = []
    for (a, b), name in pair_names(names).items():
        accuracy = finite(view.pairs[a, b] for view in views)
        if accuracy is not None:
            found.append(Pair(name, accuracy, a, b))
    return sorted(found, key=lambda pair: pair.accuracy.mean)


def finite(values: Iterable[float]) -> Estimate | None:
    """The estimate over the seeds in which the quantity is defined."""
    return estimate(value for value in values if np.isfinite(value))


def spread_of(views: list[View], k: int, axis: int | None = None) -> Estimate | None:
    return finite(view.spread(k, axis) for view in views)
