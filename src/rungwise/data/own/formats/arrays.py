"""Arrays of NumPy: NPZ files, or NPY files side by side, called as is usual (x_train, y_train; train_images; X, y)."""

import math
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.arrays.npy import open_npz, stored_array
from rungwise.data.own.arrays.sections import LABEL, Section, items_of_arrays
from rungwise.data.own.arrays.several_labels import label_columns
from rungwise.data.own.arrays.stored import Stored, words_of
from rungwise.data.own.encoded import holds_images
from rungwise.data.own.found import Found, Headers, Items, Listed
from rungwise.data.own.parts import check_parts, part_in, part_of
from rungwise.data.own.places.folders import Siblings
from rungwise.data.own.places.place import Place
from rungwise.data.own.preparation import Preparation
from rungwise.words import listed

TITLE = "arrays of NumPy"
SUFFIXES = (".npz", ".npy")
IMAGES, LABELS, NAMES = "images", "labels", "names"
ROLES = {
    **dict.fromkeys(("x", "images", "image", "imgs", "img", "data", "pixels"), IMAGES),
    **dict.fromkeys(("y", "labels", "label", "targets", "target"), LABELS),
    **dict.fromkeys(("classes", "class_names", "label_names", "classnames"), NAMES),
}
"""What an array is for by its name, without the part's."""
UNNAMED = ("arr_0", "arr", "")
"""Names that say nothing, as NumPy's own; the file's name then says what an array is."""
MOST_NAMED = 8
EXPECTED = (
    "expected arrays called x_train, y_train (and x_test, y_test), or train_images, train_labels, or images, labels, "
    "or X, y"
)


class Array(NamedTuple):
    """An array, and what its name says of it."""

    file: str
    name: str
    """As it is called in its file, or as its file is."""
    part: str
    """ "" where no name has one."""
    role: str | None
    """None where it may be a column."""
    column: str
    """Its name without the part's."""
    stored: Stored


class Part(NamedTuple):
    images: Array
    labels: Array | None
    columns: tuple[Array, ...]


def recognises(place: Place, preparation: Preparation) -> bool:
    return not holds_images(place) and any(name.lower().endswith(SUFFIXES) for name in place.files)


def find(place: Place, preparation: Preparation) -> Found:
    if place.single and place.path.suffix.lower() == ".npy":
        place = Siblings(place.path)  # its partner lies beside it
    notes = list(place.notes)
    files = [name for name in place.files if name.lower().endswith(SUFFIXES)]
    arrays = [array for name in files for array in _arrays(place, name, len(files) > 1, notes)]
    parts = _parts(arrays, place)
    unlabelled = [part for part in parts.values() if part.labels is None]
    notes += [f"{part.images.name} has no labels beside it: passed over" for part in unlabelled]
    parts = {name: part for name, part in parts.items() if part.labels is not None}
    names = next((array for array in arrays if array.role == NAMES), None)
    used = [array for part in parts.values() for array in (part.images, part.labels, *part.columns) if array]
    used += [names] if names else []
    told = {part.images.name for part in unlabelled}
    if others := [array.name for array in arrays if array not in used and array.name not in told]:
        notes.append(f"{listed(others)} {'was' if len(others) == 1 else 'were'} passed over")
    listed_files = list(dict.fromkeys(array.file for array in used))
    return Found(
        TITLE,
        place,
        [Listed(name) for name in listed_files],
        partial(_items, parts, names, preparation),
        [name for name in place.files if name not in listed_files],
        notes,
    )


def _items(parts: Mapping[str, Part], names: Array | None, preparation: Preparation, headers: Headers) -> Items:
    words: Sequence[str] | None = list(map(str, _texts(names.stored.whole()))) if names else None
    labels = {name: part.labels.stored.whole() for name, part in parts.items() if part.labels}
    title = next(part.labels.stored.title for part in parts.values() if part.labels)
    columns, words, notes = label_columns(labels, words, preparation, title)
    sections = []
    for name, part in parts.items():
        others = {array.column: array.stored.whole().reshape(-1) for array in part.columns}
        sections.append(Section(name, part.images.stored, columns[name] | others))
    return items_of_arrays(sections, preparation, {LABEL: words} if words else None, notes)


def _texts(values: np.ndarray) -> list[object]:
    whole = np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values
    return list(whole.reshape(-1).tolist())


def _arrays(place: Place, name: str, parts_in_files: bool, notes: list[str]) -> list[Array]:
    """The arrays in one file; a note on each that cannot be read and is not asked for."""
    stem = name.rsplit(".", 1)[0]
    if not name.lower().endswith(".npz"):
        return [_named(name, stem, stem, stored_array(place, name), True)]
    archive, found = open_npz(place, name), []
    for member in archive.files:
        key = member.removesuffix(".npy")
        if _role(key, stem)[0] is None:
            try:
                stored_array(archive, member)
            except DataError as error:
                notes.append(f"{error}: passed over")
                continue
        found.append(_named(name, key, stem, stored_array(archive, member), parts_in_files))
    return found


def _named(file: str, key: str, stem: str, stored: Stored, part_in_file: bool) -> Array:
    *folders, own = stem.split("/")
    part = part_in(_split(key.rpartition("/")[2]))
    if part is None and part_in_file:
        part = part_in(_split(own)) or next((found for one in reversed(folders) if (found := part_of(one))), None)
    role, column = _role(key, stem)
    if role == NAMES and stored.dtype.kind not in "SU":
        role = None
    return Array(file, key, part or "", role, column, stored)


def _role(key: str, stem: str) -> tuple[str | None, str]:
    """What an array is for, and its name without the part's."""
    column = _without_part(key.rpartition("/")[2])
    if column in ROLES:
        return ROLES[column], column
    if key == stem or column in UNNAMED:  # the file's name may have the data set's in front: kmnist-train-imgs
        last = _without_part(stem.rpartition("/")[2]).rpartition("_")[2]
        return ROLES.get(last), column
    return None, column


def _without_part(name: str) -> str:
    return "_".join(word for word in _split(name).split("_") if part_of(word) is None)


def _split(name: str) -> str:
    """A name's words, in lower case, with "_" between: as "x_train" for "X-train", "xTrain" and "trainx"."""
    words = [word.casefold() for word in re.findall(r"[^\W_]+", name)]
    return "_".join(piece for word in words for piece in _pieces(word))


def _pieces(word: str) -> tuple[str, ...]:
    if word[:1] in ("x", "y") and part_of(word[1:]):
        return word[0], word[1:]
    return (word[:-1], word[-1]) if word[-1:] in ("x", "y") and part_of(word[:-1]) else (word,)


def _parts(arrays: Sequence[Array], place: Place) -> dict[str, Part]:
    """By name; raises DataError where it is not clear what is what."""
    images = _by_part(arrays, IMAGES, place)
    labels = _by_part(arrays, LABELS, place)
    got = ", ".join(f"{array.name} ({words_of(array.stored.shape)})" for array in arrays[:MOST_NAMED]) or "none"
    if not images or not labels.keys() & images.keys():
        raise DataError(f"{place.path}: {EXPECTED}; got {got}. Rename them")
    if len(images) > 1 and "" in images:
        raise DataError(f"{place.path} has {images[''].name} beside arrays of parts: {EXPECTED}; got {got}. Rename it")
    check_parts({part for part in labels.keys() & images.keys() if part}, place.path)
    found = {}
    for name, own in images.items():
        columns = (array for array in arrays if array.role is None and array.part == name)
        fitting = tuple(array for array in columns if math.prod(array.stored.shape) == len(own.stored))
        found[name] = Part(own, labels.get(name), fitting)
    return found


def _by_part(arrays: Sequence[Array], role: str, place: Place) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for array in arrays:
        if array.role != role:
            continue
        if other := found.get(array.part):
            raise DataError(
                f"{place.path} holds {other.stored.title} and {array.stored.title}: expected one array of {role} "
                "for each part. Give the file or folder of one data set"
            )
        found[array.part] = array
    return found
