"""Images, and a table with a row for each: metadata.csv, .jsonl or .parquet among them, or a table that is named."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rungwise.data.errors import DataError
from rungwise.data.own.arrays.sections import LABEL, SPLIT
from rungwise.data.own.encoded import is_image
from rungwise.data.own.found import Found, Listed
from rungwise.data.own.nesting import inner_folder, other_images, parts_of
from rungwise.data.own.parts import clean, parts_by_value
from rungwise.data.own.pictures import items_of_files
from rungwise.data.own.places.opening import open_place
from rungwise.data.own.places.place import Place
from rungwise.data.own.preparation import Preparation
from rungwise.data.own.tables.resolve import resolved
from rungwise.data.own.tables.tables import FILES, Table, has_table, read_table, table_names
from rungwise.words import counted, listed, some_of

TITLE = "images with a table"
LABELS = (LABEL, "labels", "class", "class_name", "category", "target", "y")
"""How the column of classes is called, the likeliest first."""


class Row(NamedTuple):
    """One image as a table has it."""

    file: str
    where: str
    """The line, for messages."""
    values: Mapping[str, str]
    """By column."""


def recognises(place: Place, preparation: Preparation) -> bool:
    return has_table(place, preparation)


def find(place: Place, preparation: Preparation) -> Found:
    tables = _tables(place, preparation)
    prefix, notes = inner_folder(place), [*place.notes, *(note for table in tables for note in table.notes)]
    images = [name for name in place.files if is_image(name)]
    rows = [row for table in tables for row in _rows(table, place, prefix, images, notes)]
    _check_once(rows, place)
    columns = list(dict.fromkeys(name for row in rows for name in row.values))
    label, split = _label_column(columns, preparation, tables[0].title, notes), _named_as(columns, (SPLIT,))
    parts = _parts(rows, prefix, split, place, tables[0].title)
    labels = _labels(rows, prefix, label, bool(split is None and any(parts)), tables[0].title, notes)
    others = sorted(set(columns) - {label, split})
    files = [
        Listed(
            row.file.removeprefix(prefix), part, clean(word), tuple((name, row.values.get(name, "")) for name in others)
        )
        for row, part, word in zip(rows, parts, labels, strict=True)
    ]
    used = {row.file for row in rows}
    if left := [name for name in images if name not in used]:
        notes.append(f"{counted(len(left), 'image')} without a row in the table passed over ({some_of(left)})")
    unused = [name for name in place.files if name not in used and name not in table_names(place)]
    notes += other_images(unused)
    inner = place.below(prefix.removesuffix("/")) if prefix else place
    items = partial(items_of_files, inner, files, preparation, label_name=label or "")
    return Found(TITLE, inner, files, items, unused, notes)


def _tables(place: Place, preparation: Preparation) -> list[Table]:
    if preparation.metadata is None:
        return [read_table(place, name) for name in table_names(place)]
    path = Path(preparation.metadata)
    outer = open_place(path)
    if not outer.single:
        raise DataError(f"{path} is no table: expected CSV, JSON Lines or Parquet as metadata")
    table = read_table(outer, path.name)
    if not any(map(is_image, place.files)):
        raise DataError(f"{place.path} holds no image files, to which {path} could apply: leave metadata out")
    if path.resolve().is_relative_to(place.path.resolve()):
        folder = path.resolve().parent.relative_to(place.path.resolve()).as_posix()
        return [replace(table, folder="" if folder == "." else f"{folder}/")]
    return [table]


def _rows(table: Table, place: Place, prefix: str, images: Sequence[str], notes: list[str]) -> list[Row]:
    column = _named_as(list(table.columns), FILES)
    if column is None:
        raise DataError(
            f"{table.title}: expected a column file_name with the names of images; there is "
            f"{listed(list(table.columns))}. Rename it"
        )
    names = table.columns[column]
    files, note = resolved(names, (table.folder, "", prefix), images)
    notes += [note] if note else []
    missing = [number for number, file in enumerate(files) if file is None]
    if missing:
        some = some_of([f"{names[number]} (line {table.lines[number]:,})" for number in missing])
        raise DataError(
            f"{table.title} names {len(missing):,} images of {len(names):,} that are not there: {some}. Expected "
            f"names relative to the table, or to {place.path}. Put the images back, or remove the rows"
        )
    others = {name: values for name, values in table.columns.items() if name != column}
    return [
        Row(file, f"line {line:,}", {name: values[number] for name, values in others.items()})
        for number, (file, line) in enumerate(zip(files, table.lines, strict=True))
        if file is not None
    ]


def _check_once(rows: Sequence[Row], place: Place) -> None:
    counts = Counter(row.file for row in rows)
    if twice := [name for name, count in counts.items() if count > 1]:
        where = listed([row.where for row in rows if row.file == twice[0]])
        raise DataError(
            f"{place.title(twice[0])} has {counts[twice[0]]} rows in the table ({where}), as have "
            f"{len(twice) - 1:,} other images: expected one each. Remove the others"
        )


def _label_column(columns: Sequence[str], preparation: Preparation, title: str, notes: list[str]) -> str | None:
    if (wanted := preparation.label_column) is not None:
        if wanted not in columns:
            known = listed(list(columns)) or "none"
            raise DataError(f"{title}: expected the class in a column {wanted!r}; beside the files there is {known}")
        return wanted
    lower = {name.casefold(): name for name in reversed(columns)}
    found = [lower[name] for name in LABELS if name in lower]
    if len(found) > 1:
        notes.append(f"the class is the column {found[0]!r}; for {listed(found[1:])}, set label_column")
    return found[0] if found else None


def _named_as(columns: Sequence[str], names: Sequence[str]) -> str | None:
    lower = {name.casefold(): name for name in reversed(columns)}
    return next((lower[name] for name in names if name in lower), None)


def _parts(rows: Sequence[Row], prefix: str, split: str | None, place: Place, title: str) -> list[str]:
    """The part of each row: by the column "split", or else by folders."""
    if split is not None:
        words = [row.values.get(split, "") for row in rows]
        meant = parts_by_value(sorted(set(words)), title)
        return [meant[word] for word in words]
    tops = [row.file.removeprefix(prefix).partition("/") for row in rows]
    parts = parts_of({top for top, slash, _ in tops if slash}, place.path)
    if parts and not all(slash for _, slash, _ in tops):
        raise DataError(f"{place.path} has images beside the folders {listed(sorted(parts))}: move them into one")
    return [parts[top] if parts else "" for top, _, _ in tops]


def _labels(
    rows: Sequence[Row], prefix: str, label: str | None, parted: bool, title: str, notes: list[str]
) -> list[str]:
    """The class of each row: its value of the column, or else the folder around the image."""
    if label is None:
        steps = [row.file.removeprefix(prefix).split("/")[parted:] for row in rows]
        if not all(len(one) > 1 for one in steps) or len({one[0] for one in steps}) < 2:
            raise DataError(
                f"{title}: expected a column label (or class, category, target), or images in a folder for each "
                "class. Name the column of classes as label_column"
            )
        return [one[0] for one in steps]
    words = [row.values.get(label, "") for row in rows]
    if empty := [row.where for row, word in zip(rows, words, strict=True) if not word.strip()]:
        raise DataError(
            f"{title}: expected a class for each image, got none in {len(empty):,} ({some_of(empty)}): fill in the "
            f"column {label!r}, or remove the rows"
        )
    if spaced := sum(word != word.strip() for word in words):
        notes.append(f"{spaced:,} names of classes have spaces at an end: taken without")
    counts = Counter(name.casefold() for name in {clean(word) for word in words})
    if alike := sorted(name for name, count in counts.items() if count > 1):
        notes.append(f"classes differ in upper and lower case alone: {some_of(alike)}")
    return words
