"""Images in arrays, with their labels beside them: what formats of arrays find, made into items."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.arrays.pixels import ArrayPixels
from rungwise.data.own.arrays.ranges import scaling
from rungwise.data.own.arrays.shapes import layouts_of, shape_notes
from rungwise.data.own.arrays.stored import Stored
from rungwise.data.own.found import Coded, Items, Pixels, coded, coded_numbers, part_codes
from rungwise.data.own.parts import parts_by_value
from rungwise.data.own.preparation import Preparation
from rungwise.words import listed

LABEL, SPLIT = "label", "split"
"""The columns of the class, where it has no other name, and of the part."""


@dataclass(frozen=True)
class Section:
    """Some images of one part, as one file has them."""

    part: str
    images: Stored
    columns: Mapping[str, np.ndarray]
    """Labels and what else is known: (N,) each, whole numbers or texts."""


def items_of_arrays(
    sections: Sequence[Section],
    preparation: Preparation,
    names: Mapping[str, Sequence[str]] | None = None,
    notes: Sequence[str] = (),
) -> Items:
    """All images. `names`: by column, those of the values 0, 1, .... The class is the first column of the first section
    unless `preparation` names another. Raises DataError."""
    arrays = [section.images for section in sections]
    layouts = layouts_of(arrays)
    scale, scaled = scaling(arrays)
    shaped = [note for array, layout in zip(arrays, layouts, strict=True) for note in shape_notes(array, layout)]
    return items_of(
        ArrayPixels(arrays, layouts, scale),
        [Rows(section.part, section.images.title, len(section.images), section.columns) for section in sections],
        preparation,
        names,
        list(dict.fromkeys([*notes, *shaped, *scaled])),
    )


@dataclass(frozen=True)
class Rows:
    """What is known of some images that follow each other."""

    part: str
    title: str
    """As messages write where they are."""
    count: int
    columns: Mapping[str, np.ndarray | Sequence[object]] = field(default_factory=dict)


def items_of(
    pixels: Pixels,
    rows: Sequence[Rows],
    preparation: Preparation,
    names: Mapping[str, Sequence[str]] | None = None,
    notes: Sequence[str] = (),
) -> Items:
    """Images and what is known of them, section by section, in the order of the pixels. Raises DataError."""
    columns = {name: _column(name, rows, (names or {}).get(name)) for name in _names(rows)}
    label = label_column(columns, preparation, rows[0].title)
    labels = columns.pop(label)
    parts = np.repeat(part_codes([one.part for one in rows]), [one.count for one in rows])
    if SPLIT in columns and not any(one.part for one in rows):
        split = columns.pop(SPLIT)
        meant = parts_by_value(split.names, rows[0].title)
        parts = part_codes([meant[name] for name in split.names])[split.values]
    if missing := int((labels.values == labels.names.index("")).sum()) if "" in labels.names else 0:
        raise DataError(f"{rows[0].title}: expected a class for each image, got none for {missing:,}")
    return Items(pixels, parts, labels, columns, _namer(rows), notes, label)


def label_column(columns: Mapping[str, object], preparation: Preparation, where: str) -> str:
    """The column of classes: that which is asked for, or the first. Raises DataError where there is none such."""
    wanted = preparation.label_column
    if wanted is None:
        return next(iter(columns))
    if wanted not in columns:
        raise DataError(
            f"{where}: expected the class in a column {wanted!r}; there is {listed(list(columns)) or 'none'}"
        )
    return wanted


def _names(rows: Sequence[Rows]) -> list[str]:
    return list(dict.fromkeys(name for one in rows for name in one.columns))


def _column(name: str, rows: Sequence[Rows], names: Sequence[str] | None) -> Coded:
    for one in rows:
        values = one.columns.get(name)
        if values is not None and len(values) != one.count:
            raise DataError(
                f"{one.title} has {one.count:,} images, and {len(values):,} values of {name!r}: expected one for each"
            )
    arrays = [_values(name, one) for one in rows]
    if all(array.dtype.kind in "iu" for array in arrays):
        whole = np.concatenate([array.astype(np.int64) for array in arrays])
        if names is None:
            return coded_numbers(whole)
        if whole.min() < 0 or whole.max() >= len(names):
            raise DataError(
                f"{rows[0].title}: expected values of {name!r} from 0 to {len(names) - 1}, as there are {len(names)} "
                f"names, got {whole.min()} to {whole.max()}"
            )
        return coded_numbers(whole, names)
    return coded([word for array in arrays for word in array.tolist()])


def _values(name: str, rows: Rows) -> np.ndarray:
    """(N,), whole numbers or texts; texts are empty where the column is not there."""
    if name not in rows.columns:
        return np.full(rows.count, "")
    values = np.asarray(rows.columns[name])
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "f":
        if (broken := values[~(values % 1 == 0)]).size:
            raise DataError(f"{rows.title}: expected classes as whole numbers or texts in {name!r}, got {broken[0]}")
        return values.astype(np.int64)
    if values.dtype.kind in "iuU":
        return values
    return np.array([str(value) for value in values.tolist()])


def _namer(rows: Sequence[Rows]) -> Callable[[int], str]:
    ends = list(accumulate(one.count for one in rows))

    def name(number: int) -> str:
        place = next(place for place, end in enumerate(ends) if number < end)
        return f"{rows[place].title}: image {number + 1 - ends[place] + rows[place].count:,}"

    return name
