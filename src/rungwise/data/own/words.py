"""How own images were made equal, in words for reports."""

from collections.abc import Sequence

from rungwise.data.own.found import Size
from rungwise.data.own.preparation import Preparation
from rungwise.data.own.prepare import Prepared


def in_words(prepared: Prepared, preparation: Preparation) -> str:
    """One sentence or two, as "The images, of 100 x 100 pixels, were resized to 64 x 64."."""
    channels, *size = prepared.parts["train"].shape
    target, sizes = Size(*size), prepared.sizes
    colours = {1: "grey", 3: "in colour"}.get(channels, f"of {channels} channels")
    if set(sizes) == {target}:
        return f"The images, {target.height} × {target.width} pixels and {colours}, are used as they are."
    how = "shrunk by averaging areas, enlarged bilinearly"
    same = {size for size in sizes if size.height * target.width == size.width * target.height}
    if len(same) < len(sizes):
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
