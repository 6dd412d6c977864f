"""The chapters by kind, in the order of the ladder. A new one is a folder here and one line, or an entry point."""

import importlib
import importlib.metadata
from typing import cast

from rungwise.chapters.chapter import Chapter

_MODULES = {
    "projection": "rungwise.chapters.projection",
    "perceptrons": "rungwise.chapters.perceptrons",
    "mlps": "rungwise.chapters.mlps",
    "capacity": "rungwise.chapters.capacity",
    "cnns": "rungwise.chapters.cnns",
    "seeing": "rungwise.chapters.seeing",
    "multitask": "rungwise.chapters.multitask",
    "transfer": "rungwise.chapters.transfer",
}


def chapter_kinds() -> dict[str, str]:
    """The module of each kind of chapter; other packages add theirs under the entry point ``rungwise.chapters``."""
    others = importlib.metadata.entry_points(group="rungwise.chapters")
    return {**{point.name: point.value for point in others}, **_MODULES}


def load_chapter(kind: str) -> Chapter:
    """The chapter's module. Raises KeyError where no chapter is of that kind."""
    return cast(Chapter, importlib.import_module(chapter_kinds()[kind]))
