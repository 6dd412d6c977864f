"""Files that are written whole or not at all, on Linux, macOS and Windows; and names that all three allow."""

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
"""Waits between tries to put a file in another's place: on Windows that fails for as long as anybody, a virus scanner
perhaps, has either of them open."""
NO_FOLDERS = {errno.EBADF, errno.EINVAL, errno.ENOTSUP}
"""How a system says that it does not flush folders."""
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³")}
"""What Windows takes for a device, whatever its case and extension."""


def write_atomically(path: Path, content: str | bytes | bytearray) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part.

    Text is written as UTF-8, its newlines as they are. What was written is removed where writing fails. Raises OSError,
    which names the file.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    with naming(path):
        try:
            with partial.open("xb") as stream:  # unlike a tempfile's, its permissions are what the umask says
                stream.write(content.encode() if isinstance(content, str) else content)
                stream.flush()
                os.fsync(stream.fileno())
            rename(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def rename(source: Path, target: Path) -> None:
    """Give a file or folder another name; a file that has the name is replaced. Tried again for a second where that is
    denied, which on Windows passes."""
    for wait_s in PATIENCE_S:
        try:
            source.replace(target)
        except PermissionError:
            time.sleep(wait_s)
        else:
            return
    source.replace(target)


def flush_to_disk(path: Path) -> None:
    """Wait until the file or folder is on the disk, so that a rename never outlives its content.

    Windows flushes only what is open for writing, and opens no folder: there the system sees to folders itself, as
    some network drives do.
    """
    folder = path.is_dir()
    try:
        handle = os.open(path, os.O_RDONLY if folder else os.O_RDWR | getattr(os, "O_BINARY", 0))
    except PermissionError:
        if folder:
            return
        raise
    try:
        os.fsync(handle)
    except OSError as error:
        if not folder or error.errno not in NO_FOLDERS:
            raise
    finally:
        os.close(handle)


def check_regular(path: Path) -> None:
    """OSError where a path is there and is no regular file: opening a FIFO waits, perhaps for ever."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise OSError(0, f"it is {kind_of(mode)}, not a file", str(path))


def kind_of(mode: int) -> str:
    """What a path's mode says that it is, as "a folder"."""
    known = {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFLNK: "a link that leads nowhere",
    }
    return known.get(stat.S_IFMT(mode), "a device or socket")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """An OSError that comes of what is done inside names the file: that of a write names none."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def portable_name(name: str) -> str:
    """The name, or one like it that Linux, macOS and Windows all allow."""
    kept = re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "-", name).rstrip(". ") or "-"
    base, dot, extension = kept.partition(".")
    return f"{base}-{dot}{extension}" if base.strip().casefold() in DEVICES else kept
