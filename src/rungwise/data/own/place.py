"""Where own data is: a folder, an archive or a single file, all seen as named files that can be read.

Nothing is ever unpacked to the disk, and nothing of an archive decides where something is written.
"""

import os
import stat
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rungwise.data.errors import DataError

JUNK = {"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"}
"""What systems leave beside images, in lower case; so is everything whose name begins with a dot."""
MOST_FILES = 2_000_000
"""Of a data set: more than a million images, and what may lie beside them."""
MOST_MEMBER_BYTES = 4 * 2**30
"""Of one file in an archive, unpacked."""
MOST_RATIO, RATIO_FROM = 1000, 100 * 2**20
"""How many times its packed size a member of an archive may have, and the size from which that is asked: deflate
reaches 1,032 on zeros alone, and an array of a small set may well hold zeros."""


@dataclass(frozen=True)
class Entry:
    """One file of a place."""

    size: int
    """Bytes, unpacked."""
    stamp: int
    """When it was last changed, in nanoseconds; of an archive's member: when the archive was."""


class Place(ABC):
    """Named files that can be read. Names are relative, with "/" between their steps."""

    def __init__(
        self, path: Path, files: Mapping[str, Entry], notes: Collection[str] = (), folders: Collection[str] = ()
    ) -> None:
        self.path = path
        """The folder or file itself."""
        self.files = files
        """By name, sorted by it."""
        self.folders = tuple(folders)
        """The names of all folders, empty ones too."""
        self.notes = tuple(notes)
        """What was passed over, in words."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The content of one file. Raises DataError, which names it."""

    def read_all(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """The contents of some files, in the order in which they are read soonest."""
        for name in names:
            yield name, self.read(name)

    def on_disk(self, name: str) -> Path | None:
        """The file itself, where it is one on the disk."""
        return None

    def title(self, name: str) -> str:
        """The file as messages write it."""
        return f"{self.path}: {name}"

    def below(self, folder: str) -> "Place":
        """The files of one folder of it, by their names in there."""
        return _Below(self, folder)

    def top_folders(self) -> tuple[str, ...]:
        """The names of the outermost folders, empty ones too."""
        below = (name.partition("/")[0] for name in self.files if "/" in name)
        return tuple(dict.fromkeys((*below, *(name.partition("/")[0] for name in self.folders))))

    def top_files(self) -> tuple[str, ...]:
        """The names of the files that are in no folder."""
        return tuple(name for name in self.files if "/" not in name)


class _Below(Place):
    def __init__(self, place: Place, folder: str) -> None:
        self._place, self._prefix = place, f"{folder}/"
        files = {
            name.removeprefix(self._prefix): entry
            for name, entry in place.files.items()
            if name.startswith(self._prefix)
        }
        folders = [n.removeprefix(self._prefix) for n in place.folders if n.startswith(self._prefix)]
        super().__init__(place.path, files, place.notes, folders)

    def read(self, name: str) -> bytes:
        return self._place.read(self._prefix + name)

    def read_all(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        for name, content in self._place.read_all([self._prefix + name for name in names]):
            yield name.removeprefix(self._prefix), content

    def on_disk(self, name: str) -> Path | None:
        return self._place.on_disk(self._prefix + name)

    def title(self, name: str) -> str:
        return self._place.title(self._prefix + name)


class Folder(Place):
    """A folder on the disk, with all folders in it."""

    def __init__(self, path: Path) -> None:
        folders: list[str] = []
        super().__init__(path, dict(sorted(_walk(path, folders))), folders=folders)

    def read(self, name: str) -> bytes:
        return _read_file(self.path / name)

    def on_disk(self, name: str) -> Path:
        return self.path / name

    def title(self, name: str) -> str:
        return str(self.path / name)


class SingleFile(Place):
    """One file on the disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, {path.name: _entry(path.stat())})

    def read(self, name: str) -> bytes:
        return _read_file(self.path)

    def on_disk(self, name: str) -> Path:
        return self.path

    def title(self, name: str) -> str:
        return str(self.path)


class Zip(Place):
    """A ZIP archive, read in place."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise DataError(f"{path} is a damaged ZIP archive ({error}): put it back from a copy") from error
        stamp, folders = path.stat().st_mtime_ns, []
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            if is_junk(name := _safe(path, info.filename)):
                continue
            if info.is_dir():
                folders.append(name)
                continue
            if info.flag_bits & 1:
                raise DataError(f"{path} is encrypted ({name}): unpack it and give the folder")
            _check_size(path, name, info.file_size, info.compress_size)
            if name in self._members:
                raise DataError(f"{path} holds two files of the name {name}: keep one")
            self._members[name] = info
        files = {name: Entry(info.file_size, stamp) for name, info in sorted(self._members.items())}
        _check_count(path, len(files))
        super().__init__(path, files, folders=folders)

    def read(self, name: str) -> bytes:
        info = self._members[name]
        try:
            with self._zip.open(info) as stream:  # stops at the announced size, and checks the sum
                return stream.read()
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise DataError(f"{self.title(name)}: a damaged member of a ZIP archive ({error})") from error


class Tar(Place):
    """A TAR archive, packed or not, read in place."""

    def __init__(self, path: Path) -> None:
        self._members: dict[str, tarfile.TarInfo] = {}
        folders: list[str] = []
        links, stamp, packed = 0, path.stat().st_mtime_ns, path.stat().st_size
        total = 0
        try:
            self._tar = tarfile.open(path)  # noqa: SIM115 (it stays open as long as the place is used)
            for info in self._tar:
                if is_junk(name := _safe(path, info.name)):
                    continue
                if not info.isreg():
                    links += not info.isdir()
                    folders += [name] * info.isdir()
                    continue
                total += info.size
                _check_size(path, name, total, packed)
                self._members[name] = info
                _check_count(path, len(self._members))
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise DataError(f"{path} is a damaged TAR archive ({error}): put it back from a copy") from error
        notes = [f"{links:,} links and devices in {path.name} were passed over: copy the files in"] if links else []
        super().__init__(
            path, {n: Entry(info.size, stamp) for n, info in sorted(self._members.items())}, notes, folders
        )

    def read(self, name: str) -> bytes:
        return next(self.read_all([name]))[1]

    def read_all(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        for name in sorted(names, key=lambda name: self._members[name].offset):  # a packed stream goes forward alone
            try:
                stream = self._tar.extractfile(self._members[name])
                assert stream is not None  # of a regular file
                content = stream.read()
            except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
                raise DataError(f"{self.title(name)}: a damaged member of a TAR archive ({error})") from error
            yield name, content


def open_place(path: Path) -> Place:
    """The folder, archive or file at a path. Raises DataError where there is none, or where it cannot be read."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return Folder(path)
        if not stat.S_ISREG(mode):
            raise DataError(f"{path} is neither a folder nor a file: expected images of your own there")
        name = path.name.lower()
        if name.endswith(".zip"):
            return Zip(path)
        if name.endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")):
            return Tar(path)
        return SingleFile(path)
    except FileNotFoundError:
        raise DataError(f"there is no folder or file {path}: expected images of your own there") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read ({reason}): give access to it, or copy it") from error


def is_junk(name: str) -> bool:
    """Whether any step of a name is hidden, or is what a system leaves beside images."""
    return any(step.startswith(".") or step.casefold() in JUNK for step in name.split("/"))


def _safe(path: Path, name: str) -> str:
    """A member's name, without "./" in front. Raises DataError where it leads out of the archive."""
    steps = PurePosixPath(name.replace("\\", "/")).parts
    if not steps or steps[0] == "/" or ".." in steps or ":" in steps[0] or "\0" in name:
        raise DataError(f"{path} holds the name {name!r}, which leads out of the archive: pack it anew without")
    return "/".join(steps)


def _check_size(path: Path, name: str, size: int, packed: int) -> None:
    ratio = size > RATIO_FROM and size > MOST_RATIO * max(1, packed)
    if ratio or (path.suffix == ".zip" and size > MOST_MEMBER_BYTES):
        raise DataError(
            f"{path}: {name} would unpack to {size:,} bytes from {packed:,}: expected images, got what looks like a "
            "decompression bomb. If it is none, unpack it yourself and give the folder"
        )


def _check_count(path: Path, count: int) -> None:
    if count > MOST_FILES:
        raise DataError(f"{path} holds more than {MOST_FILES:,} files: expected at most 1,000,000 images")


def _walk(root: Path, folders: list[str]) -> Iterator[tuple[str, Entry]]:
    """Every file below a folder by its relative name, and the names of folders into `folders`; links are followed, and
    a folder is entered once."""
    waiting, seen, count = [(str(root), "")], set[tuple[int, int]](), 0
    while waiting:
        folder, prefix = waiting.pop()
        known = Path(folder).stat()
        if (known.st_dev, known.st_ino) in seen and known.st_ino:
            continue
        seen.add((known.st_dev, known.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_junk(entry.name):
                    continue
                name = prefix + _written(root, entry.name)
                if entry.is_dir():
                    folders.append(name)
                    waiting.append((entry.path, f"{name}/"))
                elif entry.is_file():
                    count += 1
                    _check_count(root, count)
                    yield name, _entry(entry.stat())


def _written(root: Path, name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise DataError(f"{root} holds a name that is not UTF-8, {name!r}: rename it") from None
    return name


def _entry(facts: os.stat_result) -> Entry:
    return Entry(facts.st_size, facts.st_mtime_ns)


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
