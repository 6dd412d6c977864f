"""Folders and single files on the disk as places."""

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rungwise.data.errors import DataError
from rungwise.data.own.places.place import Entry, Place, check_count, check_name, is_junk


class Disk(Place):
    """Files on the disk, each where `on_disk` says."""

    def on_disk(self, name: str) -> Path:
        return self.path / name

    def title(self, name: str) -> str:
        return str(self.on_disk(name))

    @contextmanager
    def stream(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self.on_disk(name).open("rb") as stream:
                yield stream
        except OSError as error:
            raise DataError(f"{self.title(name)} cannot be read ({error.strerror or error})") from error

    def read(self, name: str) -> bytes:
        try:
            return self.on_disk(name).read_bytes()
        except OSError as error:
            raise DataError(f"{self.title(name)} cannot be read ({error.strerror or error})") from error


class Folder(Disk):
    """A folder on the disk, with all folders in it. Links are followed, but no folder is entered twice."""

    def __init__(self, path: Path) -> None:
        walk = _Walk(path)
        super().__init__(path, dict(sorted(walk.files.items())), walk.notes(), sorted(walk.folders))


class SingleFile(Disk):
    """One file on the disk."""

    single = True

    def __init__(self, path: Path) -> None:
        super().__init__(path, {path.name: _entry(path.stat())})

    def on_disk(self, name: str) -> Path:
        return self.path


class Siblings(Disk):
    """The files of one folder that end as a file does, without the folders in it; messages name the file."""

    def __init__(self, path: Path) -> None:
        found = sorted(one for one in path.parent.iterdir() if one.suffix == path.suffix and one.is_file())
        super().__init__(path, {one.name: _entry(one.stat()) for one in found if not is_junk(one.name)})

    def on_disk(self, name: str) -> Path:
        return self.path.parent / name


@dataclass
class _Walk:
    """What is in a folder. Folders are entered before links to folders, so that it depends on names alone which of two
    ways into the same folder is taken."""

    root: Path
    files: dict[str, Entry] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        waiting, linked = deque([(str(self.root), "")]), deque[tuple[str, str]]()
        seen = set[tuple[int, int]]()
        while waiting or linked:
            folder, prefix = (waiting or linked).popleft()
            facts = Path(folder).stat()
            if (facts.st_dev, facts.st_ino) in seen and facts.st_ino:
                self.again.append(prefix)
                continue
            seen.add((facts.st_dev, facts.st_ino))
            if prefix:
                self.folders.append(prefix.removesuffix("/"))
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if not is_junk(entry.name):
                        self._take(entry, prefix, linked if entry.is_symlink() else waiting)

    def _take(self, entry: "os.DirEntry[str]", prefix: str, folders: deque[tuple[str, str]]) -> None:
        check_name(self.root, entry.name)
        name = prefix + entry.name
        try:
            if entry.is_dir():
                folders.append((entry.path, f"{name}/"))
            elif entry.is_file():
                self.files[name] = _entry(entry.stat())
                check_count(self.root, len(self.files))
            elif entry.is_symlink():
                self.broken.append(name)
        except OSError:
            if not entry.is_symlink():
                raise
            self.broken.append(name)  # it leads to itself

    def notes(self) -> list[str]:
        found = [f"{name} is a link that leads nowhere" for name in self.broken[:1]]
        if len(self.broken) > 1:
            found = [f"{len(self.broken):,} links lead nowhere, as {self.broken[0]}"]
        return found + [f"{name} is a folder that was entered by another way: passed over" for name in self.again]


def _entry(facts: os.stat_result) -> Entry:
    return Entry(facts.st_size, facts.st_mtime_ns)
