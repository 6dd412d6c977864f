"""The figures of the plane: points, ellipses and components, and which classes have a colour."""

import math

import numpy as np

from rungwise.chapters.drawing import picture
from rungwise.chapters.many import short
from rungwise.chapters.projection.results import PlaneView
from rungwise.findings import Cloud, Ellipse, Figure, Images, Points, Tile

ALL_COLOURED = 10
"""Classes that a figure tells apart by their colours."""
COLOURED = 9
"""Of more classes: the tenth colour is a grey."""
MOST_POINTS = 20_000
"""Points that a figure shows: in a page and in findings.json each is a few bytes."""


def scatter(view: PlaneView, names: tuple[str, ...], chapter: str, first: str) -> Figure:
    count, shown = len(view.points), _drawn(view)
    images = f"{count:,} images" if len(shown) == count else f"{len(shown):,} of {count:,} images"
    return Figure(
        id=f"{chapter}-scatter",
        caption=f"Each of {images} as a point, coloured by its class.{_which_coloured(names)}{first}",
        alt=f"Scatter of {count:,} images on two principal components. "
        f"{_extremes(view, names, 0)} {_extremes(view, names, 1)}",
        panels=(Points(x_label="PC1", y_label="PC2", clouds=(*_others(view), *_clouds(view, names, ellipses=False))),),
    )


def ellipses_of(view: PlaneView, names: tuple[str, ...], chapter: str, first: str) -> Figure:
    each, others = "each class's", ""
    if len(names) > ALL_COLOURED:
        each, others = "each of these classes'", " The dots are the centroids of the others."
    return Figure(
        id=f"{chapter}-ellipses",
        caption=f"The same points with {each} centroid and the ellipse that would hold 95% of it if it "
        f"were Gaussian.{others}{first}",
        alt=f"The scatter with centroids and 95% ellipses. {_extremes(view, names, 0)} {_extremes(view, names, 1)}",
        panels=(
            Points(
                x_label="PC1", y_label="PC2", clouds=(*_centroids(view, names), *_clouds(view, names, ellipses=True))
            ),
        ),
    )


def _which_coloured(names: tuple[str, ...]) -> str:
    if len(names) <= ALL_COLOURED:
        return ""
    return (
        f" Of {len(names):,} classes, {COLOURED} have a colour, so that one can tell them apart: those whose "
        "centroids lie farthest from one another. The others are grey."
    )


def _drawn(view: PlaneView) -> np.ndarray:
    """The numbers of the points that are drawn: all, or `MOST_POINTS` evenly spread over them."""
    count = len(view.points)
    return np.arange(count) if count <= MOST_POINTS else np.linspace(0, count - 1, MOST_POINTS).astype(int)


def coloured(centroids: np.ndarray) -> list[int]:
    """The labels that have a colour, in order: all, or of many classes those with the centroids farthest apart.

    `centroids`: (K, 2), NaN for a class without points. The first is the one farthest from the mean of all; then always
    the one whose nearest chosen one is farthest (Gonzalez 1985).
    """
    if len(centroids) <= ALL_COLOURED:
        return list(range(len(centroids)))
    nearest = np.nan_to_num(_distances(centroids, np.nanmean(centroids, axis=0)), nan=-1.0)
    chosen: list[int] = []
    for _ in range(COLOURED):
        chosen.append(int(nearest.argmax()))
        distances = np.nan_to_num(_distances(centroids, centroids[chosen[-1]]), nan=-1.0)
        nearest = distances if len(chosen) == 1 else np.minimum(nearest, distances)
    return sorted(set(chosen))


def _distances(centroids: np.ndarray, to: np.ndarray) -> np.ndarray:
    """(K,)."""
    x, y = (centroids - to).T
    return np.asarray(x * x + y * y)


def _clouds(view: PlaneView, names: tuple[str, ...], ellipses: bool) -> tuple[Cloud, ...]:
    clouds, shown = [], _drawn(view)
    points, labels = view.points[shown], view.labels[shown]
    for k in coloured(view.moments.centroids):
        x, y = points[labels == k].T
        defined = ellipses and bool(np.isfinite(view.moments.covariances[k]).all())
        clouds.append(
            Cloud(
                name=names[k],
                x=tuple(map(float, x)),
                y=tuple(map(float, y)),
                ellipse=confidence_ellipse(view.moments.centroids[k], view.moments.covariances[k]) if defined else None,
                note=short(names[k]) if ellipses else "",
            )
        )
    return tuple(clouds)


def _others(view: PlaneView) -> tuple[Cloud, ...]:
    """The points of the classes that have no colour."""
    shown = _drawn(view)
    points = view.points[shown][~np.isin(view.labels[shown], coloured(view.moments.centroids))]
    return (_muted("other classes", points),) if len(points) else ()


def _centroids(view: PlaneView, names: tuple[str, ...]) -> tuple[Cloud, ...]:
    """Those of the classes that have no colour."""
    rest = sorted(set(range(len(names))) - set(coloured(view.moments.centroids)))
    known = [k for k in rest if np.isfinite(view.moments.centroids[k]).all()]
    return (_muted("centroids of other classes", view.moments.centroids[known]),) if known else ()


def _muted(name: str, points: np.ndarray) -> Cloud:
    x, y = points.T
    return Cloud(name=name, x=tuple(map(float, x)), y=tuple(map(float, y)), muted=True)


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


def components(view: PlaneView, chapter: str, first: str) -> Figure:
    shares = [f"PC{axis + 1} ({100 * view.variance[axis]:.1f}% of the variance)" for axis in (0, 1)]
    tiles = [Tile(pixels=picture(view.components[axis]).astype(np.float32), title=shares[axis]) for axis in (0, 1)]
    in_colour = (
        "grey is 0, light of a pixel's colour moves a point up that component, light of the opposite colour moves it "
        "down. Each component has one scale for its three colours"
    )
    in_ink = "ink where one colour stands moves a point up that component, ink where the other stands moves it down"
    says = in_colour if tiles[0].pixels.ndim == 3 else in_ink
    return Figure(
        id=f"{chapter}-components",
        caption=f"The components as images: {says}.{first}",
        alt=f"Two images of signed weights: {shares[0]} and {shares[1]}.",
        panels=(Images(tiles=tuple(tiles), columns=2, colours="diverging"),),
    )
