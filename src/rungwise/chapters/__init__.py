"""The chapters by kind, in the order of the ladder. A new one is a folder here and one line, or an entry point."""

from typing import Any, cast

from rungwise.chapters.chapter import Chapter, ChapterSettings
from rungwise.extensions import Registry, settings_of

NAMES = ("trials", "metrics", "measured", "findings")
"""The functions of every chapter, beside its `Settings`."""


def _chapter(kind: str, found: Any) -> Chapter:
    if missing := [name for name in ("Settings", *NAMES) if not hasattr(found, name)]:
        raise ValueError(f"expected a module with {', '.join(('Settings', *NAMES))}; it lacks {', '.join(missing)}")
    settings_of(found, ChapterSettings, "kind", kind)
    return cast(Chapter, found)


CHAPTERS = Registry(
    "chapters",
    "kind of chapter",
    {
        "audit": "rungwise.chapters.audit",
        "projection": "rungwise.chapters.projection",
        "perceptrons": "rungwise.chapters.perceptrons",
        "mlps": "rungwise.chapters.mlps",
        "capacity": "rungwise.chapters.capacity",
        "cnns": "rungwise.chapters.cnns",
        "leak": "rungwise.chapters.leak",
        "seeing": "rungwise.chapters.seeing",
        "multitask": "rungwise.chapters.multitask",
        "transfer": "rungwise.chapters.transfer",
    },
    _chapter,
)
"""Other packages add theirs under the entry point ``rungwise.chapters``: the module's address."""


def chapter_kinds() -> dict[str, str]:
    """The module of each kind of chapter."""
    return CHAPTERS.addresses()


def load_chapter(kind: str) -> Chapter:
    """The chapter's module. Raises ExtensionError where no chapter is of that kind, or where it cannot be used."""
    return CHAPTERS.find(kind)
