"""Known files' bytes, from this machine or a mirror."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from rungwise.data.errors import DataError
from rungwise.data.files.archives import read_members
from rungwise.data.files.contents import Progress, Reading, read, unpacked
from rungwise.data.files.fetch import fetch
from rungwise.data.files.known import File
from rungwise.data.files.locate import CACHE, VARIABLE, cache, locate, pickles

logger = logging.getLogger(__name__)


def obtain(files: Iterable[File], *, offline: bool, progress: Progress | None = None) -> dict[str, bytearray]:
    """The uncompressed bytes of files by their names. A wrong file is an error, but in the cache it is replaced."""
    contents: dict[str, bytearray] = {}
    files = tuple(files)
    for file in files:
        if file.name not in contents:
            missing = [other for other in files if other.name not in contents]
            contents |= _obtain(file, missing, offline=offline, progress=progress)
    return contents


def read_archived(path: Path, files: Sequence[File]) -> dict[str, Reading]:
    """Files that are in the archive at `path`, read in one pass. Raises `DataError` with what is wrong."""
    archive = files[0].archive
    assert archive is not None
    members = read_members(path, archive, {file.member: file.most_bytes for file in files})
    readings = {}
    for file in files:
        contents = unpacked(file, members.pop(file.member))
        readings[file.name] = Reading(contents.content, contents.verified)
    return readings


def _obtain(file: File, missing: list[File], *, offline: bool, progress: Progress | None) -> dict[str, bytearray]:
    """The file, and others of those `missing` that its archive has."""
    found = locate(file)
    if found is None:
        return {file.name: _download(file, offline=offline, progress=progress)}
    try:
        if not found.archived:
            return {file.name: read(found.path, file).content}
        mates = [other for other in missing if locate(other) == found]
        return {name: one.content for name, one in read_archived(found.path, mates).items()}
    except DataError as error:
        if found.location.title != CACHE or offline:
            raise DataError(
                f"{found.path} is {error}. Replace it, or remove it to have it looked for elsewhere or downloaded."
            ) from error
        logger.warning("%s is %s; it is fetched anew", found.path, error)
    return {file.name: fetch(file, cache(file.folder), progress)}


def _download(file: File, *, offline: bool, progress: Progress | None) -> bytearray:
    refused = refused_pickles(file)
    if offline:
        raise DataError(
            f"{file.source}: {file.name} is not on this machine, and downloads are off. {refused}Run "
            f"`rungwise data fetch {file.source}` where there is a network, or put the files into a folder called "
            f"{file.folder!r} and set {VARIABLE} to the folder around it."
        )
    if refused:
        logger.warning("%s", refused.rstrip())
    return fetch(file, cache(file.folder), progress)


def refused_pickles(file: File) -> str:
    """Why what the user has in place of the file is not read, and what to get; empty where there is nothing."""
    path = pickles(file)
    if path is None or file.archive is None:
        return ""
    return (
        f"{path} has Python pickles, which may run any code when they are read, and is left alone: the binary version "
        f"is needed, {file.archive.mirrors[0]}. "
    )
