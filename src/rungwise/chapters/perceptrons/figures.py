"""The figures of the chapter: samples, error curves, weights as images, gaps, and a heatmap where pairs are many."""

from collections.abc import Sequence

import numpy as np

from rungwise.chapters.drawing import COLOURS, missing, over_epochs, picture
from rungwise.chapters.many import MOST_CELLS, of_all, worst_classes
from rungwise.chapters.perceptrons.results import SHOWN, PairResult, PerceptronResults
from rungwise.chapters.perceptrons.settings import Settings
from rungwise.findings import Bars, Figure, Heatmap, Images, Level, Lines, Tile

CAPTIONS = {
    "samples": "Training images of each pair.",
    "error": "Share of the training images misclassified at each iteration.",
    "weights": "Final weights as images.",
    "gap": "Training minus test accuracy.",
}
FEW = 10
"""Classes of a heat map with room for three decimals."""
HEATMAP = {"heatmap": "Test accuracy of each pair, the mean over its seeds."}


def figures(results: PerceptronResults) -> tuple[Figure, ...]:
    settings, ran = results.settings, results.ran
    dense = settings.pairs == "all" or len(settings.data.classes) <= MOST_CELLS  # else a heat map's cells are empty
    many = len(results.models) > SHOWN and dense
    colour = settings.data.facts.image[0] == COLOURS
    if not ran:
        return missing(settings.name, CAPTIONS | (HEATMAP if many else {}))
    # A stable order: hardest first where not all can be shown, else as the study lists them.
    shown = ran if len(ran) <= SHOWN else sorted(ran, key=lambda pair: pair.mean("test_accuracy"))[:SHOWN]
    of = "" if len(shown) == len(ran) else f" The {len(shown)} hardest of {len(ran):,} pairs are shown."
    first = of + (" The first seed is shown." if results.most_seeds > 1 else "")
    always = (
        _samples(settings.name, shown, first),
        _curves(settings, shown, of),
        _weights(settings.name, shown, first, colour),
        _gaps(settings, ran),
    )
    return (*always, _heatmap(settings, ran)) if many else always


def _samples(chapter: str, shown: Sequence[PairResult], note: str) -> Figure:
    panels = []
    for pair in shown:
        arrays = pair.first.arrays
        images = (*arrays["positive_samples"], *arrays["negative_samples"])
        tiles = tuple(Tile(pixels=picture(image)) for image in images)
        panels.append(Images(title=pair.name, tiles=tiles, columns=len(tiles)))
    return Figure(
        id=f"{chapter}-samples",
        caption=f"Training images of each pair, the positive class first.{note}",
        alt=f"Sample images of the pairs {', '.join(pair.name for pair in shown)}.",
        panels=tuple(panels),
    )


def _curves(settings: Settings, shown: Sequence[PairResult], note: str) -> Figure:
    level = Level(name="tolerance", values=(settings.tolerance,))
    panels = []
    for pair in shown:
        errors = over_epochs("training error", [record.history["error"] for record in pair.records.values()])
        panels.append(
            Lines(
                title=pair.name,
                x_label="iteration" if settings.rule == "batch" else "epoch",
                y_label="training error",
                series=(errors,),
                levels=(level,) if settings.tolerance > 0 else (),
                log_y=True,
                **pair.measures.band("share"),
            )
        )
    ends = "; ".join(
        f"{pair.name} ends at {np.mean([run.history['error'][-1] for run in pair.records.values()]):.4f}"
        for pair in shown
    )
    return Figure(
        id=f"{settings.name}-error",
        caption=f"Share of the training images misclassified at each iteration; training stops at the line.{note}",
        alt=f"Training-error curves, on a logarithmic scale: {ends}.",
        panels=tuple(panels),
        columns=2,
    )


def _weights(chapter: str, shown: Sequence[PairResult], note: str, colour: bool) -> Figure:
    tiles = tuple(Tile(pixels=picture(pair.first.arrays["weights"]), title=pair.short) for pair in shown)
    in_colour = (
        "grey is 0, light of a pixel's colour speaks for the first class of the pair, light of the opposite colour for "
        "the second. Each picture has one scale for its three colours"
    )
    in_ink = "ink on positive pixels speaks for the first class of the pair, on negative pixels for the second"
    says = in_colour if colour else in_ink
    return Figure(
        id=f"{chapter}-weights",
        caption=f"Final weights as images: {says}.{note}",
        alt=f"Heatmaps of signed weights for {', '.join(pair.name for pair in shown)}.",
        panels=(Images(tiles=tiles, columns=5, colours="diverging"),),
    )


def _gaps(settings: Settings, ran: Sequence[PairResult]) -> Figure:
    shown = ran if len(ran) <= SHOWN else sorted(ran, key=lambda pair: -pair.mean("gap"))[:SHOWN]
    of = "" if len(shown) == len(ran) else f" The {len(shown)} largest of {len(ran):,} are shown."
    ends = "; ".join(f"{pair.name} {pair.mean('gap'):.4f}" for pair in shown)
    return Figure(
        id=f"{settings.name}-gap",
        caption=f"Training minus test accuracy against the threshold of {settings.gap_threshold:g}.{of}",
        alt=f"Bars of training minus test accuracy: {ends}.",
        panels=(
            Bars(
                x_label="training minus test accuracy",
                names=tuple(pair.short for pair in shown),
                values=tuple(tuple(pair.values("gap").values()) for pair in shown),
                levels=(Level(name="threshold", values=(settings.gap_threshold,)),),
            ),
        ),
    )


def _heatmap(settings: Settings, ran: Sequence[PairResult]) -> Figure:
    names = settings.data.classes
    values = np.full((len(names), len(names)), np.nan)
    hardest = sorted(ran, key=lambda pair: pair.mean("test_accuracy"))
    shown = worst_classes(((pair.positive, pair.negative) for pair in hardest), len(names))
    for pair in ran:
        values[pair.positive, pair.negative] = values[pair.negative, pair.positive] = pair.mean("test_accuracy")
    chosen, digits = tuple(names[k] for k in shown), 3 if len(shown) <= FEW else 2
    low, high = (pick(ran, key=lambda pair: pair.mean("test_accuracy")) for pick in (min, max))
    return Figure(
        id=f"{settings.name}-heatmap",
        caption=HEATMAP["heatmap"] + of_all(len(shown), len(names), "the hardest pairs"),
        alt=f"Heatmap of test accuracies, from {low.mean('test_accuracy'):.3f} ({low.name}) to "
        f"{high.mean('test_accuracy'):.3f} ({high.name}).",
        panels=(Heatmap(rows=chosen, columns=chosen, values=values[np.ix_(shown, shown)], digits=digits),),
    )
