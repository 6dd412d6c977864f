"""Downloads into the cache: several mirrors in turn, checked before anything is kept."""

import logging
from pathlib import Path
from typing import Protocol

import filelock
import pooch

from rungwise.data.errors import DataError
from rungwise.data.files.archives import Arrival, read_members
from rungwise.data.files.contents import Contents, Progress, read, unpacked
from rungwise.data.files.known import Archive, File, members
from rungwise.files import write_atomically

logger = logging.getLogger(__name__)

TIMEOUT_S = 30
"""How long a mirror may say nothing."""


class Receiver(Protocol):
    """What a download is written to."""

    def write(self, chunk: bytes) -> int: ...

    def flush(self) -> None: ...


def fetch(file: File, folder: Path, progress: Progress | None = None) -> bytearray:
    """The uncompressed bytes of one file, from its first good mirror; they are also kept in `folder`.

    Two processes may ask for the same file at once: one downloads it, the other waits and reads it. Raises
    `DataError` with every mirror's fault where none is good.
    """
    if not folder.is_absolute():
        raise DataError(
            "there is no home folder to keep downloads in: set HOME or XDG_CACHE_HOME to a folder, or RUNGWISE_DATA to "
            "one that has the files"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / f".{file.name}.lock"):
            content = _kept(file, folder)  # whoever held the lock has fetched it
            return _from_mirrors(file, folder, progress) if content is None else content
    except OSError as error:
        raise DataError(
            f"downloads are kept in {folder}, which cannot be written to ({error.strerror}): make room or "
            "give access there, or set RUNGWISE_DATA to a folder that has the files"
        ) from error


def _kept(file: File, folder: Path) -> bytearray | None:
    try:
        return read(folder / file.kept_name, file).content
    except DataError:
        return None


def _from_mirrors(file: File, folder: Path, progress: Progress | None) -> bytearray:
    faults: list[str] = []
    for mirror in file.mirrors:
        url = f"{mirror.rstrip('/')}/{file.name}.gz"
        try:
            return _keep(_download(url, file, progress), file, folder)
        except DataError as error:
            _note(faults, url, error)
    if file.archive is not None:
        return _from_archive(file, file.archive, folder, progress, faults)
    raise _unobtainable(file.name, f"{file.name}.gz", faults, folder)


def _download(url: str, file: File, progress: Progress | None) -> Contents:
    contents = Contents(file, progress, keep=True)
    _receive(url, contents)
    contents.finish()
    if not contents.verified:
        raise DataError("it arrives unpacked, and a checksum is published of the gzip file only")
    return contents


def _keep(contents: Contents, file: File, folder: Path) -> bytearray:
    """Written as it can be verified again: gzipped, if a checksum is published of the gzip file only."""
    write_atomically(folder / file.kept_name, contents.content if file.verifiable else contents.published)
    return contents.content


def _from_archive(
    file: File, archive: Archive, folder: Path, progress: Progress | None, faults: list[str]
) -> bytearray:
    """Fetches the archive and keeps all known files that are in it, not the archive."""
    with filelock.FileLock(folder / f".{archive.name}.lock"):
        content = _kept(file, folder)
        if content is not None:
            return content
        for url in archive.mirrors:
            try:
                return _through(folder / f".{archive.name}.part", url, file, archive, progress)
            except DataError as error:
                _note(faults, url, error)
    raise _unobtainable(file.name, archive.name, faults, folder)


def _through(path: Path, url: str, file: File, archive: Archive, progress: Progress | None) -> bytearray:
    """The bytes of one file, by way of its archive at `path`, which is removed again."""
    try:
        with path.open("wb") as stream:
            arrival = Arrival(archive, stream, progress)
            _receive(url, arrival)
            arrival.finish()
        return _unpack(file, archive, path)
    finally:
        path.unlink(missing_ok=True)


def _unpack(file: File, archive: Archive, path: Path) -> bytearray:
    """Keeps the known files of an archive beside it, and gives the bytes of one."""
    files = tuple(dict.fromkeys((file, *members(archive))))
    packed = read_members(path, archive, {one.member: one.most_bytes for one in files})
    content = bytearray()
    for one in files:
        contents = unpacked(one, packed.pop(one.member), keep=True)
        kept = _keep(contents, one, path.parent)
        content = kept if one == file else content
    return content


def _receive(url: str, receiver: Receiver) -> None:
    """Hands over what is at an address. Raises `DataError` where it cannot be had, and OSError where the receiver's
    disk fails."""
    # Where a server takes the gzip for an encoding of the transfer, it arrives undone: plain is accepted.
    headers = {"Accept-Encoding": "identity"}
    get = pooch.HTTPDownloader(chunk_size=1 << 16, timeout=TIMEOUT_S, headers=headers)
    try:
        get(url, receiver, None)
    except OSError as error:  # as are all of requests' own
        if getattr(receiver, "disk_failed", False):
            raise
        raise DataError(_reason(error)) from error


def _note(faults: list[str], url: str, error: DataError) -> None:
    faults.append(f"{url}: {error}")
    logger.warning("%s", faults[-1])


def _unobtainable(name: str, wanted: str, faults: list[str], folder: Path) -> DataError:
    return DataError(
        f"{name} cannot be downloaded:\n"
        + "".join(f"  {fault}\n" for fault in faults)
        + f"Try again later, or put {wanted} into a folder called {folder.name!r}, set RUNGWISE_DATA "
        "to the folder around it and use --offline. The data set 'digits' needs no download."
    )


def _reason(error: OSError) -> str:
    """What went wrong, without the layers of libraries that it came through."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answers {response.status_code} {response.reason}"
    origin: BaseException = error
    while origin.__context__ is not None:
        origin = origin.__context__
    return f"no connection, or it broke off ({origin})"
