"""A known file's bytes, from this machine or a mirror."""

import logging

from rungwise.data.errors import DataError
from rungwise.data.files.contents import Progress, read
from rungwise.data.files.fetch import fetch
from rungwise.data.files.known import File
from rungwise.data.files.locate import CACHE, VARIABLE, cache, locate

logger = logging.getLogger(__name__)


def obtain(file: File, *, offline: bool, progress: Progress | None = None) -> bytearray:
    """The uncompressed bytes of one file. A wrong file is an error, but in the cache it is replaced."""
    found = locate(file)
    if found is not None:
        try:
            return read(found.path, file)
        except DataError as error:
            if found.location.title != CACHE or offline:
                raise DataError(
                    f"{found.path} is {error}. Replace it, or remove it to have it looked for elsewhere or downloaded."
                ) from error
            logger.warning("%s is %s; it is fetched anew", found.path, error)
    if offline:
        raise DataError(
            f"{file.source}: {file.name} is not on this machine, and downloads are off. Run "
            f"`rungwise data fetch {file.source}` where there is a network, or put the files into a folder called "
            f"{file.source!r} and set {VARIABLE} to the folder around it."
        )
    return fetch(file, cache(file.source), progress)
