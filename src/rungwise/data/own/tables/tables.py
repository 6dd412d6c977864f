"""Tables that stand beside images, with a row for each: CSV, JSON Lines and Parquet."""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rungwise.data.errors import DataError
from rungwise.data.own.encoded import is_image
from rungwise.data.own.parquet.file import ParquetFile, is_words
from rungwise.data.own.places.place import Place
from rungwise.data.own.preparation import Preparation

NAMES = tuple(f"metadata{suffix}" for suffix in (".csv", ".tsv", ".jsonl", ".parquet"))
"""How a table is called that is found by itself."""
FILES = (
    *("file_name", "filename", "file", "image", "image_name", "image_path", "image_file", "img", "path", "file_path"),
    *("filepath", "image_id", "id"),
)
"""How the column of files is called, the likeliest first."""
BEGINNING = 2**12
"""Bytes that are looked at for a table that nobody named."""
MOST_LOOKED_AT = 20
DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Table:
    """A table's columns, as texts."""

    title: str
    """As messages write it."""
    folder: str
    """Where it is: names of files are relative to it. With "/" at its end, or empty."""
    columns: dict[str, list[str]]
    lines: Sequence[int]
    """Where each row is in its file, counted from 1."""
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.lines)


def has_table(place: Place, preparation: Preparation) -> bool:
    """Whether a table says which image is what."""
    return preparation.metadata is not None or bool(table_names(place) and any(map(is_image, place.files)))


def table_names(place: Place) -> list[str]:
    """The tables among a place's files."""
    return [name for name in place.files if name.rpartition("/")[2].lower() in NAMES]


def likely_tables(place: Place) -> list[str]:
    """Tables that nobody named and whose first line has a column of files."""
    names = [name for name in place.files if name.lower().endswith((".csv", ".tsv")) and name not in table_names(place)]
    return [name for name in names[:MOST_LOOKED_AT] if _has_files(place.begin(name, BEGINNING))]


def _has_files(content: bytes) -> bool:
    first = content.decode("utf-8-sig", "replace").partition("\n")[0]
    return bool({field.strip(' "\r').casefold() for field in re.split("[,;\t]", first)} & set(FILES))


def read_table(place: Place, name: str) -> Table:
    """Raises DataError where it cannot be read as a table."""
    folder, title = name.rpartition("/")[0], place.title(name)
    if name.lower().endswith(".parquet"):
        table = _parquet(place, name)
    elif name.lower().endswith((".jsonl", ".ndjson")):
        table = _json_lines(_text(place, name), title)
    else:
        table = _csv(_text(place, name), title)
    if not len(table):
        raise DataError(f"{title} has no rows: expected one for each image")
    return replace(table, folder=f"{folder}/" if folder else "")


def _text(place: Place, name: str) -> str:
    try:
        return place.read(name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = place.read(name)[: error.start].count(b"\n") + 1
        raise DataError(f"{place.title(name)}: line {line:,} is not UTF-8: save the table as UTF-8") from None


def _csv(text: str, title: str) -> Table:
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        _check_names(names, title)
        columns: dict[str, list[str]] = {name: [] for name in names}
        lines, line = [], reader.line_num + 1
        for row in reader:
            if row and any(row):
                if len(row) != len(names):
                    raise DataError(
                        f"{title}: line {line:,} has {len(row):,} values: expected {len(names):,}, as its first line. "
                        "Correct it; put a value with a delimiter in it into quotes"
                    )
                for name, value in zip(names, row, strict=True):
                    columns[name].append(value)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{title}: line {reader.line_num:,} cannot be read ({error}): correct it") from None
    return Table(title, "", columns, lines)


def _check_names(names: Sequence[str], title: str) -> None:
    if not any(names):
        raise DataError(f"{title} is empty: expected a first line with the names of columns")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"{title} has two columns called {twice!r}: rename one")


def _json_lines(text: str, title: str) -> Table:
    rows, lines = [], []
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            rows.append(_json_row(content, line, title))
            lines.append(line)
    names = list(dict.fromkeys(name for row in rows for name in row))
    nested = [name for name in names if any(isinstance(row.get(name), list | dict) for row in rows)]
    columns = {name: [_word(row.get(name)) for row in rows] for name in names if name not in nested}
    return Table(title, "", columns, lines, _notes(nested))


def _json_row(content: str, line: int, title: str) -> dict[str, object]:
    try:
        row = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{title}: line {line:,} is no JSON ({error}): expected an object in each line") from None
    if not isinstance(row, dict):
        raise DataError(
            f'{title}: line {line:,} is no object: expected {{"file_name": ..., "label": ...}} in each line'
        )
    return row


def _parquet(place: Place, name: str) -> Table:
    file = ParquetFile(place, name)
    words, classes = [field.name for field in file.schema if is_words(field.type)], file.class_names()
    columns = {}
    for column in words:
        values = file.column(column).tolist()
        names = classes.get(column)
        columns[column] = [_class(value, names, column, file.title) for value in values]
    others = [one for one in file.names if one not in words]
    return Table(file.title, "", columns, range(1, file.rows + 1), _notes(others))


def _class(value: object, names: Sequence[str] | None, column: str, title: str) -> str:
    if names is None or not isinstance(value, int):
        return str(value)
    if not 0 <= value < len(names):
        raise DataError(f"{title}: expected values of {column!r} from 0 to {len(names) - 1}, got {value}")
    return names[value]


def _word(value: object) -> str:
    return "" if value is None else str(value)


def _notes(columns: Sequence[str]) -> list[str]:
    return [f"the column {name!r} holds neither words nor whole numbers: passed over" for name in columns]
