"""IDX, the format of MNIST's files: a magic number, the size of each axis, then the values in C order.

Two zero bytes, one byte for the type, one for the number of axes; the sizes are big-endian 32-bit numbers.
Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", file formats.
"""

import gzip
import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from rungwise.data.errors import DataError
from rungwise.files import check_regular

GZIP = b"\x1f\x8b"
TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(source: Path | str | bytes | bytearray) -> np.ndarray:
    """The array in an IDX file, gzipped or not, given by its path or its bytes.

    Bytes that are not gzipped are not copied. Raises `DataError` where the content is not exactly one array.
    """
    name = str(source) if isinstance(source, (Path, str)) else "the IDX data"
    content = _read(Path(source)) if isinstance(source, (Path, str)) else source
    try:
        if content[:2] == GZIP:
            content = _unzip(content)
        return _array(content)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None


def _read(path: Path) -> bytes:
    try:
        check_regular(path)
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: unreadable ({error.strerror})") from error


def _unzip(content: bytes | bytearray) -> bytes:
    """No more is unpacked than the header announces, and one byte to see that there is more."""
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            header = stream.read(4)
            header += stream.read(4 * header[3] if len(header) == 4 else 0)
            dtype, shape, _ = read_header(header)
            return header + stream.read(dtype.itemsize * math.prod(shape) + 1)
    except EOFError:
        raise DataError("truncated: the gzip stream breaks off") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"a damaged gzip file ({error})") from None


def _array(content: bytes | bytearray) -> np.ndarray:
    dtype, shape, start = read_header(content)
    expected, got = dtype.itemsize * math.prod(shape), len(content) - start
    if got != expected:
        fault = "truncated" if got < expected else "oversized"
        size = f"{got:,}" if got < expected else "more"
        raise DataError(
            f"{fault}: its header announces {' x '.join(map(str, shape))} values in {expected:,} bytes, "
            f"but {size} follow"
        )
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def read_header(content: bytes | bytearray) -> tuple[np.dtype, tuple[int, ...], int]:
    """The values' type, the size of each axis, and where the values begin. Raises `DataError` where there is none."""
    if len(content) < 4:
        raise DataError(f"truncated: {len(content)} bytes, not even a header")
    if content[:2] != b"\0\0" or content[2] not in TYPES or content[3] == 0:
        raise DataError(
            f"not an IDX file: it starts with the bytes {bytes(content[:4]).hex(' ')}, where 00 00, a type "
            "(08 for unsigned bytes) and the number of axes are expected"
        )
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise DataError(f"truncated: the header breaks off after {len(content)} of {start} bytes")
    return np.dtype(TYPES[content[2]]), struct.unpack(f">{content[3]}I", content[4:start]), start
