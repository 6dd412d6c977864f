"""Folders, archives and files as named files: what is passed over, what is refused, and what messages say."""

import io
import os
import stat
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest

from rungwise.data.errors import DataError
from rungwise.data.own.places import archives, place
from rungwise.data.own.places.folders import Siblings
from rungwise.data.own.places.opening import open_place
from rungwise.data.own.places.place import is_junk
from tests.data.own.material import write

FILES = {"a/1.png": b"one", "a/2.png": b"two", "b/deep/er/3.png": b"three", "note.txt": b""}


def zipped(path: Path, files: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> Path:
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "w", how) as archive:  # of two equal names
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, how)
    return path


def tarred(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def fault(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_place(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


# What is seen --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "ZIP"])
def test_all_kinds_show_the_same_files(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"data.{kind}"
    if kind == "folder":
        write(path, FILES)
    elif kind.lower() == "zip":
        zipped(path, FILES, zipfile.ZIP_DEFLATED)
    else:
        tarred(path, FILES, "w:" + kind.partition(".")[2])
    found = open_place(path)
    assert list(found.files) == sorted(FILES)
    assert {name: found.files[name].size for name in FILES} == {name: len(content) for name, content in FILES.items()}
    assert {name: found.read(name) for name in FILES} == FILES
    assert dict(found.read_all(list(FILES))) == FILES
    assert found.begin("b/deep/er/3.png", 2) == b"th"
    assert found.top_folders() == ("a", "b")
    assert found.top_files() == ("note.txt",)
    below = found.below("b")
    assert below.read("deep/er/3.png") == b"three"
    assert dict(below.read_all(["deep/er/3.png"])) == {"deep/er/3.png": b"three"}
    assert "b/deep/er/3.png" in below.title("deep/er/3.png")


def test_a_single_file_is_a_place(tmp_path: Path) -> None:
    path = write(tmp_path, {"x.npz": b"content"}) / "x.npz"
    found = open_place(path)
    assert list(found.files) == ["x.npz"]
    assert found.read("x.npz") == b"content"
    assert found.on_disk("x.npz") == path
    assert found.single


def test_what_systems_leave_is_passed_over(tmp_path: Path) -> None:
    junk = [".DS_Store", "a/Thumbs.db", "a/desktop.ini", "__MACOSX/a/._1.png", ".ipynb_checkpoints/1.png", "a/.hidden"]
    files = {"a/1.png": b"1"} | dict.fromkeys(junk, b"junk")
    assert list(open_place(write(tmp_path / "folder", files)).files) == ["a/1.png"]
    assert list(open_place(zipped(tmp_path / "a.zip", files)).files) == ["a/1.png"]
    assert list(open_place(tarred(tmp_path / "a.tar", files)).files) == ["a/1.png"]
    assert is_junk("a/THUMBS.DB")
    assert not is_junk("a/my.file.png")


def test_empty_folders_are_seen(tmp_path: Path) -> None:
    write(tmp_path / "folder", {"a/1.png": b""})
    (tmp_path / "folder" / "b").mkdir()
    assert open_place(tmp_path / "folder").top_folders() == ("a", "b")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.mkdir("b")
        archive.writestr("a/1.png", b"")
    assert open_place(tmp_path / "a.zip").top_folders() == ("a", "b")


def test_an_archive_made_in_its_own_folder_is_read(tmp_path: Path) -> None:
    """As by `tar czf x.tgz .`, whose first entry is the folder itself."""
    write(tmp_path / "folder", {"a/1.png": b"one"})
    with tarfile.open(tmp_path / "x.tgz", "w:gz") as archive:
        archive.add(tmp_path / "folder", arcname=".")
    assert list(open_place(tmp_path / "x.tgz").files) == ["a/1.png"]


# Folders -------------------------------------------------------------------------------------------------------


def test_links_are_followed_and_no_folder_is_entered_twice(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", {"1.png": b"one"})
    folder = write(tmp_path / "folder", {"z/2.png": b"two"})
    (folder / "a").symlink_to(folder / "z")  # named before what it leads to, and yet z is the class
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(folder)
    (folder / "nowhere").symlink_to(tmp_path / "missing")
    (folder / "itself").symlink_to(folder / "itself")
    found = open_place(folder)
    assert list(found.files) == ["linked/1.png", "z/2.png"]
    assert found.notes == (
        "2 links lead nowhere, as itself",
        "a/ is a folder that was entered by another way: passed over",
        "loop/ is a folder that was entered by another way: passed over",
    )


def test_files_that_are_none_are_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    write(tmp_path, {"1.png": b"one"})
    assert list(open_place(tmp_path).files) == ["1.png"]


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"\xff.png")).touch()
    except OSError:
        pytest.skip("this file system takes no such names")
    assert "not UTF-8" in fault(tmp_path)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    assert "there is no folder or file" in fault(tmp_path / "missing")
    os.mkfifo(tmp_path / "pipe")
    assert "neither a folder nor a file" in fault(tmp_path / "pipe")
    found = open_place(write(tmp_path / "folder", {"1.png": b""}))
    (tmp_path / "folder" / "1.png").unlink()
    with pytest.raises(DataError, match=r"1\.png cannot be read \(No such file"):
        found.read("1.png")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look anywhere")
def test_a_folder_that_nobody_may_look_into_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"shut/1.png": b""})
    (tmp_path / "shut").chmod(0)
    assert "shut cannot be read (Permission denied)" in fault(tmp_path)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "MOST_FILES", 3)
    assert "more than 3 files" in fault(write(tmp_path / "folder", FILES))
    assert "more than 3 files" in fault(zipped(tmp_path / "a.zip", FILES))
    assert "more than 3 files" in fault(tarred(tmp_path / "a.tar", FILES))


def test_files_beside_one_are_those_of_its_ending(tmp_path: Path) -> None:
    write(tmp_path, {"x.npy": b"x", "y.npy": b"y", "note.txt": b"", "deep/z.npy": b"z"})
    found = Siblings(tmp_path / "x.npy")
    assert list(found.files) == ["x.npy", "y.npy"]
    assert found.read("y.npy") == b"y"


# Archives ------------------------------------------------------------------------------------------------------

LEADS_OUT = ["../1.png", "a/../../1.png", "/etc/1.png", "//server/1.png", "C:/1.png", "c:1.png", "..\\1.png", "\\1.png"]


@pytest.mark.parametrize("name", LEADS_OUT)
def test_a_name_that_leads_out_of_an_archive_is_refused(tmp_path: Path, name: str) -> None:
    for path in (zipped(tmp_path / "a.zip", {name: b""}), tarred(tmp_path / "a.tar", {name: b""})):
        assert "leads out of the archive" in fault(path)


def test_backslashes_and_colons_are_no_harm(tmp_path: Path) -> None:
    files = {"a\\1.png": b"one", "12:30.png": b"two"}
    for path in (zipped(tmp_path / "a.zip", files), tarred(tmp_path / "a.tar", files)):
        found = open_place(path)
        assert {name: found.read(name) for name in found.files} == {"a/1.png": b"one", "12:30.png": b"two"}


def test_links_in_archives_are_passed_over(tmp_path: Path) -> None:
    path = tarred(tmp_path / "a.tar", {"1.png": b"one"})
    with tarfile.open(path, "a") as archive:
        for name, kind in (("link.png", tarfile.SYMTYPE), ("hard.png", tarfile.LNKTYPE), ("device", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    found = open_place(path)
    assert list(found.files) == ["1.png"]
    assert found.notes == ("3 links and devices in a.tar were passed over: copy the files in",)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zip_archive:
        link = zipfile.ZipInfo("link.png")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        zip_archive.writestr(link, "/etc/passwd")
        zip_archive.writestr("1.png", b"one")
    found = open_place(tmp_path / "a.zip")
    assert list(found.files) == ["1.png"]
    assert found.notes == ("a link or device in a.zip was passed over: copy the files in",)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_two_files_of_one_name_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "w") as archive:
            archive.writestr("1.png", b"one")
            archive.writestr("1.png", b"other")
    else:
        tarred(path, {"1.png": b"one", "./1.png": b"other"})
    assert "holds two files of the name 1.png" in fault(path)


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar.xz", "a.tar.bz2"])
def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """10 MB of noughts, where a hundredth of the real limits is asked; the same size of noise is no bomb."""
    monkeypatch.setattr(archives, "RATIO_FROM", 2**20)
    monkeypatch.setattr(archives, "MOST_RATIO", 100)

    def pack(content: bytes) -> Path:
        if name == "a.zip":
            return zipped(tmp_path / name, {"1.png": content}, zipfile.ZIP_DEFLATED)
        return tarred(tmp_path / name, {"1.png": content}, "w:" + name.rpartition(".")[2])

    assert "decompression bomb" in fault(pack(bytes(10_000_000)))
    assert open_place(pack(os.urandom(1_200_000))).files["1.png"].size == 1_200_000


def test_many_small_members_are_a_bomb_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "RATIO_FROM", 2**20)
    monkeypatch.setattr(archives, "MOST_RATIO", 100)
    files = {f"{number}.png": bytes(500_000) for number in range(4)}
    assert "all would unpack to 2,000,000 bytes" in fault(zipped(tmp_path / "a.zip", files, zipfile.ZIP_DEFLATED))


def test_a_member_that_holds_more_than_it_announces_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"1.png": b"abcdefgh" * 100}, zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    size = (800).to_bytes(4, "little")
    assert content.count(size) == 2, "in the member's header and in the directory"
    path.write_bytes(content.replace(size, (8).to_bytes(4, "little")))
    found = open_place(path)
    assert found.files["1.png"].size == 8
    with pytest.raises(DataError, match=r"a\.zip: 1\.png: a damaged member of a ZIP archive"):
        found.read("1.png")


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"1.png": b"one"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1  # the flag in the directory
    path.write_bytes(content)
    assert "is encrypted (1.png): unpack it" in fault(path)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.xz"])
@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_a_truncated_archive_is_named(tmp_path: Path, name: str, share: float) -> None:
    files = {f"{number}.png": os.urandom(3000) for number in range(5)}
    path = tmp_path / name
    if name == "a.zip":
        zipped(path, files)
    else:
        tarred(path, files, "w:" + name.removeprefix("a.tar").removeprefix("."))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    if name == "a.tar" and share == 0.9:  # what is missing is the padding at its end
        assert len(open_place(path).files) == 5
    else:
        assert "damaged" in fault(path)


def test_a_changed_member_is_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"1.png": b"a" * 1000, "2.png": b"b" * 1000})
    path.write_bytes(path.read_bytes().replace(b"b" * 1000, b"b" * 999 + b"c"))
    found = open_place(path)
    assert found.read("1.png") == b"a" * 1000
    with pytest.raises(DataError, match=r"a\.zip: 2\.png: a damaged member"):
        found.read("2.png")


def test_something_else_called_as_an_archive_is_named(tmp_path: Path) -> None:
    for name in ("a.zip", "a.tar", "a.tgz"):
        write(tmp_path, {name: b"<html>not found</html>" * 50})
        assert "is a damaged" in fault(tmp_path / name)
