"""The bytes of one known file, checked as they arrive, from the disk or the network."""

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

from rungwise.data.errors import DataError
from rungwise.data.files.idx import GZIP
from rungwise.data.files.known import File, holder
from rungwise.files import check_regular

Progress = Callable[[str, int, int], None]
"""Told the file's name, and how many of how many uncompressed bytes are there."""


class Contents:
    """Collects one file, gzipped or plain, and refuses it as soon as it cannot be the right one.

    Never holds more than one byte beyond the expected size, whatever a gzip stream would unpack to.
    """

    def __init__(self, file: File, progress: Progress | None = None) -> None:
        self._file = file
        self._progress = progress
        self._packed = b""
        """What has arrived and is not yet unpacked."""
        self._packed_size = 0
        self._stream: zlib._Decompress | None = None
        """None as long as nothing has arrived, and where the bytes are not gzipped."""
        self._content = bytearray()

    def write(self, chunk: bytes) -> int:
        """Takes the next bytes. Raises `DataError` with the reason where they are refused."""
        first = not self._content and self._stream is None
        self._packed += chunk
        self._packed_size += len(chunk)
        if first and len(self._packed) < 2:
            return len(chunk)
        if first:
            self._recognise()
        if self._stream is None:
            self._content += self._packed
            self._packed = b""
            self._refuse_oversized()
        else:
            self._unpack()
        if self._progress is not None:
            self._progress(self._file.name, len(self._content), self._file.size)
        return len(chunk)

    def flush(self) -> None:
        """Nothing: pooch expects it of what it writes to."""

    def finish(self) -> bytearray:
        """The uncompressed bytes, once all have arrived. Raises `DataError` where they are the wrong ones."""
        digest = hashlib.sha256(self._content).hexdigest()
        complete = self._stream is None or self._stream.eof
        if digest == self._file.sha256 and complete:
            return self._content
        got, expected = len(self._content), self._file.size
        if digest == self._file.sha256:
            raise DataError(
                "truncated: all of its content is there, but the gzip stream breaks off before its own checksum"
            )
        if complete and (other := holder(digest)):
            fault = f"mislabelled: it holds the bytes of {other.source}/{other.name}"
        elif not complete or got < expected:
            fault = f"truncated: it ends after {got:,} of {expected:,} bytes"
        else:
            fault = "not the expected file"
        raise DataError(f"{fault} (SHA-256 {digest}, expected {self._file.sha256}, uncompressed)")

    def _recognise(self) -> None:
        if self._packed[:2] == GZIP:
            self._stream = zlib.decompressobj(wbits=31)
        elif self._packed[:2] != b"\0\0":  # which every IDX file begins with
            page = self._packed.lstrip()[:1] == b"<"
            what = "an HTML page" if page else f"something that begins with {self._packed[:8]!r}"
            raise DataError(f"{what}, not a gzip or IDX file")

    def _unpack(self) -> None:
        assert self._stream is not None
        try:
            while self._packed:
                if self._stream.eof:  # a gzip file may have several members
                    self._stream = zlib.decompressobj(wbits=31)
                room = self._file.size + 1 - len(self._content)
                self._content += self._stream.decompress(self._packed, room)
                self._packed = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
                self._refuse_oversized()
        except zlib.error as error:
            raise DataError(f"a damaged gzip file ({error})") from None

    def _refuse_oversized(self) -> None:
        # Nor may a stream go on for ever that unpacks to nothing: no wrapping adds a tenth to its content.
        if len(self._content) > self._file.size or self._packed_size > 1.1 * self._file.size + 1024:
            raise DataError(f"oversized: it holds more than the expected {self._file.size:,} bytes")


def read(path: Path, file: File) -> bytearray:
    """The uncompressed bytes of `file`, kept at `path`. Raises `DataError` with what is wrong."""
    contents = Contents(file)
    try:
        check_regular(path)
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                contents.write(chunk)
    except OSError as error:
        raise DataError(f"unreadable ({error.strerror})") from error
    return contents.finish()
