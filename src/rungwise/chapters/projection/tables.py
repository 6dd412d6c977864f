"""The tables of the chapter."""

from rungwise.chapters.projection.settings import Settings
from rungwise.chapters.projection.views import Pair, View, finite, spread_of
from rungwise.evidence.estimate import Estimate, estimate
from rungwise.findings import Column, Table


def class_table(settings: Settings, views: list[View]) -> Table:
    names = settings.data.classes

    def row(k: int) -> tuple[str | Estimate | None, ...]:
        centroid = [finite(view.moments.centroids[k, axis] for view in views) for axis in (0, 1)]
        count = estimate(view.moments.counts[k] for view in views)
        return (names[k], *centroid, spread_of(views, k, 0), spread_of(views, k, 1), count)

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


def variance_table(chapter: str, views: list[View]) -> Table:
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


def pair_table(chapter: str, pairs: list[Pair]) -> Table:
    return Table(
        id=f"{chapter}-pairs",
        caption="Accuracy of a linear SVM on two components for each pair of classes, hardest first.",
        columns=(Column(key="pair", label="Pair"), Column(key="accuracy", label="Accuracy", digits=3)),
        rows=tuple((pair.name, pair.accuracy) for pair in pairs),
    )
