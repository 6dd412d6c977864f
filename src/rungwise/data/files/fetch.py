"""Downloads into the cache: several mirrors in turn, checked before anything is kept."""

import logging
from pathlib import Path

import filelock
import pooch

from rungwise.data.errors import DataError
from rungwise.data.files.contents import Contents, Progress, read
from rungwise.data.files.known import File
from rungwise.files import write_atomically

logger = logging.getLogger(__name__)

TIMEOUT_S = 30
"""How long a mirror may say nothing."""


def fetch(file: File, folder: Path, progress: Progress | None = None) -> bytearray:
    """The uncompressed bytes of one file, from its first good mirror; they are also kept in `folder`.

    Two processes may ask for the same file at once: one downloads it, the other waits and reads it. Raises
    `DataError` with every mirror's fault where none is good.
    """
    path = folder / file.name
    if not folder.is_absolute():
        raise DataError(
            "there is no home folder to keep downloads in: set HOME or XDG_CACHE_HOME to a folder, or RUNGWISE_DATA to "
            "one that has the files"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / f".{file.name}.lock"):
            content = _kept(path, file)  # whoever held the lock has fetched it
            if content is None:
                content = _from_mirrors(file, folder, progress)
                write_atomically(path, content)
    except OSError as error:
        raise DataError(
            f"downloads are kept in {folder}, which cannot be written to ({error.strerror}): make room or "
            "give access there, or set RUNGWISE_DATA to a folder that has the files"
        ) from error
    return content


def _kept(path: Path, file: File) -> bytearray | None:
    try:
        return read(path, file)
    except DataError:
        return None


def _from_mirrors(file: File, folder: Path, progress: Progress | None) -> bytearray:
    faults: list[str] = []
    for mirror in file.mirrors:
        url = f"{mirror.rstrip('/')}/{file.name}.gz"
        try:
            return _download(url, file, progress)
        except DataError as error:
            faults.append(f"{url}: {error}")
            logger.warning("%s", faults[-1])
    raise DataError(
        f"{file.name} cannot be downloaded:\n"
        + "".join(f"  {fault}\n" for fault in faults)
        + f"Try again later, or put {file.name}.gz into a folder called {folder.name!r}, set RUNGWISE_DATA "
        "to the folder around it and use --offline. The data set 'digits' needs no download."
    )


def _download(url: str, file: File, progress: Progress | None) -> bytearray:
    # Where a server takes the gzip for an encoding of the transfer, it arrives undone: plain is accepted.
    headers = {"Accept-Encoding": "identity"}
    contents = Contents(file, progress)
    get = pooch.HTTPDownloader(chunk_size=1 << 16, timeout=TIMEOUT_S, headers=headers)
    try:
        get(url, contents, None)
    except OSError as error:  # as are all of requests' own; nothing touches the disk here
        raise DataError(_reason(error)) from error
    return contents.finish()


def _reason(error: OSError) -> str:
    """What went wrong, without the layers of libraries that it came through."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answers {response.status_code} {response.reason}"
    origin: BaseException = error
    while origin.__context__ is not None:
        origin = origin.__context__
    return f"no connection, or it broke off ({origin})"
