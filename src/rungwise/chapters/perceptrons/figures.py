"""The figures of the chapter on perceptrons: samples, error curves, weights as images, gaps."""

from typing import TYPE_CHECKING

import numpy as np

from rungwise.chapters.perceptrons.results import Result
from rungwise.findings import Bars, Figure, Heatmap, Images, Level, Lines, Series, Tile

if TYPE_CHECKING:
    from rungwise.chapters.perceptrons.settings import Settings

SHOWN = 10
"""Pairs that a figure shows at most, the hardest first; the tables have all."""


def figures(settings: "Settings", done: list[Result], several: bool) -> tuple[Figure, ...]:
    """`done`: the pairs that have a record; `several`: whether one of them has several."""
    if not done:
        return ()
    # A stable order: hardest first where not all can be shown, else as the study lists them.
    shown = done if len(done) <= SHOWN else sorted(done, key=lambda result: result.mean("test_accuracy"))[:SHOWN]
    of = "" if len(shown) == len(done) else f" The {len(shown)} hardest of {len(done)} pairs are shown."
    first = of + (" The first seed is shown." if several else "")
    always = (
        _samples(settings.name, shown, first),
        _curves(settings, shown, of),
        _weights(settings.name, shown, first),
        _gaps(settings, done),
    )
    return (*always, _heatmap(settings, done)) if len(done) > SHOWN else always


def _samples(chapter: str, shown: list[Result], note: str) -> Figure:
    panels = []
    for result in shown:
        arrays = result.first.arrays
        images = (*arrays["positive_samples"], *arrays["negative_samples"])
        tiles = tuple(Tile(pixels=_picture(image)) for image in images)
        panels.append(Images(title=result.name, tiles=tiles, columns=len(tiles)))
    return Figure(
        id=f"{chapter}-samples",
        caption=f"Training images of each pair, the positive class first.{note}",
        alt=f"Sample images of the pairs {', '.join(result.name for result in shown)}.",
        panels=tuple(panels),
    )


def _curves(settings: "Settings", shown: list[Result], note: str) -> Figure:
    level = Level(name="tolerance", values=(settings.tolerance,))
    panels = []
    for result in shown:
        runs = tuple(tuple(record.history["error"]) for record in result.records.values())
        x = tuple(float(t) for t in range(1, max(map(len, runs)) + 1))
        panels.append(
            Lines(
                title=result.name,
                x_label="iteration" if settings.rule == "batch" else "epoch",
                y_label="training error",
                series=(Series(name="training error", x=x, runs=runs),),
                levels=(level,) if settings.tolerance > 0 else (),
                log_y=True,
            )
        )
    ends = "; ".join(
        f"{r.name} ends at {np.mean([c.history['error'][-1] for c in r.records.values()]):.4f}" for r in shown
    )
    return Figure(
        id=f"{settings.name}-error",
        caption=f"Share of the training images misclassified at each iteration; training stops at the line.{note}",
        alt=f"Training-error curves, on a logarithmic scale: {ends}.",
        panels=tuple(panels),
        columns=2,
    )


def _weights(chapter: str, shown: list[Result], note: str) -> Figure:
    tiles = tuple(Tile(pixels=_picture(r.first.arrays["weights"]), title=r.name) for r in shown)
    return Figure(
        id=f"{chapter}-weights",
        caption="Final weights as images: ink on positive pixels speaks for the first class of the pair, on "
        f"negative pixels for the second.{note}",
        alt=f"Heatmaps of signed weights for {', '.join(result.name for result in shown)}.",
        panels=(Images(tiles=tiles, columns=5, colours="diverging"),),
    )


def _gaps(settings: "Settings", done: list[Result]) -> Figure:
    shown = done if len(done) <= SHOWN else sorted(done, key=lambda result: -result.mean("gap"))[:SHOWN]
    of = "" if len(shown) == len(done) else f" The {len(shown)} largest of {len(done)} are shown."
    ends = "; ".join(f"{result.name} {result.mean('gap'):.4f}" for result in shown)
    return Figure(
        id=f"{settings.name}-gap",
        caption=f"Training minus test accuracy against the threshold of {settings.gap_threshold:g}.{of}",
        alt=f"Bars of training minus test accuracy: {ends}.",
        panels=(
            Bars(
                x_label="training minus test accuracy",
                names=tuple(result.name for result in shown),
                values=tuple(tuple(result.values("gap").values()) for result in shown),
                levels=(Level(name="threshold", values=(settings.gap_threshold,)),),
            ),
        ),
    )


def _heatmap(settings: "Settings", done: list[Result]) -> Figure:
    names = settings.data.classes
    values = np.full((len(names), len(names)), np.nan)
    for r in done:
        values[r.positive, r.negative] = values[r.negative, r.positive] = r.mean("test_accuracy")
    low, high = (pick(done, key=lambda r: r.mean("test_accuracy")) for pick in (min, max))
    return Figure(
        id=f"{settings.name}-heatmap",
        caption="Test accuracy of each pair, the mean over its seeds.",
        alt=f"Heatmap of test accuracies, from {low.mean('test_accuracy'):.3f} ({low.name}) to "
        f"{high.mean('test_accuracy'):.3f} ({high.name}).",
        panels=(Heatmap(rows=names, columns=names, values=values, digits=3),),
    )


def _picture(image: np.ndarray) -> np.ndarray:
    """(C, H, W) -> (H, W): the mean over channels."""
    picture: np.ndarray = image[0] if len(image) == 1 else image.mean(axis=0).astype(image.dtype)
    return picture
