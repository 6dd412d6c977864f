"""IDX files of others: pairs by shape and name, parts, and what is refused."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.data.conftest import idx
from tests.data.own.material import fault, loaded, noise, opened, write

IMAGES = noise(0, (30, 5, 4))
LABELS = np.arange(30, dtype=np.uint8) % 3
TEST = noise(1, (9, 5, 4))
TEST_LABELS = np.arange(9, dtype=np.uint8) % 3


def pairs(pattern: str, train: str = "train", test: str = "t10k") -> dict[str, bytes]:
    """Both parts as files called by a pattern of {part}, {what} and {axes}."""
    arrays = {train: (IMAGES, LABELS), test: (TEST, TEST_LABELS)}
    return {
        pattern.format(part=part, what=what, axes=array.ndim): idx(array)
        for part, pair in arrays.items()
        for what, array in zip(("images", "labels"), pair, strict=True)
    }


@pytest.mark.parametrize(
    ("pattern", "test"),
    [
        ("{part}-{what}-idx{axes}-ubyte", "t10k"),
        ("{part}-{what}.idx{axes}-ubyte", "t10k"),
        ("emnist-letters-{part}-{what}-idx{axes}-ubyte", "test"),
        ("k49-{part}-{what}", "test"),
        ("MNIST/raw/{part}-{what}-idx{axes}-ubyte", "t10k"),
        ("{part}/{what}.dat", "test"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_names_tell_the_parts(tmp_path: Path, pattern: str, test: str, zipped: bool) -> None:
    files = pairs(pattern, test=test)
    if zipped:
        files = {f"{name}.gz": gzip.compress(content) for name, content in files.items()}
    path = write(tmp_path, files)
    assert opened(path).counts == {"train": dict.fromkeys("012", 10), "test": dict.fromkeys("012", 3)}
    dataset = loaded(path)
    assert {image.tobytes() for image in dataset.test.images} == {image.tobytes() for image in TEST}
    assert opened(path).unused == ()


def test_a_pair_by_itself_has_no_parts(tmp_path: Path) -> None:
    """However it is called: by shape, not by name."""
    path = write(tmp_path, {"a.bin2": idx(IMAGES), "b": idx(LABELS), "readme.txt": b"hello"})
    found = opened(path)
    assert {name: sum(part.values()) for name, part in found.counts.items()} == {"train": 24, "test": 6}
    assert found.unused == ("readme.txt",)


def test_colour_images_have_four_axes(tmp_path: Path) -> None:
    images = noise(2, (24, 5, 4, 3))
    dataset = loaded(write(tmp_path, {"x-images": idx(images), "x-labels": idx(LABELS[:24])}), split="per seed")
    assert dataset.train.shape == (3, 5, 4)
    assert {image.tobytes() for image in dataset.train.images} == {
        image.transpose(2, 0, 1).tobytes() for image in images
    }


def test_both_a_file_and_its_gzipped_self_are_one(tmp_path: Path) -> None:
    """As torchvision leaves them in MNIST/raw."""
    files = pairs("{part}-{what}-idx{axes}-ubyte")
    files |= {f"{name}.gz": gzip.compress(content) for name, content in files.items()}
    found = opened(write(tmp_path, files))
    assert "train-images-idx3-ubyte.gz is there gunzipped too: the gzipped one was passed over" in found.notes
    assert len(found.index.files) == 4


def test_of_several_labels_the_first_is_the_class(tmp_path: Path) -> None:
    """As QMNIST has eight."""
    labels = np.zeros((30, 8), ">i4")
    labels[:, 0], labels[:, 2] = LABELS, 2000 + np.arange(30)
    content = b"\0\0\x0c\2" + (30).to_bytes(4, "big") + (8).to_bytes(4, "big") + labels.tobytes()
    files = {"qmnist-train-images-idx3-ubyte": idx(IMAGES), "qmnist-train-labels-idx2-int": content}
    found = opened(write(tmp_path, files))
    assert found.facts.classes == ("0", "1", "2")
    assert found.notes == ("of each image's labels the first is its class; the others were passed over",)


def test_images_of_emnist_are_told_to_lie(tmp_path: Path) -> None:
    found = opened(write(tmp_path, pairs("emnist-letters-{part}-{what}-idx{axes}-ubyte", test="test")))
    assert "EMNIST's own files hold each image with rows and columns exchanged" in found.notes[0]


def test_several_data_sets_are_refused(tmp_path: Path) -> None:
    files = pairs("emnist-letters-{part}-{what}", test="test") | pairs("emnist-digits-{part}-{what}", test="test")
    message = fault(write(tmp_path, files))
    assert "holds several data sets (emnist digits, emnist letters)" in message


def test_images_without_labels_are_refused(tmp_path: Path) -> None:
    message = fault(write(tmp_path / "a", {"train-images-idx3-ubyte": idx(IMAGES)}))
    assert "holds IDX files of images (train-images-idx3-ubyte) and none of their labels" in message
    files = pairs("{part}-{what}-idx{axes}-ubyte")
    del files["t10k-labels-idx1-ubyte"]
    assert "holds t10k-images-idx3-ubyte without a partner" in fault(write(tmp_path / "b", files))


def test_other_counts_of_labels_are_refused(tmp_path: Path) -> None:
    message = fault(write(tmp_path, {"train-images": idx(IMAGES), "train-labels": idx(LABELS[:29])}))
    assert "train-images announces 30 x 5 x 4 values, and train-labels 29: expected one label for each image" in message


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("change", ["truncated", "more"])
def test_a_header_that_announces_another_size_is_refused(tmp_path: Path, zipped: bool, change: str) -> None:
    content = idx(IMAGES)[:-7] if change == "truncated" else idx(IMAGES) + b"\0"
    files = {"train-images": gzip.compress(content) if zipped else content, "train-labels": idx(LABELS)}
    message = fault(write(tmp_path, files))
    assert ("is truncated: its header announces 30 x 5 x 4" in message) == (change == "truncated")
    assert ("holds more than the 30 x 5 x 4 values" in message) == (change == "more")
    assert "train-images" in message


def test_a_truncated_gzip_is_named(tmp_path: Path) -> None:
    files = {"train-images.gz": gzip.compress(idx(IMAGES))[:-20], "train-labels.gz": gzip.compress(idx(LABELS))}
    assert "train-images.gz is truncated: the gzip stream breaks off" in fault(write(tmp_path, files))


def test_an_announced_bomb_is_refused(tmp_path: Path) -> None:
    header = b"\0\0\x08\3" + b"".join(side.to_bytes(4, "big") for side in (1, 2**31, 2**31))
    files = {"train-images.gz": gzip.compress(header + bytes(10**6)), "train-labels": idx(LABELS[:1])}
    assert "train-images.gz announces 1 x 2,147,483,648 x 2,147,483,648 values: expected at most" in fault(
        write(tmp_path, files)
    )
