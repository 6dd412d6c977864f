"""Parquet files, read by pyarrow, which is there where somebody installed it."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.places.place import Place

REMEDY = "pip install 'rungwise[parquet]'"
ROWS = 256
"""Read at a time: images of a photograph's size must fit into memory."""


class ParquetFile:
    """One file; what it holds is read when it is asked for."""

    def __init__(self, place: Place, name: str) -> None:
        """Raises DataError where pyarrow is missing, or where the file is damaged."""
        self.title = place.title(name)
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise DataError(f"{self.title} is a Parquet file, which pyarrow reads: install it by {REMEDY}") from None
        path = place.on_disk(name)
        with self._reading():
            source = pyarrow.BufferReader(place.read(name)) if path is None else path
            self._file = pyarrow.parquet.ParquetFile(source)
            self.schema: Any = self._file.schema_arrow
        self.rows: int = self._file.metadata.num_rows

    @property
    def names(self) -> list[str]:
        """Of its columns."""
        return list(self.schema.names)

    def class_names(self) -> dict[str, list[str]]:
        """The names of classes, by column, as Hugging Face's `datasets` writes them beside the schema."""
        try:
            features = json.loads((self.schema.metadata or {})[b"huggingface"])["info"]["features"]
            known = {name: one.get("names") for name, one in features.items() if isinstance(one, dict)}
        except (KeyError, ValueError, TypeError, AttributeError):
            return {}
        return {name: list(map(str, names)) for name, names in known.items() if isinstance(names, list) and names}

    def batches(self, columns: Sequence[str], rows: int = ROWS) -> Iterator[Any]:
        """Some rows at a time, as Arrow's batches. Raises DataError where the file is damaged."""
        with self._reading():
            yield from self._file.iter_batches(batch_size=rows, columns=list(columns))

    def column(self, name: str) -> np.ndarray:
        """A whole column (N,), whole numbers, or texts, which are empty where there is no value."""
        with self._reading():
            chunks = self._file.read(columns=[name]).column(0)
            if _is("is_integer", chunks.type) and chunks.null_count == 0:
                return np.asarray(chunks.to_numpy())
            return np.array(["" if value is None else str(value) for value in chunks.to_pylist()])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        import pyarrow

        try:
            yield
        except (pyarrow.ArrowException, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise DataError(f"{self.title} is a damaged Parquet file ({reason}): put it back from a copy") from error


def is_numbers(kind: Any) -> bool:
    return _is("is_integer", kind) or _is("is_floating", kind) or _is("is_boolean", kind)


def is_words(kind: Any) -> bool:
    """Whether a column's values can be classes."""
    if _is("is_dictionary", kind):
        kind = kind.value_type
    return any(_is(what, kind) for what in ("is_integer", "is_string", "is_large_string", "is_boolean"))


def is_text(kind: Any) -> bool:
    return _is("is_string", kind) or _is("is_large_string", kind)


def is_bytes(kind: Any) -> bool:
    return _is("is_binary", kind) or _is("is_large_binary", kind)


def is_list(kind: Any) -> bool:
    return any(_is(what, kind) for what in ("is_list", "is_large_list", "is_fixed_size_list"))


def is_struct(kind: Any) -> bool:
    return _is("is_struct", kind)


def _is(what: str, kind: Any) -> bool:
    import pyarrow.types

    test: Callable[[Any], bool] = getattr(pyarrow.types, what)
    return test(kind)
