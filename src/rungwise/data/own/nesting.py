"""Folders around images: those that everything is in, those of parts, and those of classes."""

from collections import Counter
from collections.abc import Iterable

from rungwise.data.errors import DataError
from rungwise.data.own.encoded import OTHERS, is_image
from rungwise.data.own.parts import TRAIN, part_in, part_names, part_of
from rungwise.data.own.places.place import Place
from rungwise.words import listed, some_of


def inner_folder(place: Place) -> str:
    """The folder that all images are in, as archives often have one, with "/" at its end; "" where there is none, or
    where it is the folder of a part or of a single class."""
    names = [name for name in place.files if is_image(name)]
    inner = ""
    while True:
        tops = {name[len(inner) :].partition("/")[0] for name in names}
        if len(tops) != 1 or part_of(top := tops.pop()) is not None:
            return inner
        further = f"{inner}{top}/"
        if any("/" not in name[len(further) :] for name in names):
            return inner  # it has images itself
        inner = further


def parts_of(folders: Iterable[str], where: object) -> dict[str, str]:
    """The part of each folder, or nothing where no folder is called as a part. Raises DataError where some are, and
    others not, or where there is none to train on."""
    folders = sorted(folders)
    parts = {folder: part for folder in folders if (part := part_of(folder)) is not None}
    if not parts:
        return {}
    if others := [folder for folder in folders if folder not in parts]:
        raise DataError(
            f"{where} holds folders called as parts of a data set ({listed(sorted(parts))}) beside others "
            f"({some_of(others)}): expected parts alone ({part_names()}), or classes alone. Rename or move some"
        )
    if twice := [part for part, count in Counter(parts.values()).items() if count > 1]:
        raise DataError(
            f"{where} holds the part {twice[0]!r} twice, as {listed([f for f in parts if parts[f] == twice[0]])}: "
            "keep one"
        )
    if TRAIN not in parts.values():
        raise DataError(
            f"{where} holds {listed(sorted(parts))}, and nothing to train on: expected a folder called train. If "
            "these are classes, rename them"
        )
    return parts


def odd_classes(names: Iterable[str]) -> list[str]:
    """A note where folders that are taken for classes are called nearly as parts are."""
    if odd := sorted(name for name in names if part_in(name)):
        what = "is taken for a class" if len(odd) == 1 else "are taken for classes"
        return [f"{some_of(odd)} {what}: if it is a part of the data set, name it {part_names()}"]
    return []


def other_images(names: Iterable[str]) -> list[str]:
    """A note on pictures of formats that are not read."""
    others = [name for name in names if name.lower().endswith(OTHERS)]
    if not others:
        return []
    kinds = listed(sorted({name.rpartition(".")[2].lower() for name in others}))
    return [f"{len(others):,} pictures are of a format that is not read ({kinds}): to use them, convert them to JPEG"]
