"""The figures of the chapter: those of the plane, and how well lines tell pairs of classes apart."""

import numpy as np

from rungwise.chapters.drawing import missing
from rungwise.chapters.many import of_all, worst_classes
from rungwise.chapters.projection.planes import components, ellipses_of, scatter
from rungwise.chapters.projection.results import Results
from rungwise.findings import Figure, Heatmap, Histogram, Level

CAPTIONS = {
    "scatter": "Each image as a point, coloured by its class.",
    "ellipses": "The same points with each class's centroid and ellipse.",
    "components": "The components as images.",
    "pair-histogram": "Accuracies of the pairs of classes.",
    "pair-heatmap": "Accuracy of a linear SVM on two components for each pair of classes.",
}


def figures(results: Results) -> tuple[Figure, ...]:
    views, pairs, names, chapter = results.views, results.pairs, results.names, results.settings.name
    captions = {end: caption for end, caption in CAPTIONS.items() if _is_shown(end, results)}
    if not views or not pairs:
        return missing(chapter, captions)
    first = " The first seed is shown." if len(views) > 1 else ""
    return (
        scatter(views[0], names, chapter, first),
        ellipses_of(views[0], names, chapter, first),
        components(views[0], chapter, first),
        *((_histogram(results),) if _is_shown("pair-histogram", results) else ()),
        *((_heatmap(results),) if _is_shown("pair-heatmap", results) else ()),
    )


def _is_shown(end: str, results: Results) -> bool:
    """Whether a figure shows more than the table of pairs: not of a single pair, which is a single number, and no heat
    map of pairs of which few were fitted, whose cells would be empty."""
    return not end.startswith("pair") or (len(results.names) > 2 and (end != "pair-heatmap" or results.all_pairs))


def _histogram(results: Results) -> Figure:
    views, pairs = results.views, results.pairs
    mean = results.measures.of((view.mean_accuracy for view in views), "share")
    assert mean is not None
    low, high = pairs[0].accuracy.mean, pairs[-1].accuracy.mean
    over = f", each the mean over {len(views)} seeds" if len(views) > 1 else ""
    which = "pairs" if results.all_pairs else "pairs of classes with the nearest centroids"
    return Figure(
        id=f"{results.settings.name}-pair-histogram",
        caption=f"Accuracies of the {len(pairs):,} {which}{over}; the line is their mean, {mean.mean:.3f}.",
        alt=f"Histogram of {len(pairs):,} accuracies from {low:.2f} to {high:.2f} with mean {mean.mean:.3f}.",
        panels=(
            Histogram(
                x_label="accuracy of a linear SVM",
                y_label="pairs of classes",
                values=tuple(pair.accuracy.mean for pair in pairs),
                levels=(Level(name="mean", values=mean.values),),
            ),
        ),
    )


def _heatmap(results: Results) -> Figure:
    pairs, names = results.pairs, results.names
    shown = worst_classes(((pair.a, pair.b) for pair in pairs), len(names))
    values = np.full((len(names), len(names)), np.nan)
    for pair in pairs:
        values[pair.a, pair.b] = values[pair.b, pair.a] = pair.accuracy.mean
    chosen = tuple(names[k] for k in shown)
    return Figure(
        id=f"{results.settings.name}-pair-heatmap",
        caption=CAPTIONS["pair-heatmap"] + of_all(len(shown), len(names), "the hardest pairs"),
        alt=f"Heatmap of pair accuracies: lowest for {pairs[0].name} ({pairs[0].accuracy.mean:.2f}), highest "
        f"for {pairs[-1].name} ({pairs[-1].accuracy.mean:.2f}).",
        panels=(Heatmap(rows=chosen, columns=chosen, values=values[np.ix_(shown, shown)]),),
    )
