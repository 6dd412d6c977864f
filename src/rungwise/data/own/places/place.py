"""Where own data is: a folder, an archive or a single file, all seen as named files that can be read.

Nothing is ever unpacked to the disk, and nothing of an archive decides where something is written.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rungwise.data.errors import DataError

JUNK = {"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"}
"""What systems leave beside images, in lower case; so is everything whose name begins with a dot."""
DRIVE = re.compile("[A-Za-z]:")
MOST_FILES = 2_000_000
"""Of a data set: more than a million images, and what may lie beside them."""


@dataclass(frozen=True)
class Entry:
    """One file of a place."""

    size: int
    """Bytes, unpacked."""
    stamp: int
    """When it was last changed, in nanoseconds; of an archive's member: when the archive was."""


class Place(ABC):
    """Named files that can be read. Names are relative, with "/" between their steps."""

    single = False
    """Whether it is one file by itself, the name of which says nothing of its content."""

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
    def stream(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """One file, to be read from its beginning. Raises DataError, which names it, also while it is read."""

    def read(self, name: str) -> bytes:
        """The content of one file. Raises DataError, which names it."""
        with self.stream(name) as stream:
            return stream.read()

    def begin(self, name: str, count: int) -> bytes:
        """The first bytes of one file. Raises DataError, which names it."""
        with self.stream(name) as stream:
            return stream.read(count)

    def in_order(self, names: Collection[str]) -> list[str]:
        """Some files in the order in which they are read soonest."""
        return list(names)

    def read_all(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """The contents of some files, in the order in which they are read soonest."""
        for name in self.in_order(names):
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

    def stream(self, name: str) -> AbstractContextManager[IO[bytes]]:
        return self._place.stream(self._prefix + name)

    def read(self, name: str) -> bytes:
        return self._place.read(self._prefix + name)

    def in_order(self, names: Collection[str]) -> list[str]:
        inner = self._place.in_order([self._prefix + name for name in names])
        return [name.removeprefix(self._prefix) for name in inner]

    def on_disk(self, name: str) -> Path | None:
        return self._place.on_disk(self._prefix + name)

    def title(self, name: str) -> str:
        return self._place.title(self._prefix + name)


def is_junk(name: str) -> bool:
    """Whether any step of a name is hidden, or is what a system leaves beside images."""
    return any(step.startswith(".") or step.casefold() in JUNK for step in name.split("/"))


def safe_name(path: Path, name: str) -> str:
    """The name of an archive's member, without "./" in front; "" for the archive's own folder.

    Raises DataError where it leads out of the archive.
    """
    check_name(path, name)
    plain = name.replace("\\", "/")
    steps = [step for step in plain.split("/") if step not in ("", ".")]
    if plain.startswith("/") or ".." in steps or DRIVE.match(plain) or "\0" in name:
        raise DataError(f"{path} holds the name {name!r}, which leads out of the archive: pack it anew without")
    return "/".join(steps)


def check_name(path: Path, name: str) -> None:
    """Raise DataError where a name is no text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise DataError(f"{path} holds a name that is not UTF-8, {name!r}: rename it") from None


def check_count(path: Path, count: int) -> None:
    """Raise DataError where there are more files than a data set may have."""
    if count > MOST_FILES:
        raise DataError(f"{path} holds more than {MOST_FILES:,} files: expected at most 1,000,000 images")
