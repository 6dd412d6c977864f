"""What files are, by their content: what changes the digest, and when a file is read again."""

import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from rungwise.data.own.found import Header, Listed, Size
from rungwise.data.own.index import UNSURE_NS, Index, make_index
from rungwise.data.own.places.folders import Disk
from rungwise.data.own.places.opening import open_place
from tests.data.own.material import opened, picture, pictures, write

FILES = {"a/1.png": picture(1), "a/2.png": picture(2), "b/1.png": picture(3)}
LONG_AGO_NS = 10**18


def listed(names: Sequence[str]) -> list[Listed]:
    return [Listed(name, "", name.partition("/")[0]) for name in names]


def age(folder: Path, stamp: int = LONG_AGO_NS) -> None:
    """Files that were changed long before any index was made."""
    for file in folder.rglob("*"):
        if file.is_file():
            os.utime(file, ns=(stamp, stamp))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write(tmp_path / "data", FILES)
    age(folder)
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that are read, as they are."""
    names: list[str] = []
    before = Disk.read

    def reading(self: Disk, name: str) -> bytes:
        names.append(name)
        return before(self, name)

    monkeypatch.setattr(Disk, "read", reading)
    return names


def index(folder: Path, names: Sequence[str] = tuple(FILES), *, verify: bool = False) -> Index:
    return make_index(open_place(folder), listed(names), verify=verify)


# Identity ------------------------------------------------------------------------------------------------------


def test_the_digest_is_of_names_labels_and_bytes(folder: Path) -> None:
    """By hand: SHA-256 of the canonical JSON of sorted rows."""
    rows = [[name, "", name[0], "", hashlib.sha256(content).hexdigest()] for name, content in sorted(FILES.items())]
    expected = hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
    assert index(folder).digest == expected


def test_neither_the_order_nor_the_place_counts(folder: Path, tmp_path: Path) -> None:
    moved = folder.rename(tmp_path / "elsewhere")
    assert index(moved, list(reversed(FILES))).digest == Index(listed(list(FILES)), index(moved).known).digest
    copied = write(tmp_path / "copy", FILES)
    assert index(copied).digest == index(moved).digest


@pytest.mark.parametrize("change", ["changed", "added", "removed", "renamed", "relabelled", "part", "column"])
def test_any_change_is_another_digest(folder: Path, change: str) -> None:
    files = listed(list(FILES))
    before = make_index(open_place(folder), files).digest
    if change == "changed":
        (folder / "a/1.png").write_bytes(picture(9))
    elif change == "added":
        write(folder, {"b/2.png": picture(9)})
        files += listed(["b/2.png"])
    elif change == "removed":
        files = files[1:]
    elif change == "renamed":
        (folder / "a/1.png").rename(folder / "a/3.png")
        files = listed(["a/3.png", "a/2.png", "b/1.png"])
    else:
        more = {"relabelled": {"label": "b"}, "part": {"part": "test"}, "column": {"columns": (("age", "3"),)}}
        files[0] = files[0]._replace(**more[change])
    assert make_index(open_place(folder), files).digest != before


def test_a_single_file_may_be_renamed(tmp_path: Path) -> None:
    digests = set()
    for name in ("x.npz", "other.npz"):
        path = write(tmp_path, {name: b"content"}) / name
        digests.add(make_index(open_place(path), [Listed(name)]).digest)
    assert len(digests) == 1


# What is read --------------------------------------------------------------------------------------------------


def test_headers_are_of_images_alone(folder: Path) -> None:
    write(folder, {"a/3.png": b"", "notes.txt": b"x"})
    found = index(folder, [*FILES, "a/3.png", "notes.txt"])
    assert found.headers == {**dict.fromkeys(FILES, Header(Size(8, 8), True)), "a/3.png": "it is empty"}


def test_files_that_kept_size_and_time_are_trusted(folder: Path, read: list[str]) -> None:
    before = index(folder)
    assert sorted(read) == sorted(FILES)
    read.clear()
    assert index(folder) == before
    assert read == []


def test_a_file_that_changed_in_size_or_time_is_read_again(folder: Path, read: list[str]) -> None:
    before = index(folder)
    os.utime(folder / "a/1.png", ns=(LONG_AGO_NS + 1, LONG_AGO_NS + 1))
    (folder / "a/2.png").write_bytes(picture(9, (9, 9)))
    os.utime(folder / "a/2.png", ns=(LONG_AGO_NS, LONG_AGO_NS))
    read.clear()
    after = index(folder)
    assert sorted(read) == ["a/1.png", "a/2.png"]
    assert after.known["a/1.png"].sha256 == before.known["a/1.png"].sha256
    assert after.headers["a/2.png"] == Header(Size(9, 9), True)


def test_what_kept_size_and_time_by_stealth_is_found_by_verifying(folder: Path) -> None:
    before = index(folder).digest
    content = bytearray(FILES["a/1.png"])
    content[-20] ^= 1
    (folder / "a/1.png").write_bytes(content)
    age(folder)
    assert index(folder).digest == before
    assert index(folder, verify=True).digest != before
    assert index(folder).digest != before, "what was verified is kept"


def test_a_file_that_was_changed_just_before_is_read_again(folder: Path, read: list[str], own_cache: Path) -> None:
    """It may change once more within the time that the file system can tell."""
    index(folder)
    (kept,) = (own_cache / "indexes").iterdir()
    written = kept.stat().st_mtime_ns
    os.utime(folder / "a/1.png", ns=(written, written))
    os.utime(folder / "a/2.png", ns=(written - UNSURE_NS - 10**9, written - UNSURE_NS - 10**9))
    index(folder)
    os.utime(kept, ns=(written, written))
    read.clear()
    index(folder)
    assert read == ["a/1.png"]


def test_an_index_that_cannot_be_understood_is_made_anew(folder: Path, read: list[str], own_cache: Path) -> None:
    before = index(folder).digest
    (kept,) = (own_cache / "indexes").iterdir()
    for content in (b"", b"{", b"[]", b'{"layout": 1}', b'{"layout": 1, "files": {"a/1.png": [1]}}', b"\xff\xfe"):
        kept.write_bytes(content)
        read.clear()
        assert index(folder).digest == before
        assert sorted(read) == sorted(FILES)


def test_files_of_an_archive_are_known_by_its_time(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"

    def pack(seed: int, stamp: int) -> str:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in pictures({"a": 12, "b": 12}, seed).items():
                archive.writestr(name, content)
        os.utime(path, ns=(stamp, stamp))
        return opened(path).index.digest

    first = pack(0, LONG_AGO_NS)
    assert pack(0, LONG_AGO_NS + 5) == first
    assert pack(100, LONG_AGO_NS + 10) != first


def test_progress_is_told(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    make_index(open_place(folder), listed(list(FILES)), progress=lambda done, count: told.append((done, count)))
    assert told == [(1, 3), (2, 3), (3, 3)]
