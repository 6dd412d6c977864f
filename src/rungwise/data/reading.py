"""What a source means where it is read: relative to which folder, and what is known of it already."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rungwise.data.errors import DataError
from rungwise.data.own.preparation import Preparation
from rungwise.data.sources.catalogue import SOURCES, describe
from rungwise.data.sources.source import Facts
from rungwise.digests import digest_of

SIGNS = ("/", "\\")
"""What a path has and a name has not."""


def is_path(source: str) -> bool:
    """Whether a source is the path of own images, as "./photos", "~/photos" or "photos.zip", and not a name."""
    signs = any(sign in source for sign in SIGNS) or source.startswith((".", "~")) or bool(Path(source).suffix)
    return signs and not SOURCES.has(source)


def refuse_name(source: str) -> None:
    """Raise DataError where a source is a name and not a path."""
    if SOURCES.has(source):
        raise DataError(f"{source} is a data set by name: `rungwise data list` says what is known of it")


def key_of(source: str, preparation: Preparation) -> str:
    """By what a run's folder finds the facts of own data again: its path and how it is prepared."""
    return digest_of([source, preparation.model_dump(mode="json")])[:32]


@dataclass(frozen=True)
class Reading:
    """How the data of settings is read; the context in which they are validated."""

    base: Path = Path()
    """What relative paths are relative to."""
    known: Mapping[str, Facts] = field(default_factory=dict)
    """Of own data by `key_of`: it is taken from here, and its files are not looked at, where it is here."""
    verify: bool = False
    """Whether files are read that seem unchanged."""
    progress: Callable[[str, int, int], None] | None = None
    """Told what is done, and for how many of how many files."""

    _found: dict[str, Facts] = field(default_factory=dict, compare=False, repr=False)
    """What was found since: several chapters have the same data."""

    def absolute(self, path: str) -> str:
        """The path from the root on."""
        return os.path.abspath(self.base / Path(path).expanduser())  # noqa: PTH100 (links stay)

    def hint(self, source: str) -> str:
        """The end of a message on an unknown name."""
        return f". For the folder or file {source!r}, write './{source}'" if (self.base / source).exists() else ""

    def facts(self, source: str, preparation: Preparation) -> Facts:
        """What is known of a data set; own images are decoded if they were not yet. Raises DataError."""
        if not is_path(source):
            return describe(source)
        key = key_of(source, preparation)
        if (known := self.known.get(key) or self._found.get(key)) is not None:
            return known
        from rungwise.data.own.opened import open_own  # the formats are not needed for what has a name

        opened = open_own(Path(source), preparation, verify=self.verify, progress=self.progress)
        return self._found.setdefault(key, opened.facts)
