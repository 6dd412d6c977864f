"""Kuzushiji-MNIST, EMNIST and CIFAR-10, as small stand-ins that are published as the real ones are."""

import gzip
import hashlib
import io
from dataclasses import replace

import numpy as np
import pytest

from rungwise.data import inventory
from rungwise.data.errors import DataError
from rungwise.data.files import archives
from rungwise.data.files.fetch import fetch
from rungwise.data.files.idx import read_idx
from rungwise.data.files.known import CIFAR10, EMNIST, KNOWN, members
from rungwise.data.load import load
from rungwise.data.sources.catalogue import CATALOGUE, describe
from rungwise.testing import source_checks
from tests.data.conftest import idx, sha256, tarred, zipped
from tests.material.files import fill

NEW = ("kmnist", "emnist-balanced", "emnist-letters", "emnist-digits", "cifar10")


@pytest.fixture
def cached(cache):
    """The folder of a data set's downloads, by its name."""
    return lambda name: cache.parent / name


def kept(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith(".lock")}


# What is published of the real ones -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NEW)
def test_the_files_have_room_for_what_the_facts_say(name):
    facts, files = describe(name), KNOWN[name]
    pixels = int(np.prod(facts.image))
    images = facts.train_images + facts.test_images
    if name == "cifar10":
        assert sum(file.size for file in files) == images * (1 + pixels)
    else:
        assert sum(file.size for file in files) == images * (pixels + 1) + 2 * (16 + 8)
    assert facts.train_images % len(facts.classes) == facts.test_images % len(facts.classes) == 0


def test_classes_are_those_of_the_field():
    assert describe("kmnist").classes == ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    assert "".join(describe("emnist-letters").classes) == "abcdefghijklmnopqrstuvwxyz"
    assert "".join(describe("emnist-digits").classes) == "0123456789"
    balanced = "".join(describe("emnist-balanced").classes)
    assert len(balanced) == len(set(balanced)) == 47
    # torchvision tells the same classes by those whose lower case is merged into upper case.
    assert not set("cijklmopsuvwxyz") & set(balanced)
    assert list(balanced) == sorted(balanced), "in the order of their ASCII codes, as in the archive's mapping"
    assert describe("cifar10").classes[3:6] == ("cat", "deer", "dog")


@pytest.mark.parametrize("name", NEW)
def test_every_file_has_a_checksum_and_a_place_to_come_from(name):
    for file in KNOWN[name]:
        sums = {file.sha256, file.sha1, file.packed_sha256} - {""}
        assert sums
        assert all(len(one) in (40, 64) and int(one, 16) for one in sums)
        assert file.mirrors or file.archive
        assert all(mirror.startswith("http") and mirror.endswith("/") for mirror in file.mirrors)
    assert len({file.sha1 or file.packed_sha256 for file in KNOWN[name]}) == len(KNOWN[name]), "no checksum twice"


def test_an_archive_has_its_members_under_their_published_names():
    assert len(members(EMNIST)) == 12
    assert members(EMNIST)[0].member == "gzip/emnist-balanced-train-images-idx3-ubyte.gz"
    assert [file.member for file in members(CIFAR10)][-1] == "cifar-10-batches-bin/test_batch.bin"
    assert {file.size for file in members(CIFAR10)} == {30_730_000}, "as the page of the data set says"


# Kuzushiji-MNIST: gzip files, whose checksums are over the packed bytes -------------------------------------------


def test_kmnist_is_fetched_and_kept_as_its_checksums_need_it(small_kmnist, server, cached):
    dataset = load("kmnist")
    assert kept(cached("kmnist")) == small_kmnist.packed
    assert dataset.sha256 == {name: sha256(content) for name, content in small_kmnist.contents.items()}
    images = read_idx(small_kmnist.contents["t10k-images-idx3-ubyte"])
    np.testing.assert_array_equal(dataset.test.images[:, 0], images)
    assert len(server.asked) == 4
    load("kmnist", offline=True)
    assert [(one.fault, one.note) for one in inventory.check("kmnist")] == [(None, "")] * 4
    assert len(server.asked) == 4


def test_another_wrapping_of_a_file_that_is_known_by_its_wrapping_is_refused(small_kmnist, server, caplog):
    name = "train-labels-idx1-ubyte"
    other = gzip.compress(small_kmnist.contents[name], 1, mtime=1)
    server.give(f"/kmnist/{name}.gz", other)
    with pytest.raises(DataError) as caught:
        load("kmnist")
    expected = small_kmnist.files[1].packed_sha256
    said = f"SHA-256 {sha256(other)}, expected {expected}, of the gzip file as it is published"
    assert said in str(caught.value)


def test_a_gzip_file_that_arrives_unpacked_is_not_kept(small_kmnist, server, cached):
    name = "t10k-labels-idx1-ubyte"
    server.give(f"/kmnist/{name}.gz", small_kmnist.packed[f"{name}.gz"], Content_Encoding="gzip")
    with pytest.raises(DataError, match="it arrives unpacked, and a checksum is published of the gzip file only"):
        fetch(small_kmnist.files[3], cached("kmnist"))
    assert kept(cached("kmnist")) == {}


def test_unpacked_files_are_checked_by_shape_and_the_check_says_so(small_kmnist, data_folder):
    fill(data_folder / "kmnist", small_kmnist.contents)
    assert len(load("kmnist", offline=True).train) == 40
    *files, images = inventory.check("kmnist")
    assert {one.note for one in files} == {"checked by shape only: no published checksum of the unpacked file"}
    assert [one.fault for one in (*files, images)] == [None] * 5
    assert images.file == "shapes, labels and images of each class"


def test_where_both_are_there_the_gzip_file_is_read(small_kmnist, data_folder):
    fill(data_folder / "kmnist", {name: content[:-1] + b"?" for name, content in small_kmnist.contents.items()})
    fill(data_folder / "kmnist", small_kmnist.packed)
    assert load("kmnist", offline=True).sha256 == {
        name: sha256(content) for name, content in small_kmnist.contents.items()
    }


SPOILED = {
    "a size": (lambda content: content[:-1], "truncated: it ends after 47 of 48 bytes"),
    "more": (lambda content: content + b"\0", "oversized"),
    "a page": (lambda content: b"<html>" + content, "an HTML page, not a gzip or IDX file"),
    "header": (lambda content: content[:3] + b"\2" + content[4:], "train-labels-idx1-ubyte: "),
    "counts": (lambda content: content[:-1] + b"\0", "5 training images of the class 'o', where 4 of each class are"),
    "range": (lambda content: content[:-1] + b"\x0a", "its training labels go from 0 to 10, expected 0 to 9"),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_unpacked_files_of_another_shape_are_refused(spoiled, small_kmnist, data_folder):
    change, says = SPOILED[spoiled]
    name = "train-labels-idx1-ubyte"
    fill(data_folder / "kmnist", dict(small_kmnist.contents) | {name: change(small_kmnist.contents[name])})
    with pytest.raises(DataError, match=says):
        load("kmnist", offline=True)
    assert any(one.fault and says in one.fault for one in inventory.check("kmnist"))


def test_mnist_in_the_place_of_kmnist_is_told(small_kmnist, small_mnist, contents, data_folder, monkeypatch):
    files = tuple(replace(file, size=mnist.size) for file, mnist in zip(small_kmnist.files, small_mnist, strict=True))
    source = CATALOGUE["kmnist"]
    monkeypatch.setitem(CATALOGUE, "kmnist", replace(source, files=files))
    fill(data_folder / "kmnist", contents)
    with pytest.raises(DataError, match="mislabelled: it holds the bytes of mnist/train-images-idx3-ubyte"):
        load("kmnist", offline=True)


# EMNIST: gzip files in a ZIP archive, transposed, letters counted from 1 --------------------------------------------


def test_one_archive_serves_all_three_splits(small_emnist, server, cached):
    for split, made in small_emnist.items():
        dataset = load(f"emnist-{split}")
        assert len(dataset.train) == 2 * len(dataset.classes)
        assert dataset.sha256 == {name: sha256(content) for name, content in made.contents.items()}
    assert server.asked == ["/emnist/gzip.zip"], "561 MB, once"
    packed = {name: made.packed[name] for made in small_emnist.values() for name in made.packed if name != "gzip.zip"}
    assert kept(cached("emnist")) == packed, "the archive itself is not kept"


def test_a_mirror_of_single_files_spares_the_archive(small_emnist, server, put):
    made = small_emnist["letters"]
    files = tuple(replace(file, mirrors=(f"{server.url}/single/",)) for file in made.files)
    put("emnist-letters", files)
    for name in made.contents:
        server.give(f"/single/{name}.gz", made.packed[f"{name}.gz"])
    load("emnist-letters")
    assert sorted(server.asked) == sorted(f"/single/{name}.gz" for name in made.contents)
    for name in made.contents:
        del server.answers[f"/single/{name}.gz"]


def test_where_a_single_file_fails_its_archive_is_fetched(small_emnist, server, put, caplog):
    made = small_emnist["letters"]
    put("emnist-letters", tuple(replace(file, mirrors=(f"{server.url}/single/",)) for file in made.files))
    load("emnist-letters")
    assert server.asked == [f"/single/{made.files[0].name}.gz", "/emnist/gzip.zip"]
    assert "the server answers 404" in caplog.text


def test_images_are_upright(small_emnist, server, data_folder):
    """An L: a column on the left and a row at the bottom. EMNIST's files have columns where others have rows."""
    upright = np.zeros((28, 28), np.uint8)
    upright[4:24, 6] = upright[23, 6:18] = 255
    made = small_emnist["letters"]
    name = "emnist-letters-test-images-idx3-ubyte"
    images = np.stack([upright.T] * 26)
    fill(data_folder / "emnist", dict(made.contents) | {name: idx(images)})
    dataset = load("emnist-letters", offline=True)
    assert dataset.test.images.shape == (26, 1, 28, 28)
    np.testing.assert_array_equal(dataset.test.images[3, 0], upright)
    assert dataset.test.images.flags.c_contiguous


def test_letters_count_from_one_and_the_other_splits_from_none(small_emnist):
    for split, made in small_emnist.items():
        dataset = load(f"emnist-{split}")
        raw = read_idx(made.contents[f"emnist-{split}-train-labels-idx1-ubyte"])
        assert (dataset.train.labels.min(), dataset.train.labels.max()) == (0, len(dataset.classes) - 1)
        np.testing.assert_array_equal(dataset.train.labels, raw.astype(int) - (split == "letters"))


def test_labels_that_count_from_none_are_no_letters(small_emnist, data_folder):
    made = small_emnist["letters"]
    name = "emnist-letters-train-labels-idx1-ubyte"
    fill(data_folder / "emnist", dict(made.contents) | {name: idx(read_idx(made.contents[name]) - np.uint8(1))})
    with pytest.raises(DataError, match="its training labels go from -1 to 24, expected 0 to 25"):
        load("emnist-letters", offline=True)


def test_only_the_members_that_are_needed_are_read_from_an_own_archive(small_emnist, server, data_folder, monkeypatch):
    fill(data_folder / "emnist", {"gzip.zip": small_emnist["balanced"].archive})
    opened = []

    def counting(path, archive, limits):
        opened.append(sorted(limits))
        return archives.read_members(path, archive, limits)

    monkeypatch.setattr("rungwise.data.files.obtain.read_members", counting)
    load("emnist-digits", offline=True)
    assert opened == [sorted(f"gzip/{name}.gz" for name in small_emnist["digits"].contents)], "in one pass"
    assert [one.name for one in (data_folder / "emnist").iterdir()] == ["gzip.zip"], "nothing is unpacked beside it"
    assert [(one.fault, one.note) for one in inventory.check("emnist-digits")] == [(None, "")] * 4
    assert server.asked == []


# CIFAR-10: records in a gzipped TAR archive -------------------------------------------------------------------------


def test_cifar10_is_in_the_order_of_its_batches(small_cifar10, server, cached):
    dataset = load("cifar10")
    records = b"".join(small_cifar10.contents[f"data_batch_{i}.bin"] for i in range(1, 6))
    assert dataset.train.images.shape == (20, 3, 32, 32)
    for i in range(20):
        one = records[3073 * i : 3073 * (i + 1)]
        assert (dataset.train.labels[i], dataset.train.images[i].tobytes()) == (one[0], one[1:])
    assert dataset.test.images.tobytes() == b"".join(
        small_cifar10.contents["test_batch.bin"][3073 * i + 1 : 3073 * (i + 1)] for i in range(10)
    )
    assert dataset.train.labels.dtype == np.int64
    assert dataset.sha256 == {name: sha256(content) for name, content in small_cifar10.contents.items()}
    assert kept(cached("cifar10")) == small_cifar10.contents
    assert server.asked == ["/cifar-10-binary.tar.gz"]
    assert load("cifar10", offline=True).sha256 == dataset.sha256


@pytest.mark.parametrize("place", ["cifar10", "."])
def test_an_own_archive_of_cifar10_is_read_in_one_pass(place, small_cifar10, server, data_folder, monkeypatch):
    fill(data_folder / place, {"cifar-10-binary.tar.gz": small_cifar10.archive})
    assert len(load("cifar10", offline=True).train) == 20
    assert [one.fault for one in inventory.check("cifar10")] == [None] * 6
    assert server.asked == []


def test_unpacked_batches_are_verified_by_their_sha1(small_cifar10, data_folder):
    fill(data_folder / "cifar-10-batches-bin", small_cifar10.contents)
    assert [(one.fault, one.note) for one in inventory.check("cifar10")] == [(None, "")] * 6
    wrong = small_cifar10.contents["test_batch.bin"][:-1] + b"?"
    fill(data_folder / "cifar-10-batches-bin", {"test_batch.bin": wrong})
    with pytest.raises(DataError) as caught:
        load("cifar10", offline=True)
    assert f"SHA-1 {hashlib.sha1(wrong).hexdigest()}, expected {small_cifar10.files[-1].sha1}" in str(caught.value)
    assert "not the expected file" in inventory.check("cifar10")[-1].fault


@pytest.mark.parametrize("content", [b"<html>", b"\n <html>", b"version https", b"\x80\x05\x95 a pickle"])
def test_what_is_no_batch_is_told(content, small_cifar10, data_folder):
    fill(data_folder / "cifar10", dict(small_cifar10.contents) | {"data_batch_2.bin": content})
    what = "an HTML page" if b"<" in content else f"something that begins with {content[:8]!r}"
    fault = next(one.fault for one in inventory.check("cifar10") if one.fault)
    assert fault == f"{what}, not a gzip or CIFAR file"


@pytest.mark.parametrize("name", NEW)
def test_each_passes_what_is_asked_of_every_data_set(name, small_kmnist, small_emnist, small_cifar10):
    inventory.fetch(name)
    for check in source_checks(name):
        check()


# Archives that arrive spoiled ---------------------------------------------------------------------------------------


def spoil(made, server, fault):
    bundle = made.archive
    match fault:
        case "404":
            del server.answers["/cifar-10-binary.tar.gz"]
            return
        case "page":
            bundle = b"<!DOCTYPE html>"
        case "truncated":
            bundle = bundle[:-1]
        case "more":
            bundle += b"\0"
        case "bit":
            bundle = bundle[:-1] + bytes([bundle[-1] ^ 1])
        case "endless":
            bundle = b"\x1f\x8b" + bytes(len(bundle) * 4)
    server.give("/cifar-10-binary.tar.gz", bundle)


FAULTS = {
    "404": "the server answers 404 Not Found",
    "page": "an HTML page, not a ZIP or a gzipped TAR archive",
    "truncated": "truncated: it has ",
    "more": "oversized: it holds more than the expected ",
    "bit": "not the expected archive (SHA-256 ",
    "endless": "oversized",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_spoiled_archive_is_named_and_nothing_of_it_kept(fault, small_cifar10, server, cached):
    spoil(small_cifar10, server, fault)
    with pytest.raises(DataError) as caught:
        load("cifar10")
    first, mirror, advice = str(caught.value).split("\n")
    assert first == "data_batch_1.bin cannot be downloaded:"
    assert mirror.startswith(f"  {server.url}/cifar-10-binary.tar.gz: {FAULTS[fault]}")
    assert "put cifar-10-binary.tar.gz into a folder called 'cifar10'" in advice
    assert kept(cached("cifar10")) == {}


def test_the_next_mirror_of_an_archive_is_tried(small_cifar10, server, put, caplog):
    archive = small_cifar10.files[0].archive
    bad, good = f"{server.url}/bad.tar.gz", archive.mirrors[0]
    server.give("/bad.tar.gz", small_cifar10.archive[:100])
    put("cifar10", tuple(replace(file, archive=replace(archive, mirrors=(bad, good))) for file in small_cifar10.files))
    assert len(load("cifar10").train) == 20
    assert caplog.messages == [f"{bad}: truncated: it has 100 bytes, not {archive.size:,}"]


def test_a_member_with_another_checksum_is_named(small_cifar10, server, put):
    files = (replace(small_cifar10.files[0], sha1="0" * 40), *small_cifar10.files[1:])
    put("cifar10", files)
    with pytest.raises(DataError, match=r"an archive whose cifar-10-batches-bin/data_batch_1\.bin is not the expected"):
        load("cifar10")


@pytest.mark.parametrize("pack", [tarred, zipped])
def test_an_archive_without_a_member_is_told(pack, small_cifar10, server, put):
    bundle = pack({f"elsewhere/{name}": content for name, content in small_cifar10.contents.items()})
    archive = replace(small_cifar10.files[0].archive, size=len(bundle), sha256=sha256(bundle))
    put("cifar10", tuple(replace(file, archive=archive) for file in small_cifar10.files))
    server.give("/cifar-10-binary.tar.gz", bundle)
    with pytest.raises(DataError, match=r"an archive without cifar-10-batches-bin/data_batch_1\.bin, "):
        load("cifar10")


def test_a_wrong_own_archive_is_named_with_its_path(small_cifar10, data_folder):
    fill(data_folder / "cifar10", {"cifar-10-binary.tar.gz": small_cifar10.archive[:-5]})
    with pytest.raises(DataError, match=r"data/cifar10/cifar-10-binary\.tar\.gz is truncated: .* Replace it"):
        load("cifar10", offline=True)
    assert all(one.fault.startswith("truncated") for one in inventory.check("cifar10"))


def test_progress_is_told_of_the_archive(small_cifar10):
    told = []
    inventory.fetch("cifar10", lambda *step: told.append(step))
    size = len(small_cifar10.archive)
    assert told[-1] == ("cifar-10-binary.tar.gz", size, size)


class FullDisk(io.BytesIO):
    def write(self, chunk):
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_not_blamed_on_the_mirror(small_cifar10, monkeypatch):
    written = archives.Arrival
    monkeypatch.setattr("rungwise.data.files.fetch.Arrival", lambda one, _, told: written(one, FullDisk(), told))
    with pytest.raises(DataError, match=r"cannot be written to \(No space left on device\): make room"):
        load("cifar10")


# Pickles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cifar-10-batches-py/data_batch_1", "cifar-10-python.tar.gz"])
@pytest.mark.parametrize("place", [".", "cifar10"])
def test_pickles_are_refused_with_the_address_of_the_binary_version(
    place, name, small_cifar10, server, data_folder, caplog
):
    path = data_folder / place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x80\x04\x95 whatever it is, nobody reads it")
    says = f"{data_folder / place / name.split('/')[0]} has Python pickles, which may run any code when they are read"
    with pytest.raises(DataError) as caught:
        load("cifar10", offline=True)
    assert says in str(caught.value)
    assert small_cifar10.files[0].archive.mirrors[0] in str(caught.value)
    assert says in inventory.check("cifar10")[0].fault
    assert len(load("cifar10").train) == 20, "online, the binary version is fetched"
    assert says in caplog.text
