"""Which files were checked, by size and time, so that none is read again before it changes. It can be deleted.

Commands that only read a folder use it, and leave it as it is.
"""

import contextlib
import json
from pathlib import Path

from rungwise.digests import file_digest
from rungwise.files import write_atomically


class Index:
    """The digests of the files under a folder, kept in its ``index.json``."""

    def __init__(self, root: Path) -> None:
        self.path = root / "index.json"
        self.root = root
        self.changed = False
        self.entries: dict[str, list[int | str]] = {}
        """Size in bytes, time of the last change in ns, and SHA-256, by the path in the folder."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            found = json.loads(self.path.read_bytes()) if self.path.is_file() else {}
            self.entries = found if isinstance(found, dict) else {}

    def digest(self, path: Path, *, anew: bool = False) -> str:
        """The SHA-256 of a file, read only where size or time are not as they were. Raises OSError."""
        if not path.is_file():
            raise FileNotFoundError(2, "no such file", str(path))
        name, facts = path.relative_to(self.root).as_posix(), path.stat()
        key: list[int | str] = [facts.st_size, facts.st_mtime_ns]
        known = self.entries.get(name)
        if not anew and isinstance(known, list) and len(known) == 3 and known[:2] == key:
            return str(known[2])
        digest = file_digest(path)
        self.entries[name] = [*key, digest]
        self.changed = True
        return digest

    def save(self) -> None:
        """Keep what was found, where the folder can be written to; the files that are gone are forgotten."""
        if not self.changed:
            return
        kept = {name: entry for name, entry in sorted(self.entries.items()) if (self.root / name).is_file()}
        with contextlib.suppress(OSError):
            write_atomically(self.path, json.dumps(kept, separators=(",", ":")))
        self.changed = False
