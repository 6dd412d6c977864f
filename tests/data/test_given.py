"""Data as a user gives it: a name, a path, or arrays."""

from pathlib import Path

import numpy as np
import pytest

from rungwise.data.errors import DataError
from rungwise.data.given import data_of
from rungwise.data.load import load
from tests.material.photos import photo, write_photos

pytestmark = pytest.mark.usefixtures("empty_cache")


def arrays(count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    names = ("cat", "dog", "owl")
    images = np.stack([photo(name, number) for name in names for number in range(count)])
    return images, np.repeat(names, count)


def test_a_name() -> None:
    assert data_of("digits").source == "digits"


def test_a_path_needs_no_sign_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_photos(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    assert data_of("photos").source == str(tmp_path / "photos")
    assert data_of(Path("photos")) == data_of("photos")


def test_neither_a_name_nor_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"there is no folder or file .*minst.*Data sets by name: mnist, "):
        data_of("minst")


def test_arrays_are_the_data_that_files_of_them_are(tmp_path: Path) -> None:
    data = data_of(arrays())
    files = data_of(write_photos(tmp_path / "photos"))
    assert data.classes == ("cat", "dog", "owl")
    assert load(data).sha256["pixels"] == load(files).sha256["pixels"]
    assert data_of(arrays()) == data
    assert data_of(arrays(13)).identity != data.identity


def test_arrays_that_do_not_fit_are_told() -> None:
    images, labels = arrays()
    with pytest.raises(DataError, match=r"got shapes \(36, 12, 12, 3\) and \(35,\)"):
        data_of((images, labels[1:]))
    with pytest.raises(DataError, match=r"labels\.astype\(str\)"):
        data_of((images, labels.astype(object)))
    with pytest.raises(DataError, match="expected images and labels"):
        data_of((images, labels, labels))  # type: ignore[arg-type]


def test_arrays_of_several_labels_are_several_tasks() -> None:
    random = np.random.default_rng(0)
    data = data_of((random.integers(0, 256, (40, 8, 8), np.uint8), random.integers(0, 2, (40, 3))))
    assert data.facts.label == "label_0"
    assert set(data.columns) == {"label_1", "label_2"}
    with pytest.raises(DataError, match=r"labels \(N,\) or \(N, K\), got shapes \(40, 8, 8\) and \(40, 3, 2\)"):
        data_of((np.zeros((40, 8, 8), np.uint8), np.zeros((40, 3, 2), int)))
