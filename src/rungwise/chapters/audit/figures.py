"""The pictures of the chapter: pairs of images, and images whose label is in doubt."""

from rungwise.chapters.audit.results import Pairs, Results, SplitView
from rungwise.chapters.drawing import missing, picture
from rungwise.chapters.many import short
from rungwise.findings import Figure, Images, Tile

MOST_SHOWN = 30
"""Images in doubt."""
CAPTION = {"images": "Pairs of images that are the same or nearly so."}


def figures(results: Results) -> tuple[Figure, ...]:
    """None of what was not found: the table of checks says that."""
    if not results.views:
        return missing(results.settings.name, CAPTION)
    view, names = results.views[0], results.names
    chapter = results.settings.name
    return (
        *_pairs(f"{chapter}-repeated-pairs", "the same pixel by pixel", view.repeated, view, names),
        *_pairs(f"{chapter}-near-pairs", "almost the same", view.near, view, names),
        *_doubts(results),
    )


def _pairs(name: str, how: str, pairs: Pairs, view: SplitView, classes: tuple[str, ...]) -> tuple[Figure, ...]:
    tiles: list[Tile] = []
    told = []
    for place, images in zip(pairs.shown.tolist(), pairs.pixels, strict=True):
        for side in (0, 1):
            part, label = view.parts[int(pairs.parts[place, side])], classes[int(pairs.labels[place, side])]
            tiles.append(Tile(pixels=picture(images[side]), title=f"{short(label)} ({part})"))
        told.append(f"{tiles[-2].title} and {tiles[-1].title}")
    if not tiles:
        return ()
    shown = f"{len(told)} of {len(pairs.images):,} pairs" if len(told) < len(pairs.images) else "All pairs"
    caption = f"{shown} of images that are {how}, side by side: class and part of each."
    return (Figure(id=name, caption=caption, alt=f"{caption} {'; '.join(told)}.", panels=(_grid(tiles, 4),)),)


def _doubts(results: Results) -> tuple[Figure, ...]:
    if results.doubts is None or not (found := results.doubts.found):
        return ()
    names = [short(name) for name in results.names]
    tiles: list[Tile] = []
    for one in found:
        pixels = results.nets[one.net].arrays["pixels"]
        if one.place < len(pixels) and len(tiles) < MOST_SHOWN:
            title = f"{names[one.given]}? {one.nets} nets: {names[one.said]}"
            tiles.append(Tile(pixels=picture(pixels[one.place]), title=title))
    shown = "All" if len(tiles) == len(found) else f"{len(tiles)} of {len(found):,}"
    caption = (
        f"{shown} test images whose label nets agree against, the surest first: the label, how many "
        "nets, and what they say instead."
    )
    alt = f"{caption} {'; '.join(tile.title for tile in tiles)}."
    return (Figure(id=f"{results.settings.name}-doubtful", caption=caption, alt=alt, panels=(_grid(tiles, 6),)),)


def _grid(tiles: list[Tile], columns: int) -> Images:
    return Images(tiles=tuple(tiles), columns=columns)
