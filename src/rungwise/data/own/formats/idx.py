"""IDX files, as of MNIST and those that took after it (KMNIST, QMNIST, EMNIST), known by content and not by name."""

import re
import zlib
from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.files.idx import GZIP, read_header
from rungwise.data.own.arrays.sections import LABEL, Section, items_of_arrays
from rungwise.data.own.arrays.stored import Stored, in_c_order, unzipped, words_of
from rungwise.data.own.encoded import holds_images, is_image
from rungwise.data.own.found import Found, Headers, Items, Listed
from rungwise.data.own.parts import file_parts, part_in
from rungwise.data.own.places.place import Place
from rungwise.data.own.preparation import Preparation
from rungwise.words import listed, some_of

TITLE = "IDX files"
OTHER_SUFFIXES = (".csv", ".npz", ".npy", ".parquet", ".json", ".jsonl", ".txt", ".md", ".html", ".pdf", ".py", ".zip")
MOST_LOOKED_AT = 100
"""Files whose first bytes are read: those of an archive take time."""
BEGINNING = 512
"""Bytes, gzipped, that hold the header."""
COMMON = {
    "images",
    "image",
    "imgs",
    "labels",
    "label",
    "idx",
    "ubyte",
    "byte",
    "int",
    "uint",
    "gz",
    "bin",
    "dat",
    "data",
}
"""Words of names that do not tell one pair of files from another."""


class IdxFile(NamedTuple):
    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    skip: int
    """Bytes of the header."""

    @property
    def rows(self) -> int:
        return self.shape[0]

    @property
    def words(self) -> tuple[str, ...]:
        """What a pair of files has in common in its names."""
        folder, _, own = self.name.rpartition("/")
        words = re.findall(r"t10k|[^\W\d_]+", own.casefold())
        return (folder, *(word for word in words if word not in COMMON))

    def stored(self, place: Place) -> Stored:
        opener = partial(unzipped, place, self.name)
        return in_c_order(place.title(self.name), opener, self.skip, self.dtype, self.shape)


class Pair(NamedTuple):
    images: IdxFile
    labels: IdxFile


def recognises(place: Place, preparation: Preparation) -> bool:
    return not holds_images(place) and any(len(file.shape) in (3, 4) for file in _idx_files(place))


def find(place: Place, preparation: Preparation) -> Found:
    files = {file.name: file for file in _idx_files(place)}
    packed = [name for name in files if name.endswith(".gz") and name.removesuffix(".gz") in files]
    notes = [*place.notes, *(f"{name} is there gunzipped too: the gzipped one was passed over" for name in packed)]
    files = {name: file for name, file in files.items() if name not in packed}
    pairs = _pairs(list(files.values()), place)
    used = [file.name for pair in pairs for file in pair]
    if alone := [name for name in files if name not in used]:
        beside = [name for name in place.files if name not in files and name not in packed]
        also = f" (beside them are {some_of(beside)}, which are no IDX files)" if beside else ""
        raise DataError(
            f"{place.path} holds {listed(alone)} without a partner{also}: expected images and their labels in pairs of "
            "files, with one label for each image. Put the others there, or move these away"
        )
    parts = _parts(pairs, place)
    if any("emnist" in name.casefold() for name in used):
        notes.append("EMNIST's own files hold each image with rows and columns exchanged: they are taken as they are")
    if any(len(pair.labels.shape) > 1 and pair.labels.shape[1] > 1 for pair in pairs):
        notes.append("of each image's labels the first is its class; the others were passed over")
    items = partial(_items, place, pairs, parts, preparation)
    unused = [name for name in place.files if name not in used]
    return Found(TITLE, place, [Listed(name) for name in used], items, unused, notes)


def _items(
    place: Place, pairs: Sequence[Pair], parts: dict[str, str], preparation: Preparation, headers: Headers
) -> Items:
    sections = []
    for images, labels in pairs:
        values = labels.stored(place).whole().reshape(labels.shape[0], -1)[:, 0]
        sections.append(Section(parts[images.name], images.stored(place), {LABEL: values}))
    return items_of_arrays(sections, preparation)


def _idx_files(place: Place) -> list[IdxFile]:
    names = [name for name in place.files if not is_image(name) and not name.lower().endswith(OTHER_SUFFIXES)]
    names.sort(key=lambda name: not re.search("idx|ubyte", name.casefold()))
    return sorted(file for name in names[:MOST_LOOKED_AT] if (file := _idx_file(place, name)) is not None)


def _idx_file(place: Place, name: str) -> IdxFile | None:
    """None where the first bytes are not those of an IDX file."""
    try:
        content = place.begin(name, BEGINNING)
        if content[:2] == GZIP:
            content = zlib.decompressobj(wbits=31).decompress(content, BEGINNING)
        dtype, shape, skip = read_header(content)
    except (DataError, zlib.error):
        return None
    return IdxFile(name, dtype, shape, skip) if len(shape) <= 4 else None


def _pairs(files: Sequence[IdxFile], place: Place) -> list[Pair]:
    """Images and their labels: of like names, or else of like counts."""
    images = [file for file in files if len(file.shape) > 2]
    labels = [file for file in files if len(file.shape) < 3]
    found = []
    for like in (attrgetter("words"), attrgetter("rows")):
        for one in list(images):
            partners = [other for other in labels if like(other) == like(one)]
            rivals = [other for other in images if like(other) == like(one)]
            if len(partners) == len(rivals) == 1:
                found.append(Pair(one, partners[0]))
                images.remove(one)
                labels.remove(partners[0])
    if not found:
        raise DataError(
            f"{place.path} holds IDX files of images ({listed([file.name for file in images])}) and none of their "
            "labels: expected a file with one label for each image beside each. Give the folder that has both"
        )
    for pair in found:
        if pair.images.shape[0] != pair.labels.shape[0]:
            raise DataError(
                f"{place.title(pair.images.name)} announces {words_of(pair.images.shape)} values, and "
                f"{pair.labels.name} {words_of(pair.labels.shape)}: expected one label for each image"
            )
    return sorted(found)


def _parts(pairs: Sequence[Pair], place: Place) -> dict[str, str]:
    """The part of each file of images."""
    parts = file_parts([pair.images.name for pair in pairs], place.path)
    if len(set(parts.values())) < len(pairs):
        kinds = {" ".join(word for word in pair.images.words if part_in(word) is None).strip() for pair in pairs}
        what = f" ({', '.join(sorted(kinds))})" if len(kinds) > 1 else ""
        raise DataError(
            f"{place.path} holds several data sets{what}, in {listed([pair.images.name for pair in pairs])}: expected "
            "one pair of files for each part. Give a folder that has one of them"
        )
    return parts
