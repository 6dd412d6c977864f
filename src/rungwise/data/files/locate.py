"""Where a data set's files may be, in the order in which they are looked for."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from rungwise.data.errors import DataError
from rungwise.data.files.known import File

VARIABLE = "RUNGWISE_DATA"
"""The environment variable that names the user's own folder, with one folder per data set in it."""
CACHE = "cache"
DEBIAN = {"fashion-mnist": Path("/usr/share/datasets/fashion-mnist")}
"""Where Debian's ``dataset-*`` packages put their files."""


@dataclass(frozen=True)
class Location:
    """A folder that may hold a data set's files."""

    title: str
    """`VARIABLE`, `CACHE`, or the name of a Debian package."""
    folder: Path


@dataclass(frozen=True)
class Found:
    """A known file that is there; its content has not been looked at."""

    location: Location
    path: Path


def locations(name: str) -> list[Location]:
    """The folders to look into for one data set. Raises `DataError` where `VARIABLE` names no folder."""
    result = [Location(CACHE, cache(name))]
    if own := os.environ.get(VARIABLE):
        folder = Path(own).expanduser()
        if not folder.is_dir():
            raise DataError(f"{VARIABLE} is {own!r}, which is no folder: correct it, or unset it")
        result.insert(0, Location(VARIABLE, folder / name))
    if name in DEBIAN:
        result.append(Location(f"dataset-{name}", DEBIAN[name]))
    return result


def cache(name: str) -> Path:
    """The folder that downloads of one data set are written to; it need not exist."""
    return platformdirs.user_cache_path("rungwise") / "data" / name


def locate(file: File) -> Found | None:
    """The first location that has the file, plain or gzipped."""
    for location in locations(file.source):
        for path in (location.folder / file.name, location.folder / f"{file.name}.gz"):
            if path.is_file():
                return Found(location, path)
    return None
