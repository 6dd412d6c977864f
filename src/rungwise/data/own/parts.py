"""Names: of the parts of a data set, and of classes in the order in which people count them."""

import re
import unicodedata
from collections.abc import Collection, Iterable

from rungwise.data.errors import DataError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)
"""In the order of the codes of `Items.parts`; an image of a data set without parts has the code -1."""
NO_PART = -1
MOST_DIGITS = 100
"""Of what is taken for a number in a name."""
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
    pieces = [name] if re.fullmatch(r"-\d+", name) else re.findall(r"\d+|\D+", name)
    return (*(_number(piece) or (1, piece.casefold()) for piece in pieces), (2, name))


def _number(piece: str) -> tuple[int, int] | None:
    digits = piece.removeprefix("-")
    return (0, int(piece)) if digits.isdecimal() and len(digits) <= MOST_DIGITS else None


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Different names in natural order."""
    return tuple(sorted(set(names), key=natural))


def clean(name: object) -> str:
    """A class or a value of a column as it is shown: composed characters, no spaces at its ends."""
    return unicodedata.normalize("NFC", str(name)).strip()


def part_in(name: str) -> str | None:
    """The part that a word of a name is, as of "fashion-mnist_train" or "t10k-images-idx3-ubyte"; None where no word is
    a part, or where words are different ones."""
    words = re.findall(r"t10k|[^\W\d_]+", name.casefold())
    found = {part for word in words if (part := TEST if word == "t10k" else _SPELLINGS.get(word))}
    return found.pop() if len(found) == 1 else None


def file_parts(names: Collection[str], where: object) -> dict[str, str]:
    """The part of each file: a word of its own name, or the name of a folder around it; "" where no file has one, and
    where there is one file alone.

    Raises DataError where some files have a part and others none, or where there is none to train on.
    """
    if len(names) < 2:
        return dict.fromkeys(names, "")
    parts = {name: _part_of_file(name) for name in names}
    if not any(parts.values()):
        return dict.fromkeys(names, "")
    if others := [name for name, part in parts.items() if part is None]:
        raise DataError(
            f"{where} holds files called as parts of a data set beside others ({', '.join(others[:5])}): expected one "
            f"of {part_names()} in each name. Rename them, or move them away"
        )
    check_parts({part for part in parts.values() if part}, where)
    return {name: part for name, part in parts.items() if part}


def parts_by_value(values: Collection[str], where: str) -> dict[str, str]:
    """The part that each value of a column "split" means. Raises DataError where one means none."""
    parts = {value: part for value in values if (part := part_of(value))}
    if others := [value for value in values if value not in parts]:
        raise DataError(
            f"{where}: expected {part_names()} as values of 'split', got {', '.join(map(repr, others[:5]))}. Correct "
            "them, or rename the column"
        )
    check_parts(set(parts.values()), where)
    return parts


def check_parts(parts: Collection[str], where: object) -> None:
    """Raise DataError where there is nothing to train on."""
    if parts and TRAIN not in parts:
        raise DataError(
            f"{where} has {' and '.join(sorted(parts))} images, and none to train on: expected some called train"
        )


def _part_of_file(name: str) -> str | None:
    *folders, own = name.split("/")
    return part_in(own) or next((part for folder in reversed(folders) if (part := part_of(folder))), None)
