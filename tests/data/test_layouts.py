"""Files where torchvision puts them, below the folder that RUNGWISE_DATA names."""

import gzip
import os
import shutil
from pathlib import Path

import pytest

from rungwise.data import inventory
from rungwise.data.errors import DataError
from rungwise.data.load import load
from tests.material.files import fill

REAL = os.environ.get("RUNGWISE_DATA")


def status(name):
    (row,) = (row for row in inventory.status() if row.name == name)
    return row


def test_mnist_as_torchvision_leaves_it(small_mnist, contents, server, data_folder):
    """Both the gzip files and what is in them."""
    fill(data_folder / "MNIST/raw", contents)
    fill(data_folder / "MNIST/raw", {f"{name}.gz": gzip.compress(content) for name, content in contents.items()})
    assert len(load("mnist").train) == 40
    assert (status("mnist").found, status("mnist").complete) == (f"RUNGWISE_DATA ({data_folder / 'MNIST/raw'})", True)
    assert status("multi-mnist").complete, "which is made from it"
    assert server.asked == []


def test_kmnist_as_torchvision_leaves_it(small_kmnist, server, data_folder):
    fill(data_folder / "KMNIST/raw", small_kmnist.contents)
    fill(data_folder / "KMNIST/raw", small_kmnist.packed)
    assert len(load("kmnist").test) == 10
    assert [(one.fault, one.note) for one in inventory.check("kmnist")] == [(None, "")] * 4, "by the gzip files"
    assert server.asked == []


@pytest.mark.parametrize("archive", [True, False])
def test_emnist_as_torchvision_leaves_it(archive, small_emnist, server, data_folder):
    """The archive, where it was not removed, and all its files unpacked."""
    for made in small_emnist.values():
        fill(data_folder / "EMNIST/raw", made.contents)
    if archive:
        fill(data_folder / "EMNIST/raw", {"gzip.zip": small_emnist["digits"].archive})
    for split in small_emnist:
        assert len(load(f"emnist-{split}", offline=True).classes) > 9
        files = inventory.check(f"emnist-{split}")[:4]
        assert {one.note for one in files} == {"" if archive else inventory.UNVERIFIABLE}
        assert {one.path.name == "gzip.zip" for one in files} == {archive}
        assert status(f"emnist-{split}").complete
    assert server.asked == []


@pytest.mark.parametrize("place", ["cifar-10-batches-bin", "cifar10/cifar-10-batches-bin", "cifar10"])
def test_the_unpacked_archive_of_cifar10(place, small_cifar10, server, data_folder):
    fill(data_folder / place, small_cifar10.contents)
    assert len(load("cifar10").train) == 20
    assert status("cifar10").complete
    assert server.asked == []


def test_emnist_unpacked_by_hand(small_emnist, data_folder):
    fill(
        data_folder / "emnist/gzip",
        {name: one for name, one in small_emnist["letters"].packed.items() if name != "gzip.zip"},
    )
    assert [(one.fault, one.note) for one in inventory.check("emnist-letters")] == [(None, "")] * 4
    assert not status("emnist-digits").complete


def test_the_folder_of_the_data_sets_name_comes_first(small_mnist, contents, data_folder):
    fill(data_folder / "MNIST/raw", dict.fromkeys(contents, b"<html>"))
    fill(data_folder / "mnist", contents)
    assert len(load("mnist", offline=True).train) == 40
    shutil.rmtree(data_folder / "mnist")
    with pytest.raises(DataError, match=r"MNIST/raw/train-images-idx3-ubyte is an HTML page"):
        load("mnist", offline=True)


@pytest.mark.skipif(not REAL, reason="RUNGWISE_DATA does not say where the real files are")
@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")])
@pytest.mark.parametrize("unpacked", [True, False])
def test_the_real_thing(unpacked, name, folder, data_folder):
    raw = data_folder / folder / "raw"
    raw.mkdir(parents=True)
    for path in (Path(REAL) / name).glob("*.gz"):
        if unpacked:
            (raw / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
        else:
            shutil.copy(path, raw)
    assert [(one.fault, one.note, one.path.parent) for one in inventory.check(name)] == [(None, "", raw)] * 4
