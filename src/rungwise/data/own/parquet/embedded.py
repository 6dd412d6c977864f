"""Coded images in the rows of Parquet files."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from rungwise.data.errors import DataError
from rungwise.data.own.encoded import Each, Encoded, no_bombs, read_header
from rungwise.data.own.found import Header
from rungwise.data.own.parquet.file import ParquetFile
from rungwise.data.own.threads import spread

T = TypeVar("T")


class CodedColumn(NamedTuple):
    """A column of coded images: bytes, or structs of bytes and path."""

    file: ParquetFile
    name: str

    def contents(self) -> Iterator[bytes | str]:
        """Of each image its bytes, or why there are none."""
        for batch in self.file.batches([self.name]):
            column = batch.column(0)
            fields = [field.name for field in column.type] if hasattr(column.type, "get_field_index") else []
            if not fields:
                yield from ("there is no image" if one is None else one for one in column.to_pylist())
                continue
            children = dict(zip(fields, column.flatten(), strict=True))  # a struct's own nulls are in its children's
            paths = children["path"].to_pylist() if "path" in children else [None] * len(column)
            for content, path in zip(children["bytes"].to_pylist(), paths, strict=True):
                yield content if content is not None else _instead(path)


def embedded(columns: Sequence[CodedColumn], background: str) -> Encoded:
    """The images of some columns, one after the other. Raises DataError where they are paths alone."""
    with no_bombs():
        headers = list(spread(_header, _contents(columns)))
    if headers and all(header == headers[0] for header in headers) and headers[0] == _instead("a path"):
        raise DataError(
            f"{columns[0].file.title} names images by their paths alone: expected their bytes in it. Write them into "
            "it (in datasets: Dataset.to_parquet), or give the folder of images"
        )
    return Encoded(headers, _each_row(columns), background)


def _each_row(columns: Sequence[CodedColumn]) -> Each:
    def each(work: Callable[[bytes], T], numbers: Sequence[int]) -> Iterator[tuple[int, T]]:
        wanted = set(numbers)

        def one(row: tuple[int, bytes]) -> tuple[int, T]:
            return row[0], work(row[1])

        numbered = enumerate(_contents(columns))
        yield from spread(one, ((n, row) for n, row in numbered if n in wanted and isinstance(row, bytes)))

    return each


def _contents(columns: Sequence[CodedColumn]) -> Iterator[bytes | str]:
    for column in columns:
        yield from column.contents()


def _header(content: bytes | str) -> Header | str:
    return content if isinstance(content, str) else read_header(content)


def _instead(path: str | None) -> str:
    return "there is no image" if path is None else "it is a path alone, without the image's bytes"
