"""Files that are written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from rungwise.files import write_atomically


@pytest.mark.parametrize(
    ("content", "expected"),
    [("zwei\nü\r\n", "zwei\nü\r\n".encode()), (b"\0\r\n", b"\0\r\n"), (bytearray(b"abc"), b"abc")],
)
def test_the_last_content_is_the_only_file_byte_for_byte(
    content: str | bytes | bytearray, expected: bytes, tmp_path: Path
) -> None:
    for each in ("first", content):
        write_atomically(tmp_path / "file", each)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == expected


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640)])
def test_permissions_are_those_of_any_new_file(umask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "file", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomically(tmp_path / "file", "old")

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_atomically(tmp_path / "file", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"
