"""A page on own data before anything is trained, as ``rungwise data look --html`` writes it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rungwise.data.checks.checked import Pooled
from rungwise.data.images import ImageSet
from rungwise.data.look import Look
from rungwise.data.own.kept import read_parts
from rungwise.files import write_atomically
from rungwise.findings import Column, Figure, Findings, Images, Table, Tile
from rungwise.report.build import dated
from rungwise.report.document import Document
from rungwise.report.figures.drawing import drawn
from rungwise.report.html.page import html

SAMPLES, MOST_ROWS, PAIRS = 10, 50, 12
"""Images of a class, classes, and pairs of images that the page shows."""


def write_data_page(look: Look, path: Path, day: str) -> None:
    """Write the page. `day`: the date on it, as ISO 8601. Raises OSError."""
    document = dated(_document(look, day))
    figures = [figure for chapter in document.chapters for figure in chapter.figures]
    write_atomically(path, html(document, [drawn(figure, f"figure-{n}") for n, figure in enumerate(figures, 1)]))


def _document(look: Look, day: str) -> Document:
    facts, opened = look.opened.facts, look.opened
    images = sum(sum(counts.values()) for counts in opened.counts.values())
    findings = Findings(
        kind="data",
        name="data",
        title="What the data is",
        question="What is there, before anything is trained?",
        method=(
            f"{opened.format.capitalize()}: {images:,} images of {len(facts.classes):,} classes.",
            facts.preparation,
        ),
        tables=(_classes(look), _sizes(look), *_columns(look)),
        figures=(_samples(look), *_pairs(look)),
        warnings=look.strange,
        seeds=0,
    )
    return Document(
        title=facts.name,
        created=day,
        chapters=(findings,),
        environment=(("Files (SHA-256 of the index)", facts.digest),),
        command=f"rungwise data look {facts.name} --html",
    )


def _classes(look: Look) -> Table:
    counts = look.opened.counts
    columns = (Column(key="class", label="class"), *(Column(key=part, label=part, digits=0) for part in counts))
    rows = tuple((name, *(counts[part][name] for part in counts)) for name in look.opened.facts.classes)
    return Table(id="classes", caption="Images of each class, by part.", columns=columns, rows=rows, shown=MOST_ROWS)


def _sizes(look: Look) -> Table:
    columns = tuple(Column(key=key, label=key, digits=0) for key in ("height", "width", "images"))
    most = sorted(look.opened.sizes.items(), key=lambda one: -one[1])
    rows = tuple((size.height, size.width, count) for size, count in most)
    return Table(
        id="sizes", caption="Sizes before the images were made equal.", columns=columns, rows=rows, shown=MOST_ROWS
    )


def _columns(look: Look) -> Sequence[Table]:
    known = look.opened.facts.columns
    if not known:
        return ()
    columns = (Column(key="column", label="column"), Column(key="values", label="values"))
    rows = tuple((name, ", ".join(values)) for name, values in known.items())
    return (Table(id="columns", caption="Columns that can be tasks.", columns=columns, rows=rows),)


def _pairs(look: Look) -> Iterator[Figure]:
    """Pairs of images that are the same, those in two parts first, and such that are almost the same."""
    found, parts = look.checked, read_parts(look.opened.folder, look.opened.facts.mapped)
    pooled = Pooled([parts[name] for name in found.sizes])
    across = found.part_of(found.repeated.again) != found.part_of(found.repeated.first)
    order = np.argsort(~across, kind="stable")
    same = np.stack([found.repeated.again, found.repeated.first], 1)[order]
    near = np.stack([found.near.query, found.near.nearest], 1)
    labels = np.concatenate([parts[name].labels for name in found.sizes])
    for name, pairs, how in (("repeated", same, "the same pixel by pixel"), ("near", near, "almost the same")):
        if len(pairs):
            shown = pairs[:PAIRS].reshape(-1)
            titles = [f"{look.opened.facts.classes[labels[i]]} ({list(found.sizes)[found.part_of(i)]})" for i in shown]
            tiles = tuple(Tile(pixels=_pixels(p), title=t) for p, t in zip(pooled[shown], titles, strict=True))
            caption = f"Images that are {how}, side by side: {len(shown) // 2} of {len(pairs):,} pairs."
            yield Figure(id=name, caption=caption, alt=caption, panels=(Images(tiles=tiles, columns=4),))


def _samples(look: Look) -> Figure:
    train = read_parts(look.opened.folder, look.opened.facts.mapped)["train"]
    names = look.opened.facts.classes
    panels = tuple(
        Images(title=name, tiles=_tiles(train, label), columns=SAMPLES) for label, name in enumerate(names[:MOST_ROWS])
    )
    shown = "every class" if len(names) <= MOST_ROWS else f"the first {MOST_ROWS} of {len(names):,} classes"
    caption = f"Training images of {shown}, as nets see them."
    return Figure(id="samples", caption=caption, alt=caption, panels=panels, columns=2)


def _tiles(train: ImageSet, label: int) -> tuple[Tile, ...]:
    """Some images of a class: those nearest to equal steps through its order, which is by chance."""
    own = np.flatnonzero(train.labels == label)
    images = train.images[own[np.linspace(0, len(own) - 1, min(SAMPLES, len(own))).astype(int)]]
    return tuple(Tile(pixels=_pixels(image)) for image in images)


def _pixels(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) of three channels, else (H, W) of the first."""
    return image.transpose(1, 2, 0) if len(image) == 3 else image[0]
