"""Rows of numbers in CSV files, read fast, with what else stands in a row."""

import csv
import itertools
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, NamedTuple

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.arrays.stored import Stored, unzipped
from rungwise.data.own.places.place import Place

DELIMITERS = (",", ";", "\t")
MOST_LINE = 2**20
"""Bytes: a longer line is none of a table."""
ROWS = 2000
"""Parsed at a time."""
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


class RowFile(NamedTuple):
    """A CSV file, as its first line shows it."""

    name: str
    delimiter: str
    names: tuple[str, ...]
    """Of its columns."""
    header: bool
    """Whether the first line has the names; else they are numbers of the first image."""


def first_row(place: Place, name: str) -> RowFile:
    """Raises DataError where there is no line of text."""
    with unzipped(place, name) as stream:
        line = next(_lines(stream, place.title(name)), "")
    if not line.strip():
        raise DataError(f"{place.title(name)} is empty: expected a first line with the names of columns")
    delimiter = max(DELIMITERS, key=line.count)
    fields = tuple(field.strip() for field in next(csv.reader([line], delimiter=delimiter)))
    header = not all(NUMBER.fullmatch(field) for field in fields) or _counts_up(fields)
    if header and (twice := [field for field in fields if fields.count(field) > 1]) and len(set(fields)) < len(fields):
        raise DataError(f"{place.title(name)} has two columns called {twice[0]!r}: rename one")
    return RowFile(name, delimiter, fields, header)


def _counts_up(fields: Sequence[str]) -> bool:
    """Whether numbers are 0, 1, 2, ..., as names of columns that have none are, and pixels hardly ever."""
    return any(list(fields) == [str(number) for number in range(start, start + len(fields))] for start in (0, 1))


def read_rows(
    place: Place, file: RowFile, numbers: Sequence[int], texts: Mapping[str, int]
) -> tuple[Stored, dict[str, np.ndarray]]:
    """The columns of numbers as an array (N, len(numbers)), uint8 where they fit into it and else float32, and columns
    of texts by name, (N,) each. All are read into memory. Raises DataError, which names the line."""
    title, columns = place.title(file.name), dict[str, list[str]]((name, []) for name in texts)
    parsed = []
    with unzipped(place, file.name) as stream:
        lines = _lines(stream, title)
        first = 1 + file.header
        for _ in range(file.header):
            next(lines)
        while some := list(itertools.islice(lines, ROWS)):
            rows = [line for line in some if line.strip()]
            _check_width(rows, file, some, first, title)
            if rows:
                parsed.append(_parsed(rows, file, numbers, some, first, title))
                _take(columns, rows, file, texts)
            first += len(some)
    if any(chunk.dtype != np.uint8 for chunk in parsed):
        parsed = [chunk.astype(np.float32) for chunk in parsed]
    if not parsed:
        raise DataError(f"{title} has no rows below its first: expected one for each image")
    shape = (sum(map(len, parsed)), len(numbers))
    stored = Stored(title, parsed[0].dtype, shape, lambda: iter(parsed))
    return stored, {name: np.array(_whole(values)) for name, values in columns.items()}


def _lines(stream: IO[bytes], title: str) -> Iterator[str]:
    encoding = "utf-8-sig"  # the first line may begin with a byte order mark
    for number, line in enumerate(iter(lambda: stream.readline(MOST_LINE), b""), 1):
        if len(line) == MOST_LINE:
            raise DataError(f"{title}: line {number:,} has more than {MOST_LINE:,} bytes: expected a table")
        try:
            yield line.decode(encoding)
        except UnicodeDecodeError:
            raise DataError(f"{title}: line {number:,} is not UTF-8: expected a table in UTF-8. Save it so") from None
        encoding = "utf-8"


def _parsed(
    rows: Sequence[str], file: RowFile, numbers: Sequence[int], some: Sequence[str], first: int, title: str
) -> np.ndarray:
    for kind in (np.uint8, np.float32):
        try:
            return _load(rows, file, numbers, kind)
        except (ValueError, DeprecationWarning):
            continue
    for number, line in enumerate(some, first):
        try:
            if line.strip():
                _load([line], file, numbers, np.float32)
        except (ValueError, DeprecationWarning) as error:
            reason = str(error).partition(" at row")[0]
            raise DataError(f"{title}: line {number:,}: expected numbers as pixels ({reason}): correct it") from None
    raise AssertionError("one of the lines has no numbers")


def _load(rows: Sequence[str], file: RowFile, numbers: Sequence[int], kind: type) -> np.ndarray:
    with warnings.catch_warnings(action="error", category=DeprecationWarning):  # NumPy 1 takes 0.5 for the integer 0
        found: np.ndarray = np.loadtxt(
            rows, kind, comments=None, delimiter=file.delimiter, usecols=numbers, ndmin=2, quotechar='"'
        )
    return found


def _check_width(rows: Sequence[str], file: RowFile, some: Sequence[str], first: int, title: str) -> None:
    expected = len(file.names)
    if all(row.count(file.delimiter) == expected - 1 for row in rows):
        return
    for number, line in enumerate(some, first):
        if line.strip() and (got := len(next(csv.reader([line], delimiter=file.delimiter)))) != expected:
            raise DataError(f"{title}: line {number:,} has {got:,} values: expected {expected:,}. Correct or remove it")


def _take(columns: Mapping[str, list[str]], rows: Sequence[str], file: RowFile, texts: Mapping[str, int]) -> None:
    """Add the texts of some rows to their columns. Most rows are numbers, and none of them need be looked at where the
    texts stand in front."""
    ahead = max(texts.values(), default=-1) + 1
    for row in rows:
        if ahead <= len(texts) and '"' not in row:
            fields = row.rstrip("\r\n").split(file.delimiter, ahead)
        else:
            fields = next(csv.reader([row], delimiter=file.delimiter))
        for name, place in texts.items():
            columns[name].append(fields[place].strip())


def _whole(values: Sequence[str]) -> Sequence[str]:
    """Texts, those of whole numbers that were written as floats without their noughts."""
    if all(re.fullmatch(r"-?\d+\.0+", value) for value in values):
        return [value.partition(".")[0] for value in values]
    return values
