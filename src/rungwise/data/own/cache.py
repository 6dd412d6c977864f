"""Where indexes and prepared images are kept: in the user's cache, never beside the images."""

from pathlib import Path

from rungwise.data.errors import DataError
from rungwise.data.files.locate import cache


def folder_of(kind: str) -> Path:
    """The folder of one sort of things, which is made. Raises DataError where it cannot be."""
    folder = cache("own") / kind
    if not folder.is_absolute():
        raise DataError("there is no home folder to keep prepared images in: set HOME or XDG_CACHE_HOME to a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"prepared images are kept in {folder}, which cannot be written to ({error.strerror}): make room or give "
            "access there, or set XDG_CACHE_HOME to another folder"
        ) from error
    return folder
