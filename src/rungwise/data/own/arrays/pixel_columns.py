"""Columns that are pixels, by their names."""

import re
from collections.abc import Sequence

LABELS = ("label", "labels", "class", "target", "category", "y")
"""How the column of classes is called beside them, the likeliest first."""
PIXEL = re.compile(r"(?:pixel|pix|px|p|x)?[ _-]?(\d+)(?:[x_](\d+))?", re.IGNORECASE)
"""As "pixel0", "12" and "1x28"."""
LEAST_PIXELS = 16


def in_order(names: Sequence[str]) -> tuple[tuple[int, ...], bool]:
    """The places of the columns of pixels, in the order of their numbers, and whether they stand in it."""
    numbers = {place: key for place, name in enumerate(names) if (key := _numbers(name)) is not None}
    places = tuple(sorted(numbers, key=numbers.__getitem__))
    return places, list(places) == sorted(places)


def _numbers(name: str) -> tuple[int, ...] | None:
    found = PIXEL.fullmatch(name.strip())
    return tuple(int(number) for number in found.groups() if number is not None) if found else None
