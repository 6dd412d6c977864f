"""Where files are looked for, what is done about wrong ones, and the real MNIST where it is at hand."""

import gzip
import os

import numpy as np
import pytest

from rungwise.data import inventory
from rungwise.data.errors import DataError
from rungwise.data.files import locate
from rungwise.data.files.idx import read_idx
from rungwise.data.load import load

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.fixture
def own(cache, tmp_path, monkeypatch):
    """An empty RUNGWISE_DATA's folder for MNIST."""
    monkeypatch.setenv("RUNGWISE_DATA", str(tmp_path / "own"))
    folder = tmp_path / "own" / "mnist"
    folder.mkdir(parents=True)
    return folder


def _fill(folder, contents, pack=gzip.compress, suffix=".gz"):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / f"{name}{suffix}").write_bytes(pack(content))


def _expect(dataset, contents):
    for part, prefix in ((dataset.train, "train"), (dataset.test, "t10k")):
        images, labels = (
            read_idx(contents[f"{prefix}-images-idx3-ubyte"]),
            read_idx(contents[f"{prefix}-labels-idx1-ubyte"]),
        )
        assert part.images.dtype == np.uint8
        assert part.labels.dtype == np.int64
        assert part.images.shape == (len(images), 1, 28, 28)
        np.testing.assert_array_equal(part.images[:, 0], images)
        np.testing.assert_array_equal(part.labels, labels)


def test_downloads_once_and_then_needs_no_network(small_mnist, server, contents, cache):
    dataset = load("mnist")
    _expect(dataset, contents)
    assert dataset.sha256 == {file.name: file.sha256 for file in small_mnist}
    assert len(server.asked) == 4
    _expect(load("mnist", offline=True), contents)
    assert len(server.asked) == 4


@pytest.mark.parametrize(("pack", "suffix"), [(gzip.compress, ".gz"), (bytes, "")])
def test_own_folder(pack, suffix, small_mnist, server, contents, own):
    _fill(own, contents, pack, suffix)
    _expect(load("mnist"), contents)
    assert server.asked == []


def test_order_of_places(small_mnist, contents, own, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(locate, "DEBIAN", {"mnist": tmp_path / "debian"})
    for folder, title in ((tmp_path / "debian", "dataset-mnist"), (cache, "cache"), (own, "RUNGWISE_DATA")):
        _fill(folder, contents)
        assert locate.locate(small_mnist[0]).location.title == title
        _expect(load("mnist", offline=True), contents)


def test_each_file_may_be_elsewhere(small_mnist, server, contents, own):
    _fill(own, {name: content for name, content in contents.items() if name != LABELS})
    _expect(load("mnist"), contents)
    assert server.asked == [f"/good/{LABELS}.gz"]


def test_offline_says_what_to_do(small_mnist, server):
    with pytest.raises(DataError, match=r"rungwise data fetch mnist.*RUNGWISE_DATA"):
        load("mnist", offline=True)
    assert server.asked == []


def test_wrong_file_in_own_folder(small_mnist, server, contents, own):
    _fill(own, contents | {IMAGES: contents[LABELS]})
    with pytest.raises(DataError) as caught:
        load("mnist")
    message = str(caught.value)
    assert message.startswith(f"{own / IMAGES}.gz is mislabelled: it holds the bytes of mnist/{LABELS}")
    assert small_mnist[0].sha256 in message  # expected
    assert small_mnist[1].sha256 in message  # got
    assert server.asked == []


def test_wrong_file_in_the_cache_is_named_and_fetched_anew(small_mnist, server, contents, cache, caplog):
    _fill(cache, contents | {IMAGES: contents[IMAGES][:-1] + b"?"}, bytes, "")
    _expect(load("mnist"), contents)
    (warning,) = caplog.messages
    assert warning.startswith(f"{cache / IMAGES} is not the expected file (SHA-256 ")
    assert server.asked == [f"/good/{IMAGES}.gz"]
    assert (cache / IMAGES).read_bytes() == contents[IMAGES]


def test_wrong_file_in_the_cache_offline(small_mnist, contents, cache):
    _fill(cache, contents | {IMAGES: b"<html>"}, bytes, "")
    with pytest.raises(DataError, match=r"is an HTML page"):
        load("mnist", offline=True)


def test_own_folder_must_exist(small_mnist, monkeypatch):
    monkeypatch.setenv("RUNGWISE_DATA", "/no/such/folder")
    with pytest.raises(DataError, match=r"RUNGWISE_DATA is '/no/such/folder', which is no folder"):
        load("mnist")


def test_unknown_name():
    with pytest.raises(DataError, match=r"no data set is called 'minst'; did you mean 'mnist'\?"):
        load("minst")
    with pytest.raises(DataError, match=r"did you mean 'digits'"):
        inventory.check("digit")


def test_debian_package_is_looked_into():
    assert locate.locations("fashion-mnist")[-1] == locate.Location(
        "dataset-fashion-mnist", locate.DEBIAN["fashion-mnist"]
    )


def test_inventory(small_mnist, server, contents, own, cache):
    found = {one.name: one for one in inventory.status()}
    assert (found["mnist"].found, found["mnist"].complete) == (None, False)
    assert (found["digits"].found, found["digits"].complete) == ("scikit-learn", True)
    assert {one.fault for one in inventory.check("mnist")} == {"not on this machine"}
    assert server.asked == []

    (own / IMAGES).write_bytes(b"<html>")
    _fill(own, {LABELS: contents[LABELS]})
    (found,) = (one for one in inventory.status() if one.name == "mnist")
    assert (found.found, found.complete) == (f"RUNGWISE_DATA ({own})", False)
    images, labels, *_ = inventory.check("mnist")
    assert (images.path, images.fault) == (own / IMAGES, "an HTML page, not a gzip or IDX file")
    assert labels.fault is None

    (own / IMAGES).unlink()
    inventory.fetch("mnist")
    (found,) = (one for one in inventory.status() if one.name == "mnist")
    assert found.found == f"cache ({cache}), RUNGWISE_DATA ({own})"
    assert found.complete
    assert [one.fault for one in inventory.check("mnist")] == [None] * 4


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_real_thing(name):
    if not os.environ.get("RUNGWISE_DATA"):
        pytest.skip("RUNGWISE_DATA does not say where the real files are")
    dataset = load(name, offline=True)
    assert dataset.train.images.shape == (60_000, 1, 28, 28)
    assert dataset.test.images.shape == (10_000, 1, 28, 28)
    first = {"mnist": [5, 0, 4, 1, 9], "fashion-mnist": [9, 0, 0, 3, 0]}[name]
    assert dataset.train.labels[:5].tolist() == first
    if name == "fashion-mnist":  # 7,000 of each; MNIST is not quite balanced
        assert np.bincount(dataset.train.labels).tolist() == [6000] * 10
    else:  # Torchvision's well-known constants
        pixels = dataset.train.images / np.float32(255)
        assert round(float(pixels.mean(dtype=np.float64)), 4) == 0.1307
        assert round(float(pixels.std(dtype=np.float64)), 4) == 0.3081


@pytest.mark.parametrize("cut", [1, 4, 8])
def test_a_gzip_file_without_its_trailer_is_told_as_that(cut, small_mnist, contents, own):
    _fill(own, contents)
    path = own / f"{LABELS}.gz"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match=r"truncated: all of its content is there, but .* checksum\. Replace it"):
        load("mnist", offline=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no FIFOs")
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.mkdir(), "it is a folder, not a file"),
        (lambda path: os.mkfifo(path), "it is a FIFO, not a file"),
        (lambda path: path.symlink_to("nowhere"), "is a link that leads nowhere"),
        (lambda path: path.symlink_to(path), "cannot be read: "),
    ],
)
def test_what_is_no_file_is_named_and_not_waited_for(make, says, small_mnist, server, own):
    make(own / f"{LABELS}.gz")
    for look in (lambda: load("mnist"), lambda: inventory.check("mnist"), inventory.status):
        with pytest.raises(DataError, match=f"{LABELS}.gz {'' if 'link' in says else '(cannot be read: )?'}{says}"):
            look()
    assert f"/good/{LABELS}.gz" not in server.asked


@pytest.mark.parametrize("value", ["~nosuchuser/x", "/dev/null", "/nowhere", "a\0b"])
def test_an_own_folder_that_is_none_is_named(value, small_mnist, monkeypatch, tmp_path):
    value = value.replace("/nowhere", str(tmp_path / "nowhere"))
    monkeypatch.setattr(os, "environ", {**os.environ, "RUNGWISE_DATA": value})
    with pytest.raises(DataError, match=r"RUNGWISE_DATA is .*no folder: correct it, or unset it"):
        inventory.status()


def test_without_a_home_nothing_is_kept_in_the_working_directory(small_mnist, server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(locate.platformdirs, "user_cache_path", lambda _: locate.Path("~/.cache/rungwise"))
    assert [row.complete for row in inventory.status() if row.name == "mnist"] == [False]
    with pytest.raises(DataError, match="there is no home folder to keep downloads in: set HOME"):
        load("mnist")
    assert list(tmp_path.iterdir()) == []
    assert server.asked == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no FIFOs")
def test_idx_files_are_files(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path, says in ((tmp_path / "fifo", "a FIFO"), (tmp_path, "a folder"), (tmp_path / "none", "No such file")):
        with pytest.raises(DataError, match=f"unreadable .*{says}"):
            read_idx(path)
