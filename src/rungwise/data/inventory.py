"""What the commands ``rungwise data list``, ``check`` and ``fetch`` show, as plain data."""

from dataclasses import dataclass
from pathlib import Path

from rungwise.data.catalogue import CATALOGUE, nearest
from rungwise.data.contents import Progress, read
from rungwise.data.digits import load_digits
from rungwise.data.errors import DataError
from rungwise.data.load import obtain
from rungwise.data.locate import locate

BUNDLED = "scikit-learn"


@dataclass(frozen=True)
class Status:
    """One data set of the catalogue, and where it is on this machine."""

    name: str
    found: str | None
    """The places that have some of its files, as "RUNGWISE_DATA (/data/mnist)"; None where none has."""
    complete: bool
    """Whether every file is there; its content is looked at by `check` only."""
    licence: str
    train_images: int
    test_images: int
    classes: int


@dataclass(frozen=True)
class Check:
    """One file, or what stands for it where the images come with a library."""

    file: str
    path: Path | None
    fault: str | None
    """What is wrong with it; None where it is right."""


def status() -> list[Status]:
    """Every data set, in the catalogue's order. Raises `DataError` where RUNGWISE_DATA names no folder."""
    return [_status(name) for name in CATALOGUE]


def check(name: str) -> list[Check]:
    """Verifies the checksum of every file of one data set; downloads nothing."""
    _known(name)
    if not CATALOGUE[name].files:
        return [_check_bundled()]
    result = []
    for file in CATALOGUE[name].files:
        found = locate(name, file)
        fault = None
        if found is None:
            fault = "not on this machine"
        else:
            try:
                read(found.path, file)
            except DataError as error:
                fault = str(error)
        result.append(Check(file.name, found.path if found else None, fault))
    return result


def fetch(name: str, progress: Progress | None = None) -> None:
    """Downloads what is missing into the cache, and replaces what is wrong there. Raises `DataError`."""
    _known(name)
    for file in CATALOGUE[name].files:
        obtain(name, file, offline=False, progress=progress)


def _status(name: str) -> Status:
    entry = CATALOGUE[name]
    found = [found for file in entry.files if (found := locate(name, file)) is not None]
    where = dict.fromkeys(f"{one.place.title} ({one.place.folder})" for one in found)
    return Status(
        name=name,
        found=(", ".join(where) or None) if entry.files else BUNDLED,
        complete=len(found) == len(entry.files),
        licence=entry.licence,
        train_images=entry.train_images,
        test_images=entry.test_images,
        classes=len(entry.classes),
    )


def _check_bundled() -> Check:
    try:
        load_digits()
    except DataError as error:
        return Check(BUNDLED, None, str(error))
    return Check(BUNDLED, None, None)


def _known(name: str) -> None:
    if name not in CATALOGUE:
        raise DataError(f"no data set is called {name!r}; {nearest(name, CATALOGUE)}")
