"""Projection: what two principal components keep of a data set, and how well lines tell its classes apart."""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field
from scipy import stats

from rungwise.chapters import projection_figures
from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.common import heading, measurements, seed_warnings, told
from rungwise.chapters.projection_views import Pair, View, finite, over_pairs, pair_names, read_views
from rungwise.evidence.estimate import Estimate, estimate
from rungwise.evidence.measure import Measurement, Metric
from rungwise.findings import Column, Findings, Formula, Statement, Table
from rungwise.insight.projection import ProjectionTrial
from rungwise.records.record import Record


class Settings(ChapterSettings):
    kind: Literal["projection"] = "projection"
    svm_iterations: int = Field(10_000, ge=1)
    """Iterations that the solver of a linear SVM may take."""


def trials(settings: Settings, seeds: tuple[int, ...]) -> tuple[ProjectionTrial, ...]:
    """One per seed."""
    return tuple(
        ProjectionTrial(label="PCA", data=settings.data, seed=seed, svm_iterations=settings.svm_iterations)
        for seed in seeds
    )


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


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    """What the chapter shows."""
    planned = trials(settings, seeds)
    names = settings.data.classes
    views = read_views(planned, records, len(names))
    pairs = over_pairs(views, names)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Projection"),
        question="How much of the classes can be seen in two dimensions, before anything is learnt?",
        method=_method(settings),
        formulas=FORMULAS,
        statements=_statements(views, pairs, names),
        tables=(
            _class_table(settings, views),
            _variance_table(settings.name, views),
            _pair_table(settings.name, pairs),
        ),
        figures=projection_figures.figures(views, pairs, names, settings.name),
        warnings=(*seed_warnings(len(views), len(planned), len(views)), *_unconverged(settings, views)),
        seeds=len(views),
    )


FORMULAS = (
    Formula(
        latex=r"C = \frac{1}{n-1} X^\top X, \qquad C v_k = \lambda_k v_k",
        says="The principal components $v_1$ and $v_2$ are the eigenvectors of the covariance $C$ of the "
        r"centred images $X$ (one row each) with the largest eigenvalues; $\lambda_k$ is the variance along "
        r"$v_k$.",
    ),
    Formula(
        latex=r"(x - \mu)^\top \Sigma^{-1} (x - \mu) \le \chi^2_{2;\,0.95} = -2 \ln 0.05",
        says=r"The ellipse that holds 95% of a Gaussian with a class's centroid $\mu$ and covariance "
        r"$\Sigma$.",
    ),
    Formula(
        latex=r"\min_{w, b} \tfrac{1}{2} (\lVert w \rVert^2 + b^2) + \sum_i \max(0, 1 - y_i (w^\top x_i + "
        r"b))^2",
        says=r"A linear support vector machine: $y_i = \pm 1$ is the class of the point $x_i$; squared hinge "
        "loss, as LinearSVC has it.",
    ),
)


def _method(settings: Settings) -> tuple[str, ...]:
    data = settings.data
    pairs = len(data.classes) * (len(data.classes) - 1) // 2
    which = f"All {data.size:,}" if data.train_images is None else f"{data.size:,} randomly drawn"
    return (
        f"{which} training images of {data.source} were scaled to [-1, 1] and projected on their first two "
        "principal components (eigenvectors of the covariance matrix). The sign of a component is arbitrary: "
        "it is chosen so that its entry of largest absolute value is positive, and with several seeds so "
        "that all agree with the first.",
        f"For each of the {pairs} pairs of classes, a linear support vector machine (at most "
        f"{settings.svm_iterations:,} iterations) was fitted to the pair's points in these two dimensions; "
        "its accuracy is that on the same points: how separable they are, not how well the line generalises.",
    )


# Statements and tables --------------------------------------------------------------------------------------


def _spread(views: list[View], k: int, axis: int | None = None) -> Estimate | None:
    return finite(view.spread(k, axis) for view in views)


def _statements(views: list[View], pairs: list[Pair], names: tuple[str, ...]) -> tuple[Statement, ...]:
    mean = estimate(view.mean_accuracy for view in views)
    if mean is None or not pairs:
        return ()
    share = estimate(sum(view.variance) for view in views)
    assert share is not None
    hardest = "; ".join(f"{pair.name}, {told(pair.accuracy)}" for pair in pairs[:3])
    texts = [
        f"The share of the pixels' variance that two components keep is {told(share)}.",
        "A line in the plane of two components tells a pair of classes apart with an accuracy of "
        f"{told(mean)}, on average over the {len(pairs)} pairs.",
        f"The hardest pairs, with their accuracies: {hardest}.",
        f"The easiest pair is {pairs[-1].name}, with an accuracy of {told(pairs[-1].accuracy)}.",
    ]
    for where, axis in (("By the sum of the variances on both components", None), ("On PC1 alone", 0)):
        spreads = {k: spread for k in range(len(names)) if (spread := _spread(views, k, axis)) is not None}
        if len(spreads) >= 2:
            tight, wide = (pick(spreads, key=lambda k: spreads[k].mean) for pick in (min, max))
            texts.append(
                f"{where}, {names[tight]} forms the tightest cluster, with a variance of "
                f"{told(spreads[tight], 2)}, and {names[wide]} the widest, with {told(spreads[wide], 2)}."
            )
    ids = tuple(view.id for view in views)
    return tuple(Statement(text=text, trials=ids) for text in texts)


def _class_table(settings: Settings, views: list[View]) -> Table:
    names = settings.data.classes

    def row(k: int) -> tuple[str | Estimate | None, ...]:
        centroid = [finite(view.moments.centroids[k, axis] for view in views) for axis in (0, 1)]
        count = estimate(view.moments.counts[k] for view in views)
        return (names[k], *centroid, _spread(views, k, 0), _spread(views, k, 1), count)

    return Table(
        id=f"{settings.name}-classes",
        caption="Where each class lies on the two principal components.",
        columns=(
            Column(key="class", label="Class"),
            Column(key="centroid_pc1", label="Centroid PC1", digits=2),
            Column(key="centroid_pc2", label="Centroid PC2", digits=2),
            Column(key="var_pc1", label="Variance PC1", digits=2),
            Column(key="var_pc2", label="Variance PC2", digits=2),
            Column(key="n", label="Images", digits=0),
        ),
        rows=tuple(row(k) for k in range(len(names))),
    )


def _variance_table(chapter: str, views: list[View]) -> Table:
    shares = [estimate(view.variance[axis] for view in views) for axis in (0, 1)]
    both = estimate(sum(view.variance) for view in views)
    return Table(
        id=f"{chapter}-variance",
        caption="Share of the pixels' variance that the components keep.",
        columns=(
            Column(key="component", label="Component"),
            Column(key="variance_share", label="Share of variance", digits=4),
        ),
        rows=(("PC1", shares[0]), ("PC2", shares[1]), ("both", both)),
    )


def _pair_table(chapter: str, pairs: list[Pair]) -> Table:
    return Table(
        id=f"{chapter}-pairs",
        caption="Accuracy of a linear SVM on two components for each pair of classes, hardest first.",
        columns=(Column(key="pair", label="Pair"), Column(key="accuracy", label="Accuracy", digits=3)),
        rows=tuple((pair.name, pair.accuracy) for pair in pairs),
    )


def _unconverged(settings: Settings, views: list[View]) -> tuple[str, ...]:
    count = sum(view.unconverged for view in views)
    if count == 0:
        return ()
    return (
        f"{count} of the linear SVMs stopped at {settings.svm_iterations:,} iterations without converging; "
        "raise svm_iterations.",
    )
