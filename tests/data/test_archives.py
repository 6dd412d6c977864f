"""Archives made here, sound and spoiled: members come out by their exact names, and nothing is written anywhere."""

import io
import os
import tarfile
import tracemalloc
import zipfile

import pytest

from rungwise.data.errors import DataError
from rungwise.data.files.archives import read_members
from rungwise.data.files.known import Archive
from tests.data.conftest import sha256, tarred, zipped

WANTED = {"in/a": b"alpha" * 1000, "in/b": b"beta"}
OTHERS = {"../../outside": b"traversal", "/tmp/absolute": b"traversal", "in/c": bytes(100_000)}
PACKS = {"zip": zipped, "tar": tarred}


@pytest.fixture(params=PACKS)
def pack(request):
    return PACKS[request.param]


def read(tmp_path, packed, limits=None, size=None):
    path = tmp_path / "archive"
    path.write_bytes(packed)
    archive = Archive("archive", len(packed) if size is None else size, sha256(packed), (), "in")
    return read_members(path, archive, limits or {name: len(content) for name, content in WANTED.items()})


def test_only_what_is_wanted_comes_out(pack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read(tmp_path, pack(OTHERS | WANTED)) == WANTED
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_a_name_that_leads_out_of_the_folder_is_a_name_like_any_other(pack, tmp_path):
    (tmp_path / "in").mkdir()
    found = read(tmp_path / "in", pack(OTHERS), {"../../outside": 100})
    assert found == {"../../outside": b"traversal"}
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "archive"], "read in memory"


def test_a_missing_member_is_named(pack, tmp_path):
    with pytest.raises(DataError, match="an archive without in/b"):
        read(tmp_path, pack({"in/a": WANTED["in/a"], "b": b"beta", "in/b/": b"", "./in/b": b"beta"}))


def test_a_member_that_is_announced_too_large_is_not_read(pack, tmp_path):
    packed = pack(WANTED | {"in/b": bytes(10_000_000)})
    tracemalloc.start()
    with pytest.raises(DataError, match="oversized: its in/b is announced with 10,000,000 bytes, where at most 4 are"):
        read(tmp_path, packed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000  # bytes, of 10,000,000


def test_a_member_that_is_larger_than_announced_is_refused(tmp_path):
    packed = bytearray(zipped({"in/a": bytes(10_000_000)}))
    for record, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = packed.index(record) + offset
        packed[start : start + 4] = (100).to_bytes(4, "little")
    tracemalloc.start()
    with pytest.raises(DataError, match="a damaged archive"):
        read(tmp_path, bytes(packed), {"in/a": 100})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000


def test_a_small_archive_does_not_unpack_without_end(tmp_path):
    packed = tarred({"in/z": bytes(10_000_000), **WANTED})
    with pytest.raises(DataError, match="oversized: it unpacks to more than it should hold"):
        read(tmp_path, packed)


def test_a_long_header_is_no_way_to_more_memory(tmp_path):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("a" * 10_000_000))
    tracemalloc.start()
    with pytest.raises(DataError, match="oversized"):
        read(tmp_path, stream.getvalue())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_no_members(kind, tmp_path):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        info = tarfile.TarInfo("in/a")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(DataError, match="an archive without in/a"):
        read(tmp_path, stream.getvalue(), {"in/a": 10_000})


def test_a_method_that_unpacks_without_bounds_is_refused(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("in/a", b"a")
    with pytest.raises(DataError, match="in/a is packed by a method that is not read here"):
        read(tmp_path, stream.getvalue(), {"in/a": 10})


@pytest.mark.parametrize("change", [-100, 100])
def test_another_size_is_told_before_anything_is_unpacked(change, pack, tmp_path):
    packed = pack(WANTED)
    says = f"{'oversized' if change < 0 else 'truncated'}: it has {len(packed):,} bytes, not {len(packed) + change:,}"
    with pytest.raises(DataError, match=says):
        read(tmp_path, packed, size=len(packed) + change)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\n<!DOCTYPE html>", "an HTML page, not a ZIP or a gzipped TAR archive"),
        (b"version https://git-lfs.github.com", r"something that begins with b'version '"),
        (b"", "a damaged archive"),
        (b"PK\x03\x04 and no more", "a damaged archive"),
        (b"\x1f\x8b and no more", "a damaged archive"),
    ],
)
def test_what_is_no_archive(content, says, tmp_path):
    with pytest.raises(DataError, match=says):
        read(tmp_path, content)


@pytest.mark.parametrize("place", range(0, 100, 3))
def test_a_damaged_archive_is_refused_or_gives_the_right_bytes(place, pack, tmp_path):
    packed = bytearray(pack(WANTED))
    packed[place * len(packed) // 100] ^= 0xFF
    try:
        found = read(tmp_path, bytes(packed))
    except DataError:
        return
    assert found.keys() == WANTED.keys()
    if pack is zipped:  # whose members have a CRC each; of a TAR archive's, the files' own checksums tell
        assert found == WANTED


def test_an_encrypted_member_is_refused(tmp_path):
    packed = bytearray(zipped(WANTED))
    for record, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(record) + offset] |= 1
    with pytest.raises(DataError, match=r"a damaged archive .*encrypted"):
        read(tmp_path, bytes(packed))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no FIFOs")
def test_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(DataError, match="unreadable"):
        read_members(tmp_path / "fifo", Archive("fifo", 1, "", (), "in"), {"in/a": 1})
