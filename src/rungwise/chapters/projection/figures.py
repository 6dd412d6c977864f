"""The figures of the chapter: points, ellipses, components, and how well lines tell pairs of classes apart."""

import math

import numpy as np

from rungwise.chapters.drawing import missing
from rungwise.chapters.projection.results import ClassPair, PlaneView, Results
from rungwise.evidence.estimate import estimate
from rungwise.findings import Cloud, Ellipse, Figure, Heatmap, Histogram, Images, Level, Points, Tile

CAPTIONS = {
    "scatter": "Each image as a point, coloured by its class.",
    "ellipses": "The same points with each class's centroid and ellipse.",
    "components": "The components as images.",
    "pair-histogram": "Accuracies of the pairs of classes.",
    "pair-heatmap": "Accuracy of a linear SVM on two components for each pair of classes.",
}


def figures(results: Results) -> tuple[Figure, ...]:
    views, pairs, names, chapter = results.views, results.pairs, results.names, results.settings.name
    if not views or not pairs:
        return missing(chapter, CAPTIONS)
    first = " The first seed is shown." if len(views) > 1 else ""
    return (
        _scatter(views[0], names, chapter, first),
        _ellipses(views[0], names, chapter, first),
        _components(views[0], chapter, first),
        _histogram(views, pairs, chapter),
        _heatmap(pairs, names, chapter),
    )


def _scatter(view: PlaneView, names: tuple[str, ...], chapter: str, first: str) -> Figure:
    return Figure(
        id=f"{chapter}-scatter",
        caption=f"Each of {len(view.points):,} images as a point, coloured by its class.{first}",
        alt=f"Scatter of {len(view.points):,} images on two principal components. "
        f"{_extremes(view, names, 0)} {_extremes(view, names, 1)}",
        panels=(Points(x_label="PC1", y_label="PC2", clouds=_clouds(view, names, ellipses=False)),),
    )


def _ellipses(view: PlaneView, names: tuple[str, ...], chapter: str, first: str) -> Figure:
    return Figure(
        id=f"{chapter}-ellipses",
        caption="The same points with each class's centroid and the ellipse that would hold 95% of it if it "
        f"were Gaussian.{first}",
        alt=f"The scatter with centroids and 95% ellipses. {_extremes(view, names, 0)} {_extremes(view, names, 1)}",
        panels=(Points(x_label="PC1", y_label="PC2", clouds=_clouds(view, names, ellipses=True)),),
    )


def _clouds(view: PlaneView, names: tuple[str, ...], ellipses: bool) -> tuple[Cloud, ...]:
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


def confidence_ellipse(centre: np.ndarray, covariance: np.ndarray, coverage: float = 0.95) -> Ellipse:
    """The ellipse that holds the share `coverage` of a Gaussian with that centre (2,) and covariance (2, 2).

    Its points x satisfy (x - c)' S^-1 (x - c) = q, with q the quantile of chi-square with two degrees of
    freedom, which is -2 ln(1 - coverage). The half axes are sqrt(q times an eigenvalue of S).
    """
    (a, b), (_, d) = covariance.tolist()
    # The eigenvalues of [[a, b], [b, d]] in closed form: the last digits of LAPACK's depend on the processor.
    middle, reach = (a + d) / 2, math.sqrt(((a - d) / 2) ** 2 + b * b)
    scale = 2 * math.sqrt(-2 * math.log(1 - coverage))
    major, minor = (scale * math.sqrt(max(0.0, variance)) for variance in (middle + reach, middle - reach))
    angle = math.degrees(math.atan2(2 * b, a - d) / 2) % 180
    return Ellipse(x=float(centre[0]), y=float(centre[1]), width=major, height=minor, angle=angle)


def _extremes(view: PlaneView, names: tuple[str, ...], axis: int) -> str:
    """In words, the classes at both ends of a component."""
    centroids = view.moments.centroids[:, axis]
    low, high = int(np.nanargmin(centroids)), int(np.nanargmax(centroids))
    return (
        f"On PC{axis + 1}, {names[low]} lies lowest (mean {centroids[low]:.1f}) and {names[high]} highest "
        f"({centroids[high]:.1f})."
    )


def _components(view: PlaneView, chapter: str, first: str) -> Figure:
    shares = [f"PC{axis + 1} ({100 * view.variance[axis]:.1f}% of the variance)" for axis in (0, 1)]
    tiles = [Tile(pixels=view.components[axis].mean(axis=0).astype(np.float32), title=shares[axis]) for axis in (0, 1)]
    return Figure(
        id=f"{chapter}-components",
        caption="The components as images: ink where one colour stands moves a point up that component, ink "
        f"where the other stands moves it down.{first}",
        alt=f"Two images of signed weights: {shares[0]} and {shares[1]}.",
        panels=(Images(tiles=tuple(tiles), columns=2, colours="diverging"),),
    )


def _histogram(views: list[PlaneView], pairs: list[ClassPair], chapter: str) -> Figure:
    mean = estimate(view.mean_accuracy for view in views)
    assert mean is not None
    low, high = pairs[0].accuracy.mean, pairs[-1].accuracy.mean
    over = f", each the mean over {len(views)} seeds" if len(views) > 1 else ""
    return Figure(
        id=f"{chapter}-pair-histogram",
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


def _heatmap(pairs: list[ClassPair], names: tuple[str, ...], chapter: str) -> Figure:
    values = np.full((len(names), len(names)), np.nan)
    for pair in pairs:
        values[pair.a, pair.b] = values[pair.b, pair.a] = pair.accuracy.mean
    return Figure(
        id=f"{chapter}-pair-heatmap",
        caption="Accuracy of a linear SVM on two components for each pair of classes.",
        alt=f"Heatmap of pair accuracies: lowest for {pairs[0].name} ({pairs[0].accuracy.mean:.2f}), highest "
        f"for {pairs[-1].name} ({pairs[-1].accuracy.mean:.2f}).",
        panels=(Heatmap(rows=names, columns=names, values=values),),
    )
