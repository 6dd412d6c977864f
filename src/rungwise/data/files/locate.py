"""Where a data set's files may be, in the order in which they are looked for."""

import os
from collections.abc import Iterator
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
LAYOUTS = {
    "mnist": ("MNIST/raw",),
    "fashion-mnist": ("FashionMNIST/raw",),
    "kmnist": ("KMNIST/raw",),
    "emnist": ("emnist/gzip", "EMNIST/raw", "EMNIST/raw/gzip"),
    "cifar10": ("cifar10/cifar-10-batches-bin", "cifar-10-batches-bin", ""),
}
"""Where they also are below the user's own folder: as torchvision lays them out, and as their archives unpack."""
PICKLED = {"cifar10": ("cifar-10-batches-py", "cifar-10-python.tar.gz")}
"""What torchvision keeps instead of the files: pickles, which may run any code when they are read."""


@dataclass(frozen=True)
class Location:
    """A folder that may hold a data set's files."""

    title: str
    """`VARIABLE`, `CACHE`, or the name of a Debian package."""
    folder: Path


@dataclass(frozen=True)
class Found:
    """A known file that is there, or the archive that has it; its content has not been looked at."""

    location: Location
    path: Path
    archived: bool = False


def locations(name: str) -> list[Location]:
    """The folders to look into for one data set. Raises `DataError` where `VARIABLE` names no folder."""
    result = []
    if own := _own():
        result = [Location(VARIABLE, own / name)]
        result += [Location(VARIABLE, own / layout) for layout in LAYOUTS.get(name, ())]
    if (folder := cache(name)).is_absolute():
        result.append(Location(CACHE, folder))
    if name in DEBIAN:
        result.append(Location(f"dataset-{name}", DEBIAN[name]))
    return result


def _own() -> Path | None:
    """The user's own folder. Raises `DataError` where it is none, or where it may not be looked into."""
    value = os.environ.get(VARIABLE)
    if not value:
        return None
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
    """The first location that has the file, plain, gzipped or in its archive.

    Raises `DataError` where something else is in its place, as a folder or a FIFO, or where nobody may look.
    """
    for location in locations(file.folder):
        for name, archived in _names(file):
            if _is_there(path := location.folder / name):
                return Found(location, path, archived)
    return None


def _names(file: File) -> Iterator[tuple[str, bool]]:
    """What may hold the file, and whether that is an archive: first what a published checksum can be compared with."""
    plain, packed = (file.name, False), (f"{file.name}.gz", False)
    archive = [(file.archive.name, True)] if file.archive else []
    yield from (plain, packed, *archive) if file.verifiable else (packed, *archive, plain)


def pickles(file: File) -> Path | None:
    """The pickles that the user has where the file is missing; they are not read."""
    own = _own()
    if own is None:
        return None
    paths = (own / place / name for name in PICKLED.get(file.folder, ()) for place in (file.folder, ""))
    return next((path for path in paths if path.exists()), None)


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
