"""Files of known content."""

from collections.abc import Mapping
from pathlib import Path


def fill(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files, by their names, into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
