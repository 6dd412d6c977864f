"""What the commands ``rungwise data list``, ``check`` and ``fetch`` show, as plain data."""

from dataclasses import dataclass
from pathlib import Path

from rungwise.data.errors import DataError
from rungwise.data.files.contents import Progress, read
from rungwise.data.files.known import File
from rungwise.data.files.locate import locate
from rungwise.data.files.obtain import obtain
from rungwise.data.sources.catalogue import CATALOGUE, find_source
from rungwise.data.sources.source import Source


@dataclass(frozen=True)
class Status:
    """One data set of the catalogue, and where it is on this machine."""

    name: str
    found: str | None
    """The locations that have some of its files, as "RUNGWISE_DATA (/data/mnist)"; None where none has."""
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
    return [_status(source) for source in CATALOGUE.values()]


def check(name: str) -> list[Check]:
    """Verifies the checksum of every file of one data set, and of images made from them; downloads nothing."""
    source = find_source(name)
    checks = [_check_file(file) for file in source.files]
    if source.origin and not any(one.fault for one in checks):
        checks.append(_check_images(source))
    return checks


def fetch(name: str, progress: Progress | None = None) -> None:
    """Downloads what is missing into the cache, and replaces what is wrong there. Raises `DataError`."""
    for file in find_source(name).files:
        obtain(file, offline=False, progress=progress)


def _status(source: Source) -> Status:
    found = [found for file in source.files if (found := locate(file)) is not None]
    where = dict.fromkeys(f"{one.location.title} ({one.location.folder})" for one in found)
    facts = source.facts
    return Status(
        name=facts.name,
        found=(", ".join(where) or None) if source.files else source.origin,
        complete=len(found) == len(source.files),
        licence=facts.licence,
        train_images=facts.train_images,
        test_images=facts.test_images,
        classes=len(facts.classes),
    )


def _check_file(file: File) -> Check:
    found = locate(file)
    if found is None:
        return Check(file.name, None, "not on this machine")
    try:
        read(found.path, file)
    except DataError as error:
        return Check(file.name, found.path, str(error))
    return Check(file.name, found.path, None)


def _check_images(source: Source) -> Check:
    """Of images that are not those of files as they are: loading them compares their checksums."""
    try:
        source.load(offline=True)
    except DataError as error:
        return Check(source.origin, None, str(error))
    return Check(source.origin, None, None)
