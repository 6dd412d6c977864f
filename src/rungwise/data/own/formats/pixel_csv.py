"""CSV files with a row for each image, as Kaggle has MNIST: a label, and a column for each pixel of a square image."""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from rungwise.data.errors import DataError
from rungwise.data.own.arrays.csv_rows import RowFile, first_row, read_rows
from rungwise.data.own.arrays.pixel_columns import LABELS, LEAST_PIXELS, in_order
from rungwise.data.own.arrays.sections import LABEL, Section, items_of_arrays, label_column
from rungwise.data.own.arrays.shapes import square
from rungwise.data.own.encoded import holds_images
from rungwise.data.own.found import Found, Headers, Items, Listed
from rungwise.data.own.parts import file_parts
from rungwise.data.own.places.place import Place
from rungwise.data.own.preparation import Preparation
from rungwise.data.own.tables.tables import likely_tables
from rungwise.words import listed

TITLE = "CSV files with a column for each pixel"
SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
EXPECTED = "expected a column label and a column for each pixel of a square image, as label, pixel0, ..., pixel783"


class Table(NamedTuple):
    """One file, and what its first row says."""

    file: RowFile
    pixels: tuple[int, ...]
    """The places of the pixels' columns, in the order of the pixels."""
    others: dict[str, int]
    """The places of the other columns, by name."""
    label: str | None
    sorted: bool
    """Whether the pixels' columns stand in their order."""


def recognises(place: Place, preparation: Preparation) -> bool:
    return not holds_images(place) and bool(_names(place))


def find(place: Place, preparation: Preparation) -> Found:
    names, notes = _names(place), list(place.notes)
    copies = _copies(place, names)
    notes += [f"{name} is a copy of {other}: passed over" for name, other in copies.items()]
    names = [name for name in names if name not in copies]
    tables = {name: table for name in names if (table := _table(place, name, preparation)) is not None}
    labelled = {name: table for name, table in tables.items() if table.label is not None}
    if preparation.label_column is not None and tables and not labelled:
        name, table = next(iter(tables.items()))
        label_column(table.others, preparation, place.title(name))
    if not labelled and (lists := likely_tables(place)):
        raise DataError(
            f"{place.title(lists[0])} names images that are files: give their folder as the data, and this table as "
            "metadata"
        )
    if not labelled:
        columns = {name: ", ".join(first_row(place, name).names[:6]) for name in names[:3]}
        got = "; ".join(f"{name} with the columns {some}, ..." for name, some in columns.items())
        raise DataError(f"{place.path}: {EXPECTED}; got {got}. If the classes are in another, set label_column to it")
    notes += [f"{name} has no column of labels: passed over" for name in tables if name not in labelled]
    for name, table in labelled.items():
        if not table.sorted:
            notes.append(f"the columns of pixels in {name} are not in their order: taken by their numbers")
        if "emnist" in name.casefold():
            notes.append(
                "EMNIST's own files hold each image with rows and columns exchanged: they are taken as they are"
            )
    parts = _parts(place, list(labelled))
    labelled = {name: table for name, table in labelled.items() if name in parts}
    unused = [name for name in place.files if name not in labelled]
    items = partial(_items, place, labelled, parts, preparation)
    return Found(TITLE, place, [Listed(name) for name in labelled], items, unused, notes)


def _items(
    place: Place, tables: dict[str, Table], parts: dict[str, str], preparation: Preparation, headers: Headers
) -> Items:
    sections = []
    for name, table in tables.items():
        images, columns = read_rows(place, table.file, table.pixels, table.others)
        label = table.label or LABEL
        sections.append(Section(parts[name], square(images), {label: columns.pop(label), **columns}))
    return items_of_arrays(sections, preparation.model_copy(update={"label_column": None}))


def _names(place: Place) -> list[str]:
    return [
        name
        for name in place.files
        if name.lower().endswith(SUFFIXES) and not name.rpartition("/")[2].lower().startswith("metadata.")
    ]


def _copies(place: Place, names: Sequence[str]) -> dict[str, str]:
    """Files that are called as another and hold the same, as some archives have them, and that other."""
    seen: dict[tuple[str, str], str] = {}
    copies: dict[str, str] = {}
    own = Counter((name.rpartition("/")[2], place.files[name].size) for name in names)
    for name in sorted(names, key=lambda name: (name.count("/"), name)):
        key = name.rpartition("/")[2], place.files[name].size
        if own[key] > 1:
            known = seen.setdefault((key[0], hashlib.sha256(place.read(name)).hexdigest()), name)
            copies |= {name: known} if known != name else {}
    return dict(sorted(copies.items()))


def _table(place: Place, name: str, preparation: Preparation) -> Table | None:
    """None where there are no columns of pixels."""
    file = first_row(place, name)
    if not file.header:
        count = len(file.names)
        unlabelled = math.isqrt(count) ** 2 == count
        file = file._replace(
            names=tuple(map(str, range(count))) if unlabelled else (LABEL, *map(str, range(count - 1)))
        )
    pixels, stand = in_order(file.names)
    if len(pixels) < LEAST_PIXELS:
        return None
    others = {name: place for place, name in enumerate(file.names) if place not in pixels}
    label = preparation.label_column
    if label is None:
        known = {name.casefold(): name for name in reversed(others)}
        label = next((known[one] for one in LABELS if one in known), None)
    return Table(file, pixels, others, label if label in others else None, stand)


def _parts(place: Place, names: Sequence[str]) -> dict[str, str]:
    parts = file_parts(names, place.path)
    if len(set(parts.values())) < len(parts):
        raise DataError(
            f"{place.path} holds several files of one part ({listed(list(names))}): expected one for each of train, "
            "validation and test. Move the others away, or give the one file"
        )
    return parts
