"""Archives: one is checked as it arrives, and members are read by name, in memory.

Nothing is ever unpacked under a path that an archive gives, and no more than the announced size of a member.
"""

import gzip
import hashlib
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from rungwise.data.errors import DataError
from rungwise.data.files.contents import Progress
from rungwise.data.files.idx import GZIP
from rungwise.data.files.known import Archive
from rungwise.files import check_regular

ZIP = b"PK"
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    gzip.BadGzipFile,
    RuntimeError,  # an encrypted member of a ZIP archive
    NotImplementedError,
    ValueError,
)
"""What the libraries raise of bytes that are no sound archive."""
SLACK = 1 << 20
"""Bytes that a TAR archive may hold beside the members that are wanted: headers and small texts."""


class Arrival:
    """Writes one archive to a file as it arrives, and refuses it as soon as it cannot be the right one."""

    def __init__(self, archive: Archive, stream: IO[bytes], progress: Progress | None = None) -> None:
        self._archive = archive
        self._stream = stream
        self._progress = progress
        self._size = 0
        self._digest = hashlib.sha256()
        self._start = b""
        self.disk_failed = False
        """Whether what was raised came of writing the file, not of the network."""

    def write(self, chunk: bytes) -> int:
        """Takes the next bytes. Raises `DataError` with the reason where they are refused, and OSError."""
        if len(self._start) < 2:
            self._start += chunk[:8]
            if len(self._start) >= 2:
                check_start(self._start)
        self._size += len(chunk)
        if self._size > self._archive.size:
            raise DataError(f"oversized: it holds more than the expected {self._archive.size:,} bytes")
        self._digest.update(chunk)
        try:
            self._stream.write(chunk)
        except OSError:
            self.disk_failed = True
            raise
        if self._progress is not None:
            self._progress(self._archive.name, self._size, self._archive.size)
        return len(chunk)

    def flush(self) -> None:
        """Nothing: pooch expects it of what it writes to."""

    def finish(self) -> None:
        """Raises `DataError` where what has arrived is not the archive."""
        self._stream.flush()
        _check_size(self._size, self._archive)
        digest = self._digest.hexdigest()
        if digest != self._archive.sha256:
            raise DataError(f"not the expected archive (SHA-256 {digest}, expected {self._archive.sha256})")


def check_start(start: bytes) -> None:
    """Raises `DataError` where the first bytes are those of neither a ZIP nor a gzipped TAR archive."""
    if start[:2] not in (ZIP, GZIP):
        page = start.lstrip()[:1] == b"<"
        what = "an HTML page" if page else f"something that begins with {start[:8]!r}"
        raise DataError(f"{what}, not a ZIP or a gzipped TAR archive")


def read_members(path: Path, archive: Archive, limits: Mapping[str, int]) -> dict[str, bytes]:
    """The members of the archive at `path`, by their names; `limits` has the most bytes that each may have.

    Only regular files of exactly these names are read. Raises `DataError` with what is wrong.
    """
    try:
        check_regular(path)
        with path.open("rb") as stream:
            start = stream.read(8)
            if len(start) >= 2:
                check_start(start)
            _check_size(path.stat().st_size, archive)
            stream.seek(0)
            found = _from_zip(stream, limits) if start[:2] == ZIP else _from_tar(stream, limits)
    except DAMAGED as error:
        raise DataError(f"a damaged archive ({error})") from None
    except OSError as error:
        raise DataError(f"unreadable ({error.strerror or error})") from error
    if missing := [name for name in limits if name not in found]:
        raise DataError(f"an archive without {', '.join(missing)}")
    return found


def _check_size(size: int, archive: Archive) -> None:
    if size != archive.size:
        fault = "truncated" if size < archive.size else "oversized"
        raise DataError(f"{fault}: it has {size:,} bytes, not {archive.size:,}")


def _from_zip(stream: IO[bytes], limits: Mapping[str, int]) -> dict[str, bytes]:
    found = {}
    with zipfile.ZipFile(stream) as archive:
        names = set(archive.namelist())
        for name, limit in limits.items():
            if name not in names:
                continue
            info = archive.getinfo(name)
            _check_member(name, info.file_size, limit)
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # The other methods unpack a whole block at once, however long it turns out to be.
                raise DataError(f"an archive whose {name} is packed by a method that is not read here")
            with archive.open(info) as member:
                found[name] = member.read(info.file_size)  # read() would unpack all before it cuts; the CRC is compared
    return found


def _from_tar(stream: IO[bytes], limits: Mapping[str, int]) -> dict[str, bytes]:
    """One pass through a gzipped archive, up to the last member that is wanted."""
    found: dict[str, bytes] = {}
    unpacked = _Bounded(gzip.GzipFile(fileobj=stream), sum(limits.values()) + SLACK)
    with tarfile.open(fileobj=unpacked, mode="r|") as archive:
        for info in archive:
            if info.name not in limits or not info.isreg() or info.name in found:
                continue
            _check_member(info.name, info.size, limits[info.name])
            member = archive.extractfile(info)
            assert member is not None
            found[info.name] = member.read()
            if len(found) == len(limits):
                break
    return found


def _check_member(name: str, size: int, limit: int) -> None:
    if size > limit:
        raise DataError(f"oversized: its {name} is announced with {size:,} bytes, where at most {limit:,} are expected")


class _Bounded(io.RawIOBase):
    """A stream that gives no more than a number of bytes, so that a small archive cannot unpack without end."""

    def __init__(self, stream: gzip.GzipFile, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most `size`."""
        chunk = self._stream.read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise DataError("oversized: it unpacks to more than it should hold")
        return chunk
