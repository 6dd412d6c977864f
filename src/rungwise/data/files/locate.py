"""Where a data set's files may be, in the order in which they are looked for."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from rungwise.data.errors import DataError
from rungwise.data.files.known import File
from rungwise.files import check_regular

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
    result = [Location(CACHE, folder)] if (folder := cache(name)).is_absolute() else []
    if own := os.environ.get(VARIABLE):
        result.insert(0, Location(VARIABLE, _own(own) / name))
    if name in DEBIAN:
        result.append(Location(f"dataset-{name}", DEBIAN[name]))
    return result


def _own(value: str) -> Path:
    """The user's own folder. Raises `DataError` where there is none, or where it may not be looked into."""
    try:
        folder = Path(value).expanduser()
        if folder.is_dir():
            return folder
        fault = "which is no folder"
    except (RuntimeError, ValueError):  # there is no such user, or no such name
        fault = "which is no folder"
    except OSError as error:
        fault = f"a folder that cannot be looked into ({error.strerror})"
    raise DataError(f"{VARIABLE} is {value!r}, {fault}: correct it, or unset it")


def cache(name: str) -> Path:
    """The folder that downloads of one data set are written to; it need not exist. Relative where the user has no home
    folder: then nothing may be kept there."""
    return platformdirs.user_cache_path("rungwise") / "data" / name


def locate(file: File) -> Found | None:
    """The first location that has the file, plain or gzipped.

    Raises `DataError` where something else is in its place, as a folder or a FIFO, or where nobody may look.
    """
    for location in locations(file.source):
        for path in (location.folder / file.name, location.folder / f"{file.name}.gz"):
            if _is_there(path):
                return Found(location, path)
    return None


def _is_there(path: Path) -> bool:
    try:
        check_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        if not path.is_symlink():
            return False
        fault = "is a link that leads nowhere"
    except OSError as error:
        fault = f"cannot be read: {error.strerror}"
    else:
        return True
    raise DataError(f"{path} {fault}. Put the right file there, or remove it to have it looked for elsewhere.")
