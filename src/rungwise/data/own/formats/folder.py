"""A folder of images for each class, with or without folders of parts around them; the same in a ZIP or a TAR."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from rungwise.data.errors import DataError
from rungwise.data.own.encoded import Encoded, is_image
from rungwise.data.own.found import Found, Headers, Items, Listed, coded, part_codes
from rungwise.data.own.parts import TRAIN, clean, part_names, part_of
from rungwise.data.own.place import Place
from rungwise.data.own.preparation import Preparation
from rungwise.words import listed

TITLE = "a folder of images for each class"
MOST_NAMED = 5


def recognises(place: Place, preparation: Preparation) -> bool:
    return any(is_image(name) for name in place.files)


def find(place: Place, preparation: Preparation) -> Found:
    if preparation.label_column is not None:
        raise DataError(
            f"{place.path} has a folder for each class and no table: expected a metadata.csv with the column "
            f"{preparation.label_column!r}; leave label_column out, or name the table as metadata"
        )
    inner = innermost(place)
    parts = parts_of(inner)
    files, stray, notes = [], [], list(inner.notes)
    for part, folder in parts.items():
        below = inner.below(folder) if folder else inner
        prefix = f"{folder}/" if folder else ""
        for name in below.files:
            label, slash, _ = name.partition("/")
            if is_image(name) and slash:
                files.append(Listed(prefix + name, part, clean(label)))
            else:
                stray.append(prefix + name)
        filled = {file.label for file in files if file.part == part}
        if hollow := [one for one in below.top_folders() if clean(one) not in filled]:
            notes.append(f"{_named(hollow)} {'holds' if len(hollow) == 1 else 'hold'} no image: not taken for a class")
        notes += _nested_parts(below)
    if loose := [name for name in stray if is_image(name)]:
        raise DataError(
            f"{place.path} holds {len(loose):,} images that are in no class's folder ({_named(loose)}): expected "
            "CLASS/image, or PART/CLASS/image; move them, or name their classes in a metadata.csv"
        )
    return Found(TITLE, inner, files, partial(read, inner, files, preparation), stray, notes)


def read(place: Place, files: Sequence[Listed], preparation: Preparation, headers: Headers) -> Items:
    """The images of files, each of which is one."""
    names = [file.name for file in files]
    columns = {name: coded([dict(file.columns)[name] for file in files]) for name, _ in (files[0].columns or ())}
    return Items(
        Encoded(place, names, headers, preparation.background),
        part_codes([file.part for file in files]),
        coded([file.label for file in files]),
        columns,
        names.__getitem__,
    )


def innermost(place: Place) -> Place:
    """The place without the folders that everything is in, as archives often have one; a part's folder stays."""
    while not place.top_files() and len(folders := place.top_folders()) == 1 and part_of(folders[0]) is None:
        below = place.below(folders[0])
        if len(below.top_folders()) < 2 and any(is_image(name) for name in below.top_files()):
            return place  # the folder of a single class
        place = below
    return place


def parts_of(place: Place) -> dict[str, str]:
    """The folder of each part by the part's name; the place itself, as "", under "" where there are no parts."""
    filled = [folder for folder in place.top_folders() if any(name.startswith(f"{folder}/") for name in place.files)]
    parts = {folder: part for folder in filled if (part := part_of(folder)) is not None}
    if not parts:
        return {"": ""}
    if others := [folder for folder in filled if folder not in parts]:
        raise DataError(
            f"{place.path} holds folders called as parts of a data set ({listed(sorted(parts))}) beside others "
            f"({_named(others)}): expected parts alone ({part_names()}), or classes alone. Rename or move some"
        )
    if twice := [part for part, count in Counter(parts.values()).items() if count > 1]:
        raise DataError(
            f"{place.path} holds the part {twice[0]!r} twice, as {listed([f for f in parts if parts[f] == twice[0]])}: "
            "keep one"
        )
    if TRAIN not in parts.values():
        raise DataError(
            f"{place.path} holds {listed(sorted(parts))}, and nothing to train on: expected a folder called train. If "
            "these are classes, rename them"
        )
    return {part: folder for folder, part in parts.items()}


def _nested_parts(place: Place) -> list[str]:
    """A note where every class has folders called as parts: they count as images of the class."""
    nested = {name.split("/")[1] for name in place.files if name.count("/") > 1}
    if len(nested) > 1 and all(part_of(name) for name in nested):
        return [
            f"each class has folders called {listed(sorted(nested))}, which are taken as images of the class: for "
            "parts, put them outermost, as train/CLASS/image"
        ]
    return []


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
