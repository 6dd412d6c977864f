"""The chapter's records, read: one view of the plane per seed, the pairs of classes, and what is measured."""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from rungwise.chapters.projection.settings import Settings, trials
from rungwise.chapters.projection.trial import ProjectionTrial
from rungwise.chapters.results import measurements, measures_of
from rungwise.evidence.estimate import Estimate
from rungwise.evidence.measure import Measurement, Metric
from rungwise.evidence.measures import Measures
from rungwise.evidence.ranges import Scale
from rungwise.insight.projection import ALL_PAIRS_UP_TO, Moments, moments
from rungwise.records.record import Record

PLANE = "PC1 + PC2"
"""What the metrics call both components together."""
ALL_PAIRS = "all pairs"


class PlaneView(NamedTuple):
    """One seed's projection; the signs of its components agree with those of the first seed."""

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


class ClassPair(NamedTuple):
    """Two classes, by their labels, and how well a line tells them apart."""

    name: str
    accuracy: Estimate
    a: int
    b: int


@dataclass(frozen=True, eq=False)
class Results:
    """What the chapter's statements, tables and figures are made from."""

    settings: Settings
    views: list[PlaneView]
    """Of the seeds that have finished."""
    pairs: list[ClassPair]
    """Hardest first; only those with an accuracy."""
    measures: Measures
    planned: int

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes."""
        return self.settings.data.classes

    @property
    def hardest_classes(self) -> list[int]:
        """All labels, those of the hardest pairs first."""
        of_pairs = itertools.chain.from_iterable((pair.a, pair.b) for pair in self.pairs)
        return list(dict.fromkeys(itertools.chain(of_pairs, range(len(self.names)))))

    @property
    def fitted_pairs(self) -> int:
        """How many pairs each seed has an accuracy of; of many classes they may be others in each."""
        return len(self.pairs) if self.all_pairs else len(list(_fitted(self.views[0].pairs)))

    @property
    def all_pairs(self) -> bool:
        """Whether every pair was fitted an SVM, not only those of nearest centroids."""
        return len(self.names) <= ALL_PAIRS_UP_TO

    @property
    def done(self) -> int:
        return len(self.views)

    @property
    def most_seeds(self) -> int:
        return len(self.views)


def read_results(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Results:
    planned, names = trials(settings, seeds), settings.data.classes
    views = _read_views(planned, records, len(names))
    measures = measures_of(settings, metrics(settings))
    return Results(settings, views, _over_pairs(views, names, measures), measures, len(planned))


def _read_views(planned: Sequence[ProjectionTrial], records: Mapping[str, Record], classes: int) -> list[PlaneView]:
    """Of the trials that have finished, in their order."""
    views: list[PlaneView] = []
    for trial in planned:
        if trial.id not in records:
            continue
        record = records[trial.id]
        components = record.arrays["components"]
        reference = views[0].components if views else components
        signs = np.where((components * reference).reshape(2, -1).sum(axis=1) < 0, -1, 1)
        points, labels = record.arrays["points"] * signs, record.arrays["labels"]
        views.append(
            PlaneView(
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


def _over_pairs(views: list[PlaneView], names: tuple[str, ...], measures: Measures) -> list[ClassPair]:
    """Every pair of classes with its accuracy, hardest first."""
    found = []
    for a, b in _fitted(*(view.pairs for view in views)):
        accuracy = finite((view.pairs[a, b] for view in views), measures, "share")
        assert accuracy is not None
        found.append(ClassPair(_pair_name(names, a, b), accuracy, a, b))
    return sorted(found, key=lambda pair: pair.accuracy.mean)


def _fitted(*accuracies: np.ndarray) -> Iterable[tuple[int, int]]:
    """The pairs of labels (a, b), a < b, of which any of the arrays (K, K) has an accuracy, in order."""
    known = np.isfinite(accuracies).any(axis=0) if accuracies else np.zeros((0, 0), bool)
    return [(a, b) for a, b in np.argwhere(np.triu(known, 1)).tolist()]


def _pair_name(names: Sequence[str], a: int, b: int) -> str:
    """ "3 v 5"."""
    return f"{names[a]} v {names[b]}"


def finite(values: Iterable[float], measures: Measures, scale: Scale = "plain") -> Estimate | None:
    """The estimate over the seeds in which the quantity is defined."""
    return measures.of((value for value in values if np.isfinite(value)), scale)


def spread_of(results: Results, k: int, axis: int | None = None) -> Estimate | None:
    """`PlaneView.spread` over the seeds."""
    return finite((view.spread(k, axis) for view in results.views), results.measures, "positive")


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of classes, pairs of them and components. Of many classes, some pairs have no number."""
    classes = settings.data.classes
    pairs = tuple(_pair_name(classes, a, b) for a, b in itertools.combinations(range(len(classes)), 2))
    planes = ("PC1", "PC2", PLANE)
    rank = "rank of the pair by that accuracy; 1: the hardest"
    spread = "sum of the variances of the class on both components"
    return {
        "pair_accuracy": Metric("accuracy of a linear SVM on the pair's points on both components", pairs),
        "pair_rank": Metric(rank, pairs, most=len(pairs)),
        "mean_pair_accuracy": Metric("mean accuracy over the pairs of classes", (ALL_PAIRS,)),
        "cluster_variance": Metric(spread, classes),
        "cluster_variance_pc1": Metric("variance of the class on PC1", classes),
        "kept_variance": Metric("share of the pixels' variance that is kept", planes),
    }


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    views = read_results(settings, seeds, records).views
    numbers = {view.seed: _numbers(view, settings.data.classes) for view in views}
    ids = {view.seed: (view.id,) for view in views}
    for key in metrics(settings):
        for model in _models(own[key] for own in numbers.values()):
            values = {seed: own[key][model] for seed, own in numbers.items() if model in own[key]}
            yield from measurements(settings.name, key, model, values, ids)


def _models(numbers: Iterable[Collection[str]]) -> Iterable[str]:
    """Each model that has a number, once."""
    return dict.fromkeys(itertools.chain.from_iterable(numbers))


def _numbers(view: PlaneView, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Each of `metrics` for one seed, by model; NaN where undefined. Pairs are those that were fitted."""
    pairs = {_pair_name(names, a, b): float(view.pairs[a, b]) for a, b in _fitted(view.pairs)}
    ranks = stats.rankdata(list(pairs.values()))  # equals share the mean of their ranks
    return {
        "pair_accuracy": pairs,
        "pair_rank": dict(zip(pairs, map(float, ranks), strict=True)),
        "mean_pair_accuracy": {ALL_PAIRS: view.mean_accuracy},
        "cluster_variance": {name: view.spread(k) for k, name in enumerate(names)},
        "cluster_variance_pc1": {name: view.spread(k, 0) for k, name in enumerate(names)},
        "kept_variance": {"PC1": view.variance[0], "PC2": view.variance[1], PLANE: sum(view.variance)},
    }
