"""What the commands ``rungwise data list``, ``check`` and ``fetch`` show, as plain data."""

from dataclasses import dataclass
from pathlib import Path

from rungwise.data.errors import DataError
from rungwise.data.files.contents import Progress, read
from rungwise.data.files.known import File
from rungwise.data.files.locate import Found, locate
from rungwise.data.files.obtain import obtain, read_archived, refused_pickles
from rungwise.data.sources.catalogue import find_source, source_names
from rungwise.data.sources.source import Source

UNVERIFIABLE = "checked by shape only: no published checksum of the unpacked file"


@dataclass(frozen=True)
class Status:
    """One data set that is known by name, and where it is on this machine."""

    name: str
    found: str | None
    """The locations that have some of its files, as "RUNGWISE_DATA (/data/mnist)"; None where none has."""
    complete: bool
    """Whether every file is there; its content is looked at by `check` only."""
    licence: str
    train_images: int
    test_images: int
    classes: int
    image: tuple[int, int, int] = (0, 0, 0)
    """(C, H, W)."""
    fault: str | None = None
    """Why a data set of another package cannot be used."""


@dataclass(frozen=True)
class Check:
    """One file, or what stands for it where the images come with a library or are made."""

    file: str
    path: Path | None
    fault: str | None
    """What is wrong with it; None where it is right."""
    note: str = ""
    """What a right one was held against, if not a published checksum."""


def status() -> list[Status]:
    """Every data set, ours first. Raises `DataError` where RUNGWISE_DATA names no folder."""
    return [_named_status(name) for name in source_names()]


def check(name: str) -> list[Check]:
    """Verifies the checksum of every file of one data set, and of images made from them; downloads nothing.

    Where no checksum is published of a file as it is here, the images are compared with what is known of them.
    """
    source = find_source(name)
    checks = _check_files(source.files)
    sound = not any(one.fault for one in checks)
    if source.origin and sound:
        checks.append(_check_images(source, source.origin))
    elif sound and any(one.note for one in checks):
        checks.append(_check_images(source, "shapes, labels and images of each class"))
    return checks


def fetch(name: str, progress: Progress | None = None) -> None:
    """Downloads what is missing into the cache, and replaces what is wrong there. Raises `DataError`."""
    for file in find_source(name).files:
        obtain([file], offline=False, progress=progress)


def _named_status(name: str) -> Status:
    try:
        source = find_source(name)
    except DataError as error:
        return Status(name, None, False, "", 0, 0, 0, fault=str(error))
    return _status(source)


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
        image=facts.image,
    )


def _check_files(files: tuple[File, ...]) -> list[Check]:
    """In the order of the files; those in one archive are read together."""
    places = {file: locate(file) for file in files}
    checks: dict[File, Check] = {}
    for file, found in places.items():
        if found is None:
            checks[file] = Check(
                file.name, None, " ".join(["not on this machine.", refused_pickles(file)]).rstrip(" .")
            )
        elif found.archived and file not in checks:
            mates = tuple(other for other, place in places.items() if place == found)
            checks |= _check_archived(found, mates)
        elif not found.archived:
            checks[file] = _check_file(file, found)
    return [checks[file] for file in files]


def _check_file(file: File, found: Found) -> Check:
    try:
        verified = read(found.path, file).verified
    except DataError as error:
        return Check(file.name, found.path, str(error))
    return Check(file.name, found.path, None, "" if verified else UNVERIFIABLE)


def _check_archived(found: Found, files: tuple[File, ...]) -> dict[File, Check]:
    try:
        read_archived(found.path, files)
    except DataError as error:
        return {file: Check(file.name, found.path, str(error)) for file in files}
    return {file: Check(file.name, found.path, None) for file in files}


def _check_images(source: Source, what: str) -> Check:
    """Of images that no checksum of a file vouches for: loading them compares them with what is known."""
    try:
        source.load(offline=True)
    except DataError as error:
        return Check(what, None, str(error))
    return Check(what, None, None)
