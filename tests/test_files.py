"""Files that are written whole or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from rungwise import files
from rungwise.files import check_regular, flush_to_disk, portable_name, write_atomically


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


# Windows' rules, which these functions of the system follow here as they do there -----------------------------------


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder cannot be opened, and only what is open for writing can be flushed."""
    system_open, system_fsync, writable = os.open, os.fsync, set()

    def open_(path: Path, flags: int, *mode: int) -> int:
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        handle = system_open(path, flags, *mode)
        (writable.add if flags & (os.O_RDWR | os.O_WRONLY) else writable.discard)(handle)
        return handle

    def fsync(handle: int) -> None:
        if handle not in writable:
            raise OSError(errno.EBADF, "Bad file descriptor")
        system_fsync(handle)

    monkeypatch.setattr(os, "open", open_)
    monkeypatch.setattr(os, "fsync", fsync)


def test_files_and_folders_are_flushed_as_windows_allows(windows: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    flush_to_disk(tmp_path / "file")
    flush_to_disk(tmp_path)
    assert (tmp_path / "file").read_bytes() == b"content"
    with pytest.raises(FileNotFoundError):
        flush_to_disk(tmp_path / "nothing")


def test_a_folder_that_its_system_does_not_flush_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    number = errno.EINVAL
    flush_to_disk(tmp_path)
    number = errno.EIO
    with pytest.raises(OSError, match=r"I/O error|Input/output error"):
        flush_to_disk(tmp_path)


@pytest.mark.parametrize(("denials", "passes"), [(0, True), (3, True), (100, False)])
def test_a_file_that_somebody_has_open_is_tried_again(
    denials: int, passes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, left, waits = Path.replace, [denials], list[float]()

    def replace(self: Path, target: Path) -> Path:
        if left[0]:
            left[0] -= 1
            raise PermissionError(errno.EACCES, "Access is denied", str(self), 5, str(target))
        return system(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(files.time, "sleep", waits.append)
    (tmp_path / "file").write_text("old")
    if passes:
        write_atomically(tmp_path / "file", "new")
    else:
        with pytest.raises(PermissionError) as caught:
            write_atomically(tmp_path / "file", "new")
        assert caught.value.filename == str(tmp_path / "file")
    assert (tmp_path / "file").read_text() == ("new" if passes else "old")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert len(waits) == min(denials, len(files.PATIENCE_S))
    assert sum(files.PATIENCE_S) < 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("quick", "quick"),
        ("große Studie 2", "große Studie 2"),
        ("a:b/c\\d*?", "a-b-c-d--"),
        ("trailing. . ", "trailing"),
        ("...", "-"),
        ("CON", "CON-"),
        ("con.2026", "con-.2026"),
        ("Lpt1", "Lpt1-"),
        ("console", "console"),
        ("tab\there", "tab-here"),
    ],
)
def test_names_that_every_system_allows(name: str, expected: str) -> None:
    assert portable_name(name) == expected
    assert portable_name(expected) == expected


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no FIFOs")
def test_only_a_file_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check_regular(tmp_path / "file")
    (tmp_path / "link").symlink_to("file")
    check_regular(tmp_path / "link")
    os.mkfifo(tmp_path / "fifo")
    for path, says in ((tmp_path / "fifo", "a FIFO"), (tmp_path, "a folder"), (Path(os.devnull), "a device")):
        with pytest.raises(OSError, match=f"it is {says}"):
            check_regular(path)
    with pytest.raises(FileNotFoundError):
        check_regular(tmp_path / "nothing")
