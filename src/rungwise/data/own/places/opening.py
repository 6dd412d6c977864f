"""From a path to what is there."""

import stat
from pathlib import Path

from rungwise.data.errors import DataError
from rungwise.data.own.places.archives import TARS, Tar, Zip
from rungwise.data.own.places.folders import Folder, SingleFile
from rungwise.data.own.places.place import Place


def open_place(path: Path) -> Place:
    """The folder, archive or file at a path. Raises DataError where there is none, or where it cannot be read."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return Folder(path)
        if not stat.S_ISREG(mode):
            raise DataError(f"{path} is neither a folder nor a file: expected images of your own there")
        name = path.name.lower()
        if name.endswith(".zip"):
            return Zip(path)
        return Tar(path) if name.endswith(TARS) else SingleFile(path)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"there is no folder or file {path}: expected images of your own there") from None
    except (OSError, ValueError) as error:
        reason, where = getattr(error, "strerror", None) or error, getattr(error, "filename", None) or path
        raise DataError(f"{where} cannot be read ({reason}): give access to it, or copy it") from error
