"""NumPy's files: NPY, and NPZ, which is a ZIP of them. Nothing that is pickled is ever read."""

import io
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.arrays.stored import CHUNK_BYTES, Stored, in_c_order, words_of
from rungwise.data.own.places.archives import FAULTS, MOST_MEMBER_BYTES, Zip
from rungwise.data.own.places.place import Place

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
"""By version; 3.0 is for arrays of named fields."""


def open_npz(place: Place, name: str) -> Zip:
    """The arrays of an NPZ file, as files of an archive. Raises DataError."""
    path = place.on_disk(name)
    return Zip(Path(place.title(name)), io.BytesIO(place.read(name))) if path is None else Zip(path)


def stored_array(place: Place, name: str) -> Stored:
    """The array in an NPY file, or in a member of an NPZ file. Raises DataError where it cannot be read as numbers or
    texts, and where it announces more or less than the file has."""
    title = place.title(name)
    with place.stream(name) as stream:
        shape, by_column, dtype, skip = _header(stream, title)
    if dtype.hasobject:
        raise DataError(
            f"{title} is a pickled array, which runs any code when it is read: expected numbers or texts. Save it as "
            "such, as np.save(name, array.astype(str)) or .astype(int)"
        )
    if dtype.names is not None or dtype.kind not in "biufSU":
        raise DataError(f"{title} holds values of the type {dtype}: expected numbers or texts")
    expected, got = skip + dtype.itemsize * math.prod(shape), place.files[name].size
    if got != expected:
        raise DataError(
            f"{title} is {'truncated' if got < expected else 'oversized'}: its header announces {words_of(shape)} "
            f"values, {expected:,} bytes in all, but it has {got:,}. Put it back from a copy"
        )
    if by_column and len(shape) > 1:
        return _by_column(place, name, skip, dtype, shape)
    return in_c_order(title, partial(place.stream, name), skip, dtype, shape)


def _header(stream: IO[bytes], title: str) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """The shape, whether columns come first, the type, and how many bytes the header has."""
    try:
        version = np.lib.format.read_magic(stream)
        if version not in HEADERS:
            raise ValueError(f"version {version[0]}.{version[1]} of the format, which has named fields")
        shape, by_column, dtype = HEADERS[version](stream)
    except FAULTS:
        raise
    except Exception as error:  # NumPy takes the header for a text of Python, of which anything may come
        raise DataError(f"{title} is no array of NumPy, or a damaged one ({error}): save it anew by np.save") from None
    return shape, by_column, dtype, stream.tell()


def _by_column(place: Place, name: str, skip: int, dtype: np.dtype, shape: tuple[int, ...]) -> Stored:
    """An array of which the first axis is stored closest: its rows lie all over the file."""
    title, path, size = place.title(name), place.on_disk(name), place.files[name].size
    if path is None and size > MOST_MEMBER_BYTES:
        raise DataError(f"{title} has {size:,} bytes in Fortran order: save it as np.ascontiguousarray(array)")

    def chunks() -> Iterator[np.ndarray]:
        if path is None:
            whole = np.frombuffer(place.read(name), dtype, offset=skip).reshape(shape, order="F")
        else:
            whole = np.memmap(path, dtype, "r", skip, shape, order="F")
        step = max(1, CHUNK_BYTES // (dtype.itemsize * math.prod(shape[1:]) or 1))
        for start in range(0, shape[0], step):
            yield np.ascontiguousarray(whole[start : start + step]).astype(dtype.newbyteorder("="), copy=False)

    return Stored(title, dtype.newbyteorder("="), shape, chunks)
