"""The names and paths that the documentation mentions exist."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from rungwise.data.own.formats import FORMATS
from rungwise.data.sources.catalogue import SOURCES

ROOT = Path(__file__).parents[1]
PAGES = {page.relative_to(ROOT): page for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))}
NAME = re.compile(r"\brungwise(?:\.[A-Za-z_]\w*)+")
DOOR = re.compile(r"entry-points\.\"rungwise\.(\w+)\"")
PATH = re.compile(r"(?<![\w/.])(?:src/)?(rungwise(?:/\w+)+(?:\.py|/)?)(?![\w/])")

DOORS = {FORMATS.group, SOURCES.group}
"""Groups of entry points that are called as no module is."""


def documented() -> dict[str, str]:
    """The text of each page, and of the code of each notebook."""
    texts = {str(name): page.read_text() for name, page in PAGES.items()}
    for notebook in sorted((ROOT / "docs").rglob("*.ipynb")):
        cells = json.loads(notebook.read_text())["cells"]
        texts[str(notebook.relative_to(ROOT))] = "\n".join("".join(cell["source"]) for cell in cells)
    return texts


def mentioned(pattern: re.Pattern[str]) -> list[str]:
    return sorted({found.group(pattern.groups) for text in documented().values() for found in pattern.finditer(text)})


def resolve(name: str) -> Any:
    """The module, or what a module has by that name."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found
    raise AssertionError(f"no such name: {name}")


@pytest.mark.parametrize("group", mentioned(DOOR))
def test_a_documented_door_is_one(group: str) -> None:
    """Some are called as a module is; the others are registries of one."""
    assert group in DOORS or resolve(f"rungwise.{group}") is not None


@pytest.mark.parametrize("name", sorted({*mentioned(NAME)} - {f"rungwise.{group}" for group in DOORS}))
def test_a_documented_name_resolves(name: str) -> None:
    assert resolve(name) is not None


@pytest.mark.parametrize("path", mentioned(PATH))
def test_a_documented_path_exists(path: str) -> None:
    assert (ROOT / "src" / path).exists()
