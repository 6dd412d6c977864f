"""ZIP and TAR archives as places, read where they are."""

import lzma
import stat
import tarfile
import weakref
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rungwise.data.errors import DataError
from rungwise.data.own.places.place import Entry, Place, check_count, is_junk, safe_name

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""How TAR archives are called, in lower case."""
MOST_MEMBER_BYTES = 4 * 2**30
"""Of one file in an archive that is read as a whole."""
MOST_RATIO, RATIO_FROM = 1000, 100 * 2**20
"""How many times its packed size an archive, or a member of it, may have unpacked, and the size from which that is
asked: deflate reaches 1,032 on zeros alone, and an array of a small set may well hold zeros."""
FAULTS = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError)
"""What is raised where an archive is damaged."""


class Zip(Place):
    """A ZIP archive, read in place."""

    def __init__(self, path: Path, content: IO[bytes] | None = None) -> None:
        """`content`: the archive's bytes, where it is no file by itself; `path` is then what messages call it."""
        try:
            self._zip = zipfile.ZipFile(path if content is None else content)
        except (*FAULTS, ValueError) as error:
            raise DataError(f"{path} is a damaged ZIP archive ({error}): put it back from a copy") from error
        stamp = path.stat().st_mtime_ns if content is None else 0
        self._members: dict[str, zipfile.ZipInfo] = {}
        folders, links, total = [], 0, 0
        for info in self._zip.infolist():
            if not (name := safe_name(path, info.filename)) or is_junk(name):
                continue
            if info.is_dir():
                folders.append(name)
                continue
            if stat.S_ISLNK(info.external_attr >> 16):
                links += 1
                continue
            if info.flag_bits & 1:
                raise DataError(f"{path} is encrypted ({name}): unpack it and give the folder")
            total += info.file_size
            _check_size(path, name, info.file_size, info.compress_size)
            _check_once(path, name, self._members)
            self._members[name] = info
        _check_size(path, "all", total, sum(info.compress_size for info in self._members.values()))
        check_count(path, len(self._members))
        files = {name: Entry(info.file_size, stamp) for name, info in sorted(self._members.items())}
        super().__init__(path, files, _links(path, links), folders)

    @contextmanager
    def stream(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self._zip.open(self._members[name]) as stream:  # stops at the announced size, and checks the sum
                yield stream
        except FAULTS as error:
            raise DataError(f"{self.title(name)}: a damaged member of a ZIP archive ({error})") from error

    def read(self, name: str) -> bytes:
        if (size := self.files[name].size) > MOST_MEMBER_BYTES:
            raise DataError(f"{self.title(name)} has {size:,} bytes unpacked: unpack the archive and give the folder")
        return super().read(name)


class Tar(Place):
    """A TAR archive, packed or not, read in place."""

    def __init__(self, path: Path) -> None:
        self._members: dict[str, tarfile.TarInfo] = {}
        folders: list[str] = []
        links, total, facts = 0, 0, path.stat()
        try:
            self._tar = tarfile.open(path)  # noqa: SIM115 (it stays open as long as the place is used)
            weakref.finalize(self, self._tar.close)
            for info in self._tar:
                if not (name := safe_name(path, info.name)) or is_junk(name):
                    continue
                if not info.isreg():
                    links += not info.isdir()
                    folders += [name] * info.isdir()
                    continue
                total += info.size
                _check_size(path, name, total, facts.st_size)
                _check_once(path, name, self._members)
                self._members[name] = info
                check_count(path, len(self._members))
        except (*FAULTS, ValueError) as error:
            raise DataError(f"{path} is a damaged TAR archive ({error}): put it back from a copy") from error
        files = {name: Entry(info.size, facts.st_mtime_ns) for name, info in sorted(self._members.items())}
        super().__init__(path, files, _links(path, links), folders)

    @contextmanager
    def stream(self, name: str) -> Iterator[IO[bytes]]:
        try:
            stream = self._tar.extractfile(self._members[name])
            assert stream is not None  # of a regular file
            with stream:
                yield stream
        except FAULTS as error:
            raise DataError(f"{self.title(name)}: a damaged member of a TAR archive ({error})") from error

    def in_order(self, names: Collection[str]) -> list[str]:
        return sorted(names, key=lambda name: self._members[name].offset)  # what is packed goes forward alone


def _check_size(path: Path, name: str, size: int, packed: int) -> None:
    if size > RATIO_FROM and size > MOST_RATIO * max(1, packed):
        raise DataError(
            f"{path}: {name} would unpack to {size:,} bytes from {packed:,}: expected images, got what looks like a "
            "decompression bomb. If it is none, unpack it yourself and give the folder"
        )


def _check_once(path: Path, name: str, members: Collection[str]) -> None:
    if name in members:
        raise DataError(f"{path} holds two files of the name {name}: pack it anew with one")


def _links(path: Path, count: int) -> list[str]:
    what = f"{count:,} links and devices" if count > 1 else "a link or device"
    return [f"{what} in {path.name} {'was' if count == 1 else 'were'} passed over: copy the files in"] if count else []
