"""Names: of the parts of a data set, and of classes in the order in which people count them."""

import re
import unicodedata
from collections.abc import Iterable

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)
"""In the order of the codes of `Items.parts`; an image of a data set without parts has the code -1."""
NO_PART = -1
_SPELLINGS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing", "eval"), TEST),
}


def part_of(name: str) -> str | None:
    """The part that a folder, a file or a value of a column is called by; None where it is no part's name."""
    return _SPELLINGS.get(name.strip().casefold())


def part_names() -> str:
    """The names that parts may have, for messages."""
    return ", ".join(_SPELLINGS)


def natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """The key by which names are sorted as people count: "2" before "10", "img9" before "img10"."""
    pieces = re.findall(r"\d+|\D+", name)
    numbered = ((0, int(piece)) if piece.isdecimal() else (1, piece.casefold()) for piece in pieces)
    return (*numbered, (2, name))


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Different names in natural order."""
    return tuple(sorted(set(names), key=natural))


def clean(name: object) -> str:
    """A class or a value of a column as it is shown: composed characters, no spaces at its ends."""
    return unicodedata.normalize("NFC", str(name)).strip()
