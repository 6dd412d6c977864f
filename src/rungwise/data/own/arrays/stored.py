"""Arrays as files have them: read some rows at a time, so that no array need fit into memory."""

import gzip
import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.files.idx import GZIP
from rungwise.data.own.places.place import Place

CHUNK_BYTES = 8 * 2**20
"""Of an array that are read at a time."""
MOST_VALUES = 2**26
"""Of one image: no more is asked of memory for a file that announces more."""


@dataclass(frozen=True)
class Stored:
    """An array the rows of which are read when they are asked for."""

    title: str
    """As messages write it, with its file."""
    dtype: np.dtype
    shape: tuple[int, ...]
    """(N, ...)."""
    chunks: Callable[[], Iterator[np.ndarray]]
    """All rows in their order, some at a time, as (n, ...). Raises DataError where the file is damaged."""

    def __len__(self) -> int:
        return self.shape[0]

    def whole(self) -> np.ndarray:
        """The array in memory, as labels are read."""
        chunks = list(self.chunks())
        return np.concatenate(chunks) if chunks else np.empty(self.shape, self.dtype)


Opener = Callable[[], AbstractContextManager[IO[bytes]]]


def in_c_order(title: str, opener: Opener, skip: int, dtype: np.dtype, shape: tuple[int, ...]) -> Stored:
    """An array whose values follow each other behind the first `skip` bytes of a file."""
    row = dtype.itemsize * math.prod(shape[1:])
    if math.prod(shape[1:]) > MOST_VALUES:
        raise DataError(f"{title} announces {words_of(shape)} values: expected at most {MOST_VALUES:,} of an image")
    step = max(1, CHUNK_BYTES // max(1, row))

    def chunks() -> Iterator[np.ndarray]:
        with opener() as stream:
            stream.read(skip)
            for start in range(0, shape[0], step):
                count = min(step, shape[0] - start)
                content = stream.read(count * row)
                if len(content) < count * row:
                    raise DataError(
                        f"{title} is truncated: its header announces {words_of(shape)} values, but it ends after "
                        f"{start + len(content) // max(1, row):,} of {shape[0]:,}. Put it back from a copy"
                    )
                values = np.frombuffer(content, dtype).reshape(count, *shape[1:])
                yield values.astype(dtype.newbyteorder("="), copy=False)
            if stream.read(1):
                raise DataError(f"{title} holds more than the {words_of(shape)} values that its header announces")

    return Stored(title, dtype.newbyteorder("="), shape, chunks)


@contextmanager
def unzipped(place: Place, name: str) -> Iterator[IO[bytes]]:
    """A file, gunzipped if it is gzipped. Raises DataError, which names it, also while it is read."""
    packed = place.begin(name, 2) == GZIP
    with place.stream(name) as stream:
        if not packed:
            yield stream
            return
        try:
            with gzip.open(stream) as unpacked:
                yield unpacked  # type: ignore[misc]
        except EOFError:
            raise DataError(
                f"{place.title(name)} is truncated: the gzip stream breaks off. Put it back from a copy"
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{place.title(name)} is a damaged gzip file ({error}): put it back from a copy") from error


def words_of(shape: tuple[int, ...]) -> str:
    """As "60,000 x 28 x 28"."""
    return " x ".join(f"{side:,}" for side in shape) or "no"
