"""The bytes of one known file, checked as they arrive, from the disk or the network."""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from rungwise.data.errors import DataError
from rungwise.data.files.idx import GZIP
from rungwise.data.files.known import File, holder
from rungwise.files import check_regular

Progress = Callable[[str, int, int], None]
"""Told the file's name, and how many of how many uncompressed bytes are there."""
LABELS = 10
"""A file of CIFAR-10 begins with a label, which is less than this."""


class Checksum(NamedTuple):
    """A published checksum beside that of what has arrived."""

    kind: str
    over: str
    expected: str
    got: str


class Contents:
    """Collects one file, gzipped or plain, and refuses it as soon as it cannot be the right one.

    Never holds more than one byte beyond the expected size, whatever a gzip stream would unpack to.
    """

    def __init__(self, file: File, progress: Progress | None = None, keep: bool = False) -> None:
        """`keep`: a gzip file is also kept as it arrives, where no checksum is published of what is in it."""
        self._file = file
        self._progress = progress
        self._keep = keep and not file.verifiable
        self._packed = b""
        """What has arrived and is not yet unpacked."""
        self._packed_size = 0
        self._packed_digest = hashlib.sha256()
        """Of the gzip file, if it is one."""
        self._stream: zlib._Decompress | None = None
        """None as long as nothing has arrived, and where the bytes are not gzipped."""
        self._content = bytearray()
        self.published = bytearray()
        """The gzip file as it arrived, if it is to be kept."""
        self.verified = False
        """Whether a published checksum says that the bytes are right: known once `finish` has returned."""

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
            self._packed_digest.update(self._packed)
            if self._keep:
                self.published += self._packed
            self._unpack()
        if self._progress is not None:
            self._progress(self._file.name, len(self._content), self._file.size)
        return len(chunk)

    def flush(self) -> None:
        """Nothing: pooch expects it of what it writes to."""

    def finish(self) -> bytearray:
        """The uncompressed bytes, once all have arrived. Raises `DataError` where they are the wrong ones.

        Where no checksum of such bytes is published, any of the right size pass, and `verified` is False.
        """
        complete = self._stream is None or self._stream.eof
        checksums = tuple(self._checksums())
        self.verified = any(one.got == one.expected for one in checksums)
        if complete and self.verified:
            return self._content
        other = holder(self._sha256()) or holder(self._packed_digest.hexdigest())
        if complete and not checksums and len(self._content) == self._file.size and not other:
            return self._content
        raise DataError(self._fault(other if complete else None, checksums))

    @property
    def content(self) -> bytearray:
        """The uncompressed bytes that have arrived."""
        return self._content

    def _sha256(self) -> str:
        return hashlib.sha256(self._content).hexdigest()

    def _checksums(self) -> Iterator[Checksum]:
        """Those that are published of bytes that are wrapped as these are."""
        if self._file.sha256:
            yield Checksum("SHA-256", "uncompressed", self._file.sha256, self._sha256())
        if self._file.sha1:
            sha1 = hashlib.sha1(self._content, usedforsecurity=False).hexdigest()
            yield Checksum("SHA-1", "uncompressed", self._file.sha1, sha1)
        if self._file.packed_sha256 and self._stream is not None:
            packed = self._packed_digest.hexdigest()
            yield Checksum("SHA-256", "of the gzip file as it is published", self._file.packed_sha256, packed)

    def _fault(self, other: File | None, checksums: tuple[Checksum, ...]) -> str:
        """What is wrong with all that has arrived; `other`: the known file that it is instead."""
        got, expected = len(self._content), self._file.size
        complete = self._stream is None or self._stream.eof
        if self.verified:
            return "truncated: all of its content is there, but the gzip stream breaks off before its own checksum"
        if other is not None:
            fault = f"mislabelled: it holds the bytes of {other.source}/{other.name}"
        elif not complete or got < expected:
            fault = f"truncated: it ends after {got:,} of {expected:,} bytes"
        else:
            fault = "not the expected file"
        sums = [f"{one.kind} {one.got}, expected {one.expected}, {one.over}" for one in checksums]
        return f"{fault} ({'; '.join(sums)})" if sums else fault

    def _recognise(self) -> None:
        if self._packed[:2] == GZIP:
            self._stream = zlib.decompressobj(wbits=31)
            return
        records = self._file.name.endswith(".bin")
        # Every IDX file begins with two zero bytes.
        if self._packed[0] >= LABELS if records else self._packed[:2] != b"\0\0":
            page = self._packed.lstrip()[:1] == b"<"
            what = "an HTML page" if page else f"something that begins with {self._packed[:8]!r}"
            raise DataError(f"{what}, not a gzip or {'CIFAR' if records else 'IDX'} file")

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
        # Nor may a stream go on for ever that unpacks to nothing.
        if len(self._content) > self._file.size or self._packed_size > self._file.most_bytes:
            raise DataError(f"oversized: it holds more than the expected {self._file.size:,} bytes")


class Reading(NamedTuple):
    """A file that was read whole."""

    content: bytearray
    verified: bool
    """Whether a published checksum says that it is right; otherwise it has the right size."""


def read(path: Path, file: File) -> Reading:
    """The uncompressed bytes of `file`, kept at `path`, gzipped or plain. Raises `DataError` with what is wrong."""
    contents = Contents(file)
    try:
        check_regular(path)
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                contents.write(chunk)
    except OSError as error:
        raise DataError(f"unreadable ({error.strerror})") from error
    return Reading(contents.finish(), contents.verified)


def unpacked(file: File, member: bytes, keep: bool = False) -> Contents:
    """`file`, as an archive has it. Raises `DataError` with what is wrong; `keep` as for `Contents`."""
    contents = Contents(file, keep=keep)
    try:
        contents.write(member)
        contents.finish()
    except DataError as error:
        raise DataError(f"an archive whose {file.member} is {error}") from None
    return contents
