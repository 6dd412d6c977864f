"""CIFAR's binary files; the Python version is refused."""

import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from tests.data.own.material import fault, loaded, noise, opened, write

ANIMALS = ("bird", "cat", "frog")


def records(count: int, seed: int, labels: int = 1) -> bytes:
    """So many images of noise; the label is the number modulo 3, and the coarse one modulo 2."""
    content = noise(seed, (count, 3072 + labels))
    content[:, labels - 1] = np.arange(count) % 3
    if labels == 2:
        content[:, 0] = np.arange(count) % 2
    return content.tobytes()


def ten(prefix: str = "") -> dict[str, bytes]:
    files = {f"data_batch_{number}.bin": records(9, number) for number in range(1, 6)}
    files |= {"test_batch.bin": records(6, 9), "batches.meta.txt": "\n".join([*ANIMALS, "", ""]).encode()}
    return {prefix + name: content for name, content in files.items()} | {prefix + "readme.html": b"<html>"}


def test_batches_are_trained_on(tmp_path: Path) -> None:
    path = write(tmp_path, ten("cifar-10-batches-bin/"))
    found = opened(path)
    assert found.counts == {"train": dict.fromkeys(ANIMALS, 15), "test": dict.fromkeys(ANIMALS, 2)}
    assert found.facts.image == (3, 32, 32)
    assert found.unused == ("cifar-10-batches-bin/readme.html",)
    first = np.frombuffer(records(6, 9), np.uint8).reshape(6, 3073)[:, 1:]
    assert {image.tobytes() for image in loaded(path).test.images} == {row.tobytes() for row in first}


def test_the_archive_is_read_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "folder", ten("cifar-10-batches-bin/"))
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "folder", ".")
    one, other = loaded(tmp_path / "folder"), loaded(tmp_path / "cifar-10-binary.tar.gz")
    assert one.sha256 == other.sha256


def test_a_hundred_classes_have_a_coarse_column(tmp_path: Path) -> None:
    files = {"train.bin": records(30, 1, 2), "test.bin": records(6, 2, 2)}
    files |= {"fine_label_names.txt": "\n".join(ANIMALS).encode(), "coarse_label_names.txt": b"flies\nwalks\n"}
    found = opened(write(tmp_path, files))
    assert found.facts.classes == ANIMALS
    assert found.facts.columns == {"coarse": ("flies", "walks")}
    assert opened(tmp_path, label_column="coarse").facts.classes == ("flies", "walks")
    dataset = loaded(tmp_path)
    assert {image.tobytes() for image in dataset.test.images} == {
        row.tobytes() for row in np.frombuffer(files["test.bin"], np.uint8).reshape(6, 3074)[:, 2:]
    }


def test_without_names_labels_are_their_own(tmp_path: Path) -> None:
    files = {name: content for name, content in ten().items() if name.endswith(".bin")}
    assert opened(write(tmp_path, files)).facts.classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("names", "address"),
    [
        (("data_batch_1", "test_batch", "batches.meta"), "cifar-10-batches-py/"),
        (("train", "test", "meta"), "cifar-100-python/"),
    ],
)
def test_the_version_that_is_a_pickle_is_refused(tmp_path: Path, names: tuple[str, ...], address: str) -> None:
    content = pickle.dumps({b"data": [1]}, protocol=2)
    message = fault(write(tmp_path, {address + name: content for name in names}))
    assert "is CIFAR's Python version, a pickle, which runs any code when it is read" in message
    assert "https://www.cs.toronto.edu/~kriz/cifar.html" in message


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    files = ten()
    files["data_batch_3.bin"] = files["data_batch_3.bin"][:-10]
    message = fault(write(tmp_path, files))
    assert "data_batch_3.bin has 27,647 bytes: expected 1 of labels and 3,072 of pixels for each image" in message


def test_a_label_without_a_name_is_refused(tmp_path: Path) -> None:
    message = fault(write(tmp_path, ten() | {"batches.meta.txt": b"bird\ncat\n"}))
    assert "batches.meta.txt has 2 names, and data_batch_1.bin the label 2" in message


def test_files_of_no_part_beside_parts_are_refused(tmp_path: Path) -> None:
    message = fault(write(tmp_path, ten() | {"more_batch.bin": records(3, 3)}))
    assert "more_batch.bin is beside files of parts" in message
