"""What the chapter measures, from its records."""

from collections.abc import Iterator, Mapping

from scipy import stats

from rungwise.chapters.projection.settings import Settings, trials
from rungwise.chapters.projection.views import View, pair_names, read_views
from rungwise.chapters.sentences import measurements
from rungwise.evidence.measure import Measurement, Metric
from rungwise.records.record import Record

PLANE = "PC1 + PC2"
"""What the metrics call both components together."""

ALL_PAIRS = "all pairs"


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of classes, pairs of them and components."""
    classes = settings.data.classes
    pairs = tuple(pair_names(classes).values())
    return {
        "pair_accuracy": Metric("accuracy of a linear SVM on the pair's points on both components", pairs),
        "pair_rank": Metric("rank of the pair by that accuracy; 1: the hardest", pairs),
        "mean_pair_accuracy": Metric("mean accuracy over the pairs of classes", (ALL_PAIRS,)),
        "cluster_variance": Metric("sum of the variances of the class on both components", classes),
        "cluster_variance_pc1": Metric("variance of the class on PC1", classes),
        "kept_variance": Metric("share of the pixels' variance that is kept", ("PC1", "PC2", PLANE)),
    }


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    names = settings.data.classes
    views = read_views(trials(settings, seeds), records, len(names))
    numbers = {view.seed: _numbers(view, names) for view in views}
    ids = {view.seed: (view.id,) for view in views}
    for key, metric in metrics(settings).items():
        for model in metric.models:
            values = {seed: own[key][model] for seed, own in numbers.items()}
            yield from measurements(settings.name, key, model, values, ids)


def _numbers(view: View, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Each of `metrics` for one seed, by model; NaN where undefined."""
    pairs = {name: float(view.pairs[a, b]) for (a, b), name in pair_names(names).items()}
    ranks = stats.rankdata(list(pairs.values()), nan_policy="omit")  # equals share the mean of their ranks
    return {
        "pair_accuracy": pairs,
        "pair_rank": dict(zip(pairs, map(float, ranks), strict=True)),
        "mean_pair_accuracy": {ALL_PAIRS: view.mean_accuracy},
        "cluster_variance": {name: view.spread(k) for k, name in enumerate(names)},
        "cluster_variance_pc1": {name: view.spread(k, 0) for k, name in enumerate(names)},
        "kept_variance": {"PC1": view.variance[0], "PC2": view.variance[1], PLANE: sum(view.variance)},
    }
