"""Parquet files: coded images as Hugging Face has them, lists of pixels, or a column for each pixel."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.arrays.pixel_columns import LABELS, LEAST_PIXELS, in_order
from rungwise.data.own.arrays.sections import Rows, Section, items_of, items_of_arrays
from rungwise.data.own.arrays.shapes import square
from rungwise.data.own.arrays.stored import Stored
from rungwise.data.own.encoded import holds_images
from rungwise.data.own.found import Found, Headers, Items, Listed
from rungwise.data.own.parquet.embedded import CodedColumn, embedded
from rungwise.data.own.parquet.file import ParquetFile, is_bytes, is_list, is_numbers, is_struct, is_text, is_words
from rungwise.data.own.parquet.pixel_lists import pixel_lists
from rungwise.data.own.parts import file_parts
from rungwise.data.own.places.place import Place
from rungwise.data.own.preparation import Preparation
from rungwise.words import listed

TITLE = "Parquet files"
IMAGES = ("image", "img", "images", "pixels", "picture", "photo", "bytes")
"""How a column of images is called where there are several that may be one, the likeliest first."""
PATHS = ("path", "file_name", "image_path", "file", "filename", *IMAGES)
LABELS_HERE = (*LABELS, "fine_label")
"""CIFAR-100 has two; its classes are the fine ones."""
EXPECTED = (
    "expected a column image (a struct of bytes and path, as Hugging Face's datasets write it, or binary), a list of "
    "pixels, or a column for each pixel, and a column label"
)


class Shape(NamedTuple):
    """What a file's columns are."""

    kind: str
    """ "coded", "lists" or "columns"."""
    images: tuple[str, ...]
    """The columns of images, or of pixels in their order."""
    label: str | None
    others: tuple[str, ...]
    passed_over: tuple[str, ...]


def recognises(place: Place, preparation: Preparation) -> bool:
    return not holds_images(place) and bool(_names(place))


def find(place: Place, preparation: Preparation) -> Found:
    files = {name: ParquetFile(place, name) for name in _names(place)}
    shapes = {name: _shape(file, preparation) for name, file in files.items()}
    notes = list(place.notes)
    labelled = {name: shape for name, shape in shapes.items() if shape.label is not None}
    if not labelled:
        first = next(iter(files.values()))
        raise DataError(f"{first.title} has the columns {listed(first.names)}: {EXPECTED}. Or set label_column")
    notes += [f"{name} has no column of labels: passed over" for name in shapes if name not in labelled]
    kinds = {(shape.kind, shape.images, shape.label) for shape in labelled.values()}
    if len(kinds) > 1:
        raise DataError(
            f"{place.path} holds Parquet files of different columns ({listed(list(labelled))}): expected those of one "
            "data set. Give a folder that has it alone"
        )
    passed = sorted({name for shape in labelled.values() for name in shape.passed_over})
    notes += [f"the column {name!r} holds neither words nor whole numbers: passed over" for name in passed]
    parts = _parts(place, list(labelled))
    items = partial(_items, {name: files[name] for name in labelled}, labelled, parts, preparation)
    unused = [name for name in place.files if name not in labelled]
    return Found(TITLE, place, [Listed(name) for name in labelled], items, unused, notes)


def _items(
    files: Mapping[str, ParquetFile],
    shapes: Mapping[str, Shape],
    parts: Mapping[str, str],
    preparation: Preparation,
    headers: Headers,
) -> Items:
    names, columns = dict[str, list[str]](), dict[str, dict[str, np.ndarray]]()
    notes = []
    for name, file in files.items():
        label, known = shapes[name].label, file.class_names()
        assert label is not None  # those without are not asked for
        values = file.column(label)
        if _has_none(values, label in known):
            notes.append(f"{name} has no labels, though a column for them: passed over")
            continue
        columns[name] = {label: values} | {other: file.column(other) for other in shapes[name].others}
        names |= known
    if not columns:
        raise DataError(f"{next(iter(files.values())).title} and all others have no labels: {EXPECTED}")
    shape = shapes[next(iter(columns))]
    plain = preparation.model_copy(update={"label_column": None})
    if shape.kind == "coded":
        rows = [Rows(parts[name], files[name].title, files[name].rows, known) for name, known in columns.items()]
        pixels = embedded([CodedColumn(files[name], *shape.images) for name in columns], preparation.background)
        return items_of(pixels, rows, plain, names, notes)
    stored = pixel_lists if shape.kind == "lists" else _pixel_columns
    sections = [Section(parts[name], stored(files[name], shape.images), known) for name, known in columns.items()]
    return items_of_arrays(sections, plain, names, notes)


def _names(place: Place) -> list[str]:
    return [name for name in place.files if name.lower().endswith(".parquet")]


def _shape(file: ParquetFile, preparation: Preparation) -> Shape:
    kind, images = _images(file)
    rest = [field for field in file.schema if field.name not in images]
    words = [field.name for field in rest if is_words(field.type)]
    label = preparation.label_column or _label(words, file)
    if label not in words:
        if preparation.label_column is not None and any(is_words(field.type) for field in rest):
            raise DataError(f"{file.title}: expected the class in a column {label!r}; there is {listed(words)}")
        label = None
    others = tuple(name for name in words if name != label)
    return Shape(kind, images, label, others, tuple(field.name for field in rest if field.name not in words))


def _images(file: ParquetFile) -> tuple[str, tuple[str, ...]]:
    """What the columns of images hold, and which they are. Raises DataError where there are none."""
    coded = [field.name for field in file.schema if _is_coded(field.type)]
    lists = [field.name for field in file.schema if is_list(_plain(field.type)) and _is_deep_numbers(field.type)]
    for kind, found in (("coded", coded), ("lists", lists)):
        if found:
            return kind, (_likeliest(found, file),)
    numbers = [field.name for field in file.schema if is_numbers(field.type)]
    pixels, _ = in_order(numbers)
    if len(pixels) >= LEAST_PIXELS:
        return "columns", tuple(numbers[place] for place in pixels)
    if any(is_text(field.type) and field.name.casefold() in PATHS for field in file.schema):
        raise DataError(
            f"{file.title} names images by their paths alone: expected their bytes in it. Write them into it (in "
            "datasets: Dataset.to_parquet), or give the folder of images with this table as metadata"
        )
    raise DataError(f"{file.title} has the columns {listed(file.names)}: {EXPECTED}")


def _likeliest(names: Sequence[str], file: ParquetFile) -> str:
    if len(names) == 1:
        return names[0]
    lower = {name.casefold(): name for name in names}
    for name in IMAGES:
        if name in lower:
            return lower[name]
    raise DataError(f"{file.title} has several columns of images ({listed(names)}): expected one, or one called image")


def _label(words: Sequence[str], file: ParquetFile) -> str | None:
    lower = {name.casefold(): name for name in reversed(words)}
    if found := next((lower[name] for name in LABELS_HERE if name in lower), None):
        return found
    classes = [name for name in words if name in file.class_names()]
    if len(classes) > 1:
        raise DataError(f"{file.title} has the classes {listed(classes)}: set label_column to one of them")
    return classes[0] if classes else None


def _is_coded(kind: Any) -> bool:
    if is_struct(kind):
        return any(field.name == "bytes" and is_bytes(field.type) for field in kind)
    return is_bytes(kind)


def _plain(kind: Any) -> Any:
    """What an extension's type is stored as."""
    return getattr(kind, "storage_type", kind)


def _is_deep_numbers(kind: Any) -> bool:
    kind = _plain(kind)
    return _is_deep_numbers(kind.value_type) if is_list(kind) else is_numbers(kind)


def _has_none(values: np.ndarray, classes: bool) -> bool:
    """Whether no image has a label: no value, or -1 where classes are counted from 0."""
    nothing = (values == "") if values.dtype.kind == "U" else (values == -1) & classes
    return bool(nothing.all())


def _pixel_columns(file: ParquetFile, columns: Sequence[str]) -> Stored:
    def chunks() -> Iterator[np.ndarray]:
        for batch in file.batches(columns):
            arrays = {name: batch.column(batch.schema.get_field_index(name)) for name in columns}
            yield np.column_stack([arrays[name].to_numpy(zero_copy_only=False) for name in columns])

    kinds = {file.schema.field(name).type.to_pandas_dtype() for name in columns}
    return square(Stored(file.title, np.result_type(*kinds), (file.rows, len(columns)), chunks))


def _parts(place: Place, names: Sequence[str]) -> dict[str, str]:
    """The part of each file; shards of one are in one folder, and called alike."""
    parts = file_parts(names, place.path)
    for part in sorted(set(parts.values())):
        own = [name for name in names if parts[name] == part]
        if len({re.sub(r"\d+|-[0-9a-f]{6,}", "", name) for name in own}) > 1:
            raise DataError(
                f"{place.path} holds several data sets ({listed(own)}): expected files that differ by their number "
                "alone, as train-00000-of-00002.parquet. Give the folder of one"
            )
    return parts
