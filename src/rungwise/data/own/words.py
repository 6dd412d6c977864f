"""How own images were made equal and split, in words for reports."""

from collections.abc import Sequence

from rungwise.data.own.found import Size
from rungwise.data.own.preparation import Preparation
from rungwise.data.own.prepare import Prepared


def in_words(prepared: Prepared, preparation: Preparation) -> str:
    """A few sentences, as "The images, 100 × 100 pixels and in colour, were resized to 64 × 64 (...)."."""
    return " ".join(filter(None, (_images(prepared, preparation), _split(prepared, preparation), _aside(prepared))))


def _images(prepared: Prepared, preparation: Preparation) -> str:
    channels, *size = prepared.parts["train"].shape
    target, sizes = Size(*size), prepared.sizes
    colours = {1: "grey", 3: "in colour"}.get(channels, f"of {channels} channels")
    if set(sizes) == {target}:
        return f"The images, {target.height} × {target.width} pixels and {colours}, are used as they are."
    how = "shrunk by averaging areas, enlarged bilinearly"
    if any(size.height * target.width != size.width * target.height for size in sizes):
        letterbox = f"with {preparation.background} bars where the shape differs"
        how += f", {letterbox if preparation.resize == 'letterbox' else 'cut at two sides where the shape differs'}"
    return f"The images, {_range(sizes)} and {colours}, were resized to {target.height} × {target.width} ({how})."


def _range(sizes: dict[Size, int]) -> str:
    if len(sizes) == 1:
        (size,) = sizes
        return f"{size.height} × {size.width} pixels"
    heights, widths = (_side(side) for side in zip(*sizes, strict=True))
    return f"{heights} pixels high, {widths} wide"


def _side(sides: Sequence[int]) -> str:
    return str(min(sides)) if min(sides) == max(sides) else f"{min(sides)} to {max(sides)}"


def _split(prepared: Prepared, preparation: Preparation) -> str:
    if not prepared.drawn:
        return "The test part is the data's own."
    how = "class by class"
    if prepared.group_column is not None:
        how = f"group by group, so that none of the column {prepared.group_column!r} is on both sides"
    share = f"{preparation.test_share:.0%} of the images"
    if preparation.split == "per seed":
        return f"Each seed draws {share} to test on, {how}."
    return f"The test part, {share}, was drawn once, {how}; it is the same for every net and seed."


def _aside(prepared: Prepared) -> str:
    return "The data's own validation part is set aside to choose by." if "validation" in prepared.parts else ""
