"""A study as TOML that people read and edit: a table for each chapter, short tables on one line."""

from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.items import AoT, Table

OPENED = ("nets", "methods", "sharing", "tasks")
"""Tables of a chapter that have a heading and a line for each entry."""


def written(raw: Mapping[str, Any], heading: Sequence[str]) -> str:
    """The text of a study. `raw`: as it is read; `heading`: lines of comment at its top."""
    document = tomlkit.document()
    for line in heading:
        document.add(tomlkit.comment(line) if line else tomlkit.nl())
    raw = _set(raw)
    for key, value in raw.items():
        if key != "chapter":
            document.add(key, _inline(value))
    text = tomlkit.dumps(document)
    return text + "".join(f"\n{_chapter(chapter)}" for chapter in raw["chapter"])


def _chapter(raw: Mapping[str, Any]) -> str:
    table = tomlkit.table()
    later = [key for key in OPENED if isinstance(raw.get(key), Mapping)]
    for key, value in raw.items():
        if key not in (*later, "claim"):
            table.add(key, _inline(value))
    for key in later:
        table.add(key, _entries(raw[key]))
    if raw.get("claim"):
        table.add("claim", _several(_entries(claim) for claim in raw["claim"]))
    document = tomlkit.document()
    document.add("chapter", _several([table]))
    return tomlkit.dumps(document)


def _set(raw: Any) -> Any:
    """The value without what is not set, for which TOML has no word."""
    if isinstance(raw, Mapping):
        return {key: _set(value) for key, value in raw.items() if value is not None}
    return [_set(value) for value in raw] if isinstance(raw, list | tuple) else raw


def _several(tables: Any) -> AoT:
    found = tomlkit.aot()
    for table in tables:
        found.append(table)
    return found


def _entries(raw: Mapping[str, Any]) -> Table:
    table = tomlkit.table()
    for key, value in raw.items():
        table.add(key, _inline(value))
    return table


def _inline(value: Any) -> Any:
    """A value on one line. A list of tables has a line for each."""
    if isinstance(value, Mapping):
        table = tomlkit.inline_table()
        for key, inner in value.items():
            table.add(key, _inline(inner))
        return table
    if isinstance(value, list | tuple):
        items = tomlkit.array()
        for inner in value:
            items.append(_inline(inner))
        return items.multiline(len(value) > 1 and isinstance(value[0], Mapping))
    return value
