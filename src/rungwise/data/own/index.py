"""The index of own data: of each file its name, what is known of it, and the SHA-256 of its bytes. Its digest is the
data's identity.

Reading all bytes takes time, so what was found is kept in the cache, by the data's path, and a file is read again only
where its size or its time has changed.
"""

import contextlib
import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rungwise.data.own.cache import folder_of
from rungwise.data.own.encoded import is_image, no_bombs, read_header
from rungwise.data.own.found import Header, Headers, Listed, Size
from rungwise.data.own.places.place import Entry, Place
from rungwise.data.own.threads import in_threads
from rungwise.digests import digest_of
from rungwise.files import write_atomically

COLUMNS = ("file", "part", "class", "columns", "sha256")
READ_BYTES = 2**20
"""At a time, of files that may be larger than memory."""
LAYOUT = 1
"""Of the kept file; one of another layout is made anew."""
UNSURE_NS = 2 * 10**9
"""A file may change twice within the time that a file system can tell apart: one that was changed so shortly before the
index was written is read again."""
Progress = Callable[[int, int], None]
"""Told how many of how many files are read."""


class Known(NamedTuple):
    """What is known of a file's content."""

    entry: Entry
    sha256: str
    header: Header | str | None
    """Of an image: what its beginning says, or why it is none; None of other files."""


@dataclass(frozen=True)
class Index:
    """The files of a data set with their content's digests."""

    files: Sequence[Listed]
    known: Mapping[str, Known]
    alone: bool = False
    """Whether there is one file, which is the data itself, so that its name is no part of what it is."""

    @property
    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Of each file its name, part, label, columns as JSON and SHA-256, sorted by name."""
        return sorted(
            (file.name, file.part, file.label, _columns(file), self.known[file.name].sha256) for file in self.files
        )

    @property
    def digest(self) -> str:
        """64 hexadecimal digits. The order of files on the disk and the data's own place are no part of it."""
        return digest_of([["" if self.alone else name, *more] for name, *more in self.rows])

    def written(self) -> bytes:
        """The rows as a gzipped CSV file with a heading."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([COLUMNS, *self.rows])
        return gzip.compress(text.getvalue().encode(), mtime=0)

    @property
    def headers(self) -> Headers:
        """Of the images among the files."""
        return {name: known.header for name, known in self.known.items() if known.header is not None}


def make_index(
    place: Place, files: Sequence[Listed], *, verify: bool = False, progress: Progress | None = None
) -> Index:
    """The index of some files of a place. `verify`: read all of them, whatever is known. Raises DataError."""
    kept = folder_of("indexes") / f"{hashlib.sha256(str(place.path.absolute()).encode()).hexdigest()[:32]}.json"
    before = {} if verify else _read(kept)
    names = list(dict.fromkeys(file.name for file in files))
    known = {name: before[name] for name in names if name in before and before[name].entry == place.files[name]}
    if missing := [name for name in names if name not in known]:
        known |= _look(place, missing, progress)
        with contextlib.suppress(OSError):  # without it, all is read again next time
            write_atomically(kept, _written(known))
    return Index(files, known, place.single)


def _look(place: Place, names: Sequence[str], progress: Progress | None) -> dict[str, Known]:
    images = [name for name in names if is_image(name)]
    found: dict[str, Known] = {}

    def one(name: str, content: bytes) -> Known:
        return Known(place.files[name], hashlib.sha256(content).hexdigest(), read_header(content))

    with no_bombs():
        for name, known in in_threads(one, place, images):
            found[name] = known
            if progress is not None:
                progress(len(found), len(images))
    for name in names:
        if name not in found:
            found[name] = Known(place.files[name], _digest(place, name), None)
    return found


def _digest(place: Place, name: str) -> str:
    digest = hashlib.sha256()
    with place.stream(name) as stream:
        while content := stream.read(READ_BYTES):
            digest.update(content)
    return digest.hexdigest()


def _columns(file: Listed) -> str:
    return json.dumps(dict(file.columns), sort_keys=True) if file.columns else ""


def _written(known: Mapping[str, Known]) -> str:
    rows = {
        name: [one.entry.size, one.entry.stamp, one.sha256, _header_written(one.header)] for name, one in known.items()
    }
    return json.dumps({"layout": LAYOUT, "files": rows})


def _header_written(header: Header | str | None) -> object:
    return [*header.size, header.grey] if isinstance(header, Header) else header


def _read(path: Path) -> dict[str, Known]:
    """What was kept; nothing where it cannot be understood. Files that may have changed since are left out."""
    try:
        raw, latest = json.loads(path.read_text("utf-8")), path.stat().st_mtime_ns - UNSURE_NS
        if raw["layout"] != LAYOUT:
            return {}
        rows = {name: row for name, row in raw["files"].items() if row[1] < latest}
        return {
            name: Known(Entry(size, stamp), sha256, _header_read(header))
            for name, (size, stamp, sha256, header) in rows.items()
        }
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return {}


def _header_read(raw: object) -> Header | str | None:
    if isinstance(raw, list):
        height, width, grey = raw
        return Header(Size(height, width), grey)
    return raw if isinstance(raw, str) else None
