"""Which files of own data changed between two indexes."""

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from rungwise.words import counted, some_of


def read_files(path: Path) -> dict[str, tuple[str, ...]]:
    """The rows of an index that was written, by file name: part, class, columns and SHA-256. Raises OSError."""
    text = gzip.decompress(path.read_bytes()).decode()
    _, *rows = csv.reader(io.StringIO(text, newline=""))
    return {name: tuple(rest) for name, *rest in rows}


def changes(before: Path, now: Path) -> str:
    """What is different, in words, as "1 file added (cat/9.png), 2 changed (...)"; "" where nothing is."""
    old, new = read_files(before), read_files(now)
    gone, come = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
    places: dict[str, list[str]] = {}
    for name in gone:
        places.setdefault(old[name][-1], []).append(name)
    moved = []
    for name in come:
        if former := places.get(new[name][-1]):
            moved.append((former.pop(), name))
    gone = [name for name in gone if name not in {former for former, _ in moved}]
    come = [name for name in come if name not in {later for _, later in moved}]
    both = sorted(old.keys() & new.keys())
    content = [name for name in both if old[name][-1] != new[name][-1]]
    known = [name for name in both if old[name][-1] == new[name][-1] and old[name] != new[name]]
    relabelled = [f"{former} → {name}" for former, name in moved if old[former][:2] != new[name][:2]]
    renamed = [f"{former} → {name}" for former, name in moved if old[former][:2] == new[name][:2]]
    relabelled += known
    lists = {"added": come, "removed": gone, "changed": content, "relabelled": relabelled, "renamed": renamed}
    return _in_words(lists.items())


def _in_words(lists: Iterable[tuple[str, Sequence[str]]]) -> str:
    told = []
    for what, names in lists:
        if names:
            told.append(f"{counted(len(names), 'file')} {what} ({some_of(names)})")
    return "; ".join(told)
