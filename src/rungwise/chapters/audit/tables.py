"""The tables of the chapter: every check, classes by part, and the images found."""

from rungwise.chapters.audit.results import Pairs, Results, SplitView
from rungwise.chapters.audit.words import lines
from rungwise.chapters.many import worst_shown
from rungwise.findings import Cell, Column, Table

SHOWN = 20
"""Rows of a table of images that a page shows; the CSV has all."""


def tables(results: Results) -> tuple[Table, ...]:
    if not results.views:
        return ()
    view, chapter = results.views[0], results.settings.name
    seed = " The first seed's split." if len(results.views) > 1 else ""
    pairs = (
        ("repeated", f"Images that are the same pixel by pixel.{seed}", view.repeated, None),
        ("near", f"Images that are almost a training image, the nearest first.{seed}", view.near, "near_distance"),
    )
    found = (
        _pairs(f"{chapter}-{end}", caption, own, view, results.names, key)
        for end, caption, own, key in pairs
        if len(own.images)
    )
    return (_checks(results), _classes(results, view, seed), *found, *_doubts(results))


def _checks(results: Results) -> Table:
    columns = (
        Column(key="check", label="Looked for"),
        Column(key="how", label="How"),
        Column(key="found", label="Found"),
    )
    rows = tuple(tuple(line) for line in lines(results))
    return Table(id=f"{results.settings.name}-checks", caption="Every check.", columns=columns, rows=rows)


def _classes(results: Results, view: SplitView, seed: str) -> Table:
    again = view.repeated.labels[:, 0][~view.repeated.contrary].tolist()
    columns = (
        Column(key="class", label="Class"),
        *(Column(key=part, label=part.capitalize(), digits=0) for part in view.parts),
        Column(key="share", label="Share", digits=3),
        Column(key="repeated", label="Repeated in it", digits=0),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            *(int(counts[k]) for counts in view.counts.values()),
            int(view.total[k]) / view.images,
            again.count(k),
        )
        for k, name in enumerate(results.names)
    ]
    caption = f"Images of each class by part, and how many are the same as an earlier one of the class.{seed}"
    table = Table(id=f"{results.settings.name}-classes", caption=caption, columns=columns, rows=tuple(rows))
    return worst_shown(table, sorted(range(len(rows)), key=lambda k: (int(view.total[k]), k)))


def _pairs(name: str, caption: str, pairs: Pairs, view: SplitView, classes: tuple[str, ...], key: str | None) -> Table:
    def image(i: int, side: int) -> tuple[Cell, ...]:
        part, label = view.parts[int(pairs.parts[i, side])], classes[int(pairs.labels[i, side])]
        return (pairs.names[i][side] if pairs.names else int(pairs.images[i, side]), part, label)

    order = sorted(range(len(pairs.images)), key=lambda i: not pairs.crossing[i])
    distances = view.record.arrays[key] if key else None
    rows = tuple((*image(i, 0), *image(i, 1), *(() if distances is None else (float(distances[i]),))) for i in order)
    sides = (("image", "Image"), ("other", "Same as" if key is None else "Almost"))
    columns = [
        column
        for end, label in sides
        for column in (
            Column(key=end, label=label),
            Column(key=f"{end}_part", label="Part"),
            Column(key=f"{end}_class", label="Class"),
        )
    ]
    if key:
        columns.append(Column(key="distance", label="1 − correlation", digits=4))
    return Table(
        id=name, caption=caption, columns=tuple(columns), rows=rows, shown=SHOWN if len(rows) > SHOWN else None
    )


def _doubts(results: Results) -> tuple[Table, ...]:
    if results.doubts is None or not (found := results.doubts.found):
        return ()
    columns = (
        Column(key="image", label="Image"),
        Column(key="label", label="Label"),
        Column(key="said", label="What nets say"),
        Column(key="nets", label="Nets", digits=0),
        Column(key="margin", label="Mean margin (nats)", digits=1),
    )
    names = results.names
    rows = tuple(
        (_image(results, one.net, one.place), names[one.given], names[one.said], one.nets, one.margin) for one in found
    )
    caption = "Test images whose label all nets that tested them agree against, the surest first."
    shown = SHOWN if len(rows) > SHOWN else None
    return (Table(id=f"{results.settings.name}-doubts", caption=caption, columns=columns, rows=rows, shown=shown),)


def _image(results: Results, net: int, place: int) -> Cell:
    """The file of an image that a net has wrong, else its place among the test images."""
    arrays = results.nets[net].arrays
    if "names" in set(arrays):
        return str(arrays["names"][place].decode("utf-8", "replace"))
    return int(arrays["wrong"][place])
