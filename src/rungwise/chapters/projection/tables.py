"""The tables of the chapter."""

from rungwise.chapters.many import MOST_ROWS, worst_shown
from rungwise.chapters.projection.results import Results, finite, spread_of
from rungwise.findings import Cell, Column, Table
from rungwise.insight.projection import NEAREST_PAIRS


def tables(results: Results) -> tuple[Table, ...]:
    return (_classes(results), _variances(results), _pairs(results))


def _classes(results: Results) -> Table:
    views, names, measures = results.views, results.names, results.measures

    def row(k: int) -> tuple[Cell, ...]:
        centroid = [finite((view.moments.centroids[k, axis] for view in views), measures) for axis in (0, 1)]
        count = measures.of((view.moments.counts[k] for view in views), "positive")
        return (names[k], *centroid, spread_of(results, k, 0), spread_of(results, k, 1), count)

    hardest = results.hardest_classes
    table = Table(
        id=f"{results.settings.name}-classes",
        caption="Where each class lies on the two principal components"
        + (", those of the hardest pairs first." if len(names) > MOST_ROWS else "."),
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
    return worst_shown(table, hardest)


def _variances(results: Results) -> Table:
    measures = results.measures
    shares = [measures.of((view.variance[axis] for view in results.views), "share") for axis in (0, 1)]
    both = measures.of((sum(view.variance) for view in results.views), "share")
    return Table(
        id=f"{results.settings.name}-variance",
        caption="Share of the pixels' variance that the components keep.",
        columns=(
            Column(key="component", label="Component"),
            Column(key="variance_share", label="Share of variance", digits=4),
        ),
        rows=(("PC1", shares[0]), ("PC2", shares[1]), ("both", both)),
    )


def _pairs(results: Results) -> Table:
    which = (
        "each pair of classes"
        if results.all_pairs
        else f"the pairs of nearest centroids ({NEAREST_PAIRS:,} for each seed)"
    )
    table = Table(
        id=f"{results.settings.name}-pairs",
        caption=f"Accuracy of a linear SVM on two components for {which}, hardest first.",
        columns=(Column(key="pair", label="Pair"), Column(key="accuracy", label="Accuracy", digits=3)),
        rows=tuple((pair.name, pair.accuracy) for pair in results.pairs),
    )
    return worst_shown(table, range(len(table.rows)))
