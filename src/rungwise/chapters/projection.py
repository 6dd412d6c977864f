"""Projection: what two principal components keep of a data set, and how well lines tell its classes apart."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.common import present, seed_warnings, told
from rungwise.evidence.estimate import Estimate, estimate
from rungwise.findings import (
    Cloud,
    Column,
    Figure,
    Findings,
    Formula,
    Heatmap,
    Histogram,
    Images,
    Level,
    Points,
    Statement,
    Table,
    Tile,
)
from rungwise.insight.projection import Moments, ProjectionTrial, confidence_ellipse, moments
from rungwise.records.record import Record
from rungwise.trial import Trial


class Settings(ChapterSettings):
    kind: Literal["projection"] = "projection"
    svm_iterations: int = Field(10_000, ge=1)
    """Iterations that the solver of a linear SVM may take."""


class View(NamedTuple):
    """One seed's projection, its components turned to agree in sign with the first seed's."""

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


class Pair(NamedTuple):
    name: str
    accuracy: Estimate
    a: int
    b: int


def trials(settings: Settings, seeds: tuple[int, ...]) -> tuple[Trial, ...]:
    """One per seed."""
    return tuple(
        ProjectionTrial(label="PCA", data=settings.data, seed=seed, svm_iterations=settings.svm_iterations)
        for seed in seeds
    )


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    """What the chapter shows."""
    planned = trials(settings, seeds)
    names = settings.data.classes
    views = _views(present(planned, records), len(names))
    pairs = _pairs(views, names)
    return Findings(
        kind=settings.kind,
        title="Projection",
        question="How much of the classes can be seen in two dimensions, before anything is learnt?",
        method=_method(settings),
        formulas=FORMULAS,
        statements=_statements(views, pairs, names),
        tables=(_class_table(views, names), _variance_table(views), _pair_table(pairs)),
        figures=_figures(views, pairs, names),
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


# From records -----------------------------------------------------------------------------------------------


def _views(done: list[Record], classes: int) -> list[View]:
    views: list[View] = []
    for record in done:
        components = record.arrays["components"]
        reference = views[0].components if views else components
        signs = np.where((components * reference).reshape(2, -1).sum(axis=1) < 0, -1, 1)
        points, labels = record.arrays["points"] * signs, record.arrays["labels"]
        views.append(
            View(
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


def _finite(values: Iterable[float]) -> Estimate | None:
    """The estimate over the seeds in which the quantity is defined."""
    return estimate(value for value in values if np.isfinite(value))


def _pairs(views: list[View], names: tuple[str, ...]) -> list[Pair]:
    """Every pair of classes with its accuracy, hardest first."""
    found = []
    for a, b in itertools.combinations(range(len(names)), 2):
        accuracy = _finite(view.pairs[a, b] for view in views)
        if accuracy is not None:
            found.append(Pair(f"{names[a]} v {names[b]}", accuracy, a, b))
    return sorted(found, key=lambda pair: pair.accuracy.mean)


def _spread(views: list[View], k: int, axis: int | None = None) -> Estimate | None:
    """Variance of class k along a component, or the sum over both."""
    axes = (0, 1) if axis is None else (axis,)
    return _finite(sum(view.moments.covariances[k, i, i] for i in axes) for view in views)


def _mean_accuracy(views: list[View]) -> Estimate | None:
    return estimate(np.nanmean(view.pairs) for view in views)


# Statements and tables --------------------------------------------------------------------------------------


def _statements(views: list[View], pairs: list[Pair], names: tuple[str, ...]) -> tuple[Statement, ...]:
    mean = _mean_accuracy(views)
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


def _class_table(views: list[View], names: tuple[str, ...]) -> Table:
    def row(k: int) -> tuple[str | Estimate | None, ...]:
        centroid = [_finite(view.moments.centroids[k, axis] for view in views) for axis in (0, 1)]
        count = estimate(view.moments.counts[k] for view in views)
        return (names[k], *centroid, _spread(views, k, 0), _spread(views, k, 1), count)

    return Table(
        id="projection-classes",
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


def _variance_table(views: list[View]) -> Table:
    shares = [estimate(view.variance[axis] for view in views) for axis in (0, 1)]
    both = estimate(sum(view.variance) for view in views)
    return Table(
        id="projection-variance",
        caption="Share of the pixels' variance that the components keep.",
        columns=(
            Column(key="component", label="Component"),
            Column(key="variance_share", label="Share of variance", digits=4),
        ),
        rows=(("PC1", shares[0]), ("PC2", shares[1]), ("both", both)),
    )


def _pair_table(pairs: list[Pair]) -> Table:
    return Table(
        id="projection-pairs",
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


# Figures ----------------------------------------------------------------------------------------------------


def _figures(views: list[View], pairs: list[Pair], names: tuple[str, ...]) -> tuple[Figure, ...]:
    if not views or not pairs:
        return ()
    first = " The first seed is shown." if len(views) > 1 else ""
    return (
        _scatter(views[0], names, first),
        _ellipses(views[0], names, first),
        _components(views[0], first),
        _histogram(views, pairs),
        _heatmap(pairs, names),
    )


def _clouds(view: View, names: tuple[str, ...], ellipses: bool) -> tuple[Cloud, ...]:
    clouds = []
    for k, name in enumerate(names):
        x, y = view.points[view.labels == k].T
        defined = ellipses and bool(np.isfinite(view.moments.covariances[k]).all())
        clouds.append(
            Cloud(
                name=name,
                x=tuple(map(float, x)),
                y=tuple(map(float, y)),
                ellipse=confidence_ellipse(view.moments.centroids[k], view.moments.covariances[k]) if defined else None,
                note=name if ellipses else "",
            )
        )
    return tuple(clouds)


def _extremes(view: View, names: tuple[str, ...], axis: int) -> str:
    """In words, the classes at both ends of a component."""
    centroids = view.moments.centroids[:, axis]
    low, high = int(np.nanargmin(centroids)), int(np.nanargmax(centroids))
    return (
        f"On PC{axis + 1}, {names[low]} lies lowest (mean {centroids[low]:.1f}) and {names[high]} highest "
        f"({centroids[high]:.1f})."
    )


def _scatter(view: View, names: tuple[str, ...], first: str) -> Figure:
    return Figure(
        id="projection-scatter",
        caption=f"Each of {len(view.points):,} images as a point, coloured by its class.{first}",
        alt=f"Scatter of {len(view.points):,} images on two principal components. "
        f"{_extremes(view, names, 0)} {_extremes(view, names, 1)}",
        panels=(Points(x_label="PC1", y_label="PC2", clouds=_clouds(view, names, ellipses=False)),),
    )


def _ellipses(view: View, names: tuple[str, ...], first: str) -> Figure:
    return Figure(
        id="projection-ellipses",
        caption="The same points with each class's centroid and the ellipse that would hold 95% of it if it "
        f"were Gaussian.{first}",
        alt=f"The scatter with centroids and 95% ellipses. {_extremes(view, names, 0)} {_extremes(view, names, 1)}",
        panels=(Points(x_label="PC1", y_label="PC2", clouds=_clouds(view, names, ellipses=True)),),
    )


def _components(view: View, first: str) -> Figure:
    shares = [f"PC{axis + 1} ({100 * view.variance[axis]:.1f}% of the variance)" for axis in (0, 1)]
    tiles = [Tile(pixels=view.components[axis].mean(axis=0).astype(np.float32), title=shares[axis]) for axis in (0, 1)]
    return Figure(
        id="projection-components",
        caption="The components as images: ink where one colour stands moves a point up that component, ink "
        f"where the other stands moves it down.{first}",
        alt=f"Two images of signed weights: {shares[0]} and {shares[1]}.",
        panels=(Images(tiles=tuple(tiles), columns=2, colours="diverging"),),
    )


def _histogram(views: list[View], pairs: list[Pair]) -> Figure:
    mean = _mean_accuracy(views)
    assert mean is not None
    low, high = pairs[0].accuracy.mean, pairs[-1].accuracy.mean
    over = f", each the mean over {len(views)} seeds" if len(views) > 1 else ""
    return Figure(
        id="projection-pair-histogram",
        caption=f"Accuracies of the {len(pairs)} pairs{over}; the line is their mean, {mean.mean:.3f}.",
        alt=f"Histogram of {len(pairs)} accuracies from {low:.2f} to {high:.2f} with mean {mean.mean:.3f}.",
        panels=(
            Histogram(
                x_label="accuracy of a linear SVM",
                y_label="pairs of classes",
                values=tuple(pair.accuracy.mean for pair in pairs),
                levels=(Level(name="mean", values=mean.values),),
            ),
        ),
    )


def _heatmap(pairs: list[Pair], names: tuple[str, ...]) -> Figure:
    values = np.full((len(names), len(names)), np.nan)
    for pair in pairs:
        values[pair.a, pair.b] = values[pair.b, pair.a] = pair.accuracy.mean
    return Figure(
        id="projection-pair-heatmap",
        caption="Accuracy of a linear SVM on two components for each pair of classes.",
        alt=f"Heatmap of pair accuracies: lowest for {pairs[0].name} ({pairs[0].accuracy.mean:.2f}), highest "
        f"for {pairs[-1].name} ({pairs[-1].accuracy.mean:.2f}).",
        panels=(Heatmap(rows=names, columns=names, values=values),),
    )
