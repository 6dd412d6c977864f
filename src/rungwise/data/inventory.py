"""What the commands ``rungwise data list``, ``check`` and ``fetch`` show, as plain data."""

from dataclasses import dataclass
from pathlib import Path

from rungwise.data.errors import DataError
from rungwise.data.files.contents import Progress, read
from rungwise.data.files.locate import locate
from rungwise.data.load import load, obtain
from rungwise.data.sources.catalogue import CATALOGUE, origin
from rungwise.errors import nearest

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
    """One file, or what stands for it where the images come with a library or are made."""

    file: str
    path: Path | None
    fault: str | None
    """What is wrong with it; None where it is right."""


def status() -> list[Status]:
    """Every data set, in the catalogue's order. Raises `DataError` where RUNGWISE_DATA names no folder."""
    return [_status(name) for name in CATALOGUE]


def check(name: str) -> list[Check]:
    """Verifies the checksum of every file of one data set, and of images made from them; downloads nothing."""
    _known(name)
    source = origin(name)
    files = CATALOGUE[source].files
    if not files:
        return [_check_images(name, BUNDLED)]
    result = []
    for file in files:
        found = locate(source, file)
        fault = None
        if found is None:
            fault = "not on this machine"
        else:
            try:
                read(found.path, file)
            except DataError as error:
                fault = str(error)
        result.append(Check(file.name, found.path if found else None, fault))
    if source != name and not any(one.fault for one in result):
        result.append(_check_images(name, f"images made from {source}"))
    return result


def fetch(name: str, progress: Progress | None = None) -> None:
    """Downloads what is missing into the cache, and replaces what is wrong there. Raises `DataError`."""
    _known(name)
    source = origin(name)
    for file in CATALOGUE[source].files:
        obtain(source, file, offline=False, progress=progress)


def _status(name: str) -> Status:
    entry, source = CATALOGUE[name], origin(name)
    files = CATALOGUE[source].files
    found = [found for file in files if (found := locate(source, file)) is not None]
    where = dict.fromkeys(f"{one.place.title} ({one.place.folder})" for one in found)
    return Status(
        name=name,
        found=(", ".join(where) or None) if files else BUNDLED,
        complete=len(found) == len(files),
        licence=entry.licence,
        train_images=entry.train_images,
        test_images=entry.test_images,
        classes=len(entry.classes),
    )


def _check_images(name: str, what: str) -> Check:
    """Of images that are not read from files as they are: loading them compares their checksums."""
    try:
        load(name, offline=True)
    except DataError as error:
        return Check(what, None, str(error))
    return Check(what, None, None)


def _known(name: str) -> None:
    if name not in CATALOGUE:
        raise DataError(f"no data set is called {name!r}; {nearest(name, CATALOGUE)}")
