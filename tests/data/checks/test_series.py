"""Series in file names: planted groups are found, and chance is not."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from rungwise.data.checks.series import NOTHING, features_of, find_series
from rungwise.data.load import load
from rungwise.data.settings import Data

DIGITS = "own/sign-language-digits.zip"


def people(count: int, classes: int = 4, *, light: float = 25.0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Each person once in every class, in a light of their own, with numbers that run person by person."""
    random = np.random.default_rng(0)
    own = np.repeat(random.normal(0, light, count), classes)
    labels = np.tile(np.arange(classes), count)
    pixels = 120 + 10 * labels + own
    images = np.clip(pixels[:, None, None, None] + random.normal(0, 15, (len(labels), 1, 8, 8)), 0, 255)
    return images.astype(np.uint8), labels, [f"{label}/IMG_{1000 + i}.JPG" for i, label in enumerate(labels)]


def test_people_are_found_through_all_classes() -> None:
    found = find_series(*people(60))
    assert found.hints
    assert not found.within
    assert found.pairs == 239
    assert found.p == 2 / 500


def test_films_are_found_within_each_class() -> None:
    random = np.random.default_rng(0)
    light = np.repeat(random.normal(0, 25, 24), 10)  # 24 films of ten pictures, eight for each of three classes
    labels = np.repeat(np.arange(3), 80)
    images = np.clip(120 + light[:, None, None, None] + random.normal(0, 15, (240, 1, 8, 8)), 0, 255).astype(np.uint8)
    found = find_series(images, labels, [f"{label}/{i % 80}.png" for i, label in enumerate(labels)])
    assert found.hints
    assert found.within


def test_shuffled_names_say_nothing() -> None:
    images, labels, names = people(60)
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(len(names))
        assert not find_series(images, labels, [names[i] for i in order]).hints


def test_independent_images_say_nothing_though_classes_stand_together() -> None:
    random = np.random.default_rng(3)
    labels = np.repeat(np.arange(5), 40)
    images = np.clip(40 * labels[:, None, None, None] + random.normal(60, 10, (200, 1, 8, 8)), 0, 255).astype(np.uint8)
    assert not find_series(images, labels, [f"{i}.png" for i in range(200)]).hints


def test_order_on_disk_means_nothing() -> None:
    images, labels, names = people(30)
    order = np.random.default_rng(0).permutation(len(names))
    first, again = (
        find_series(images, labels, names),
        find_series(images[order], labels[order], [names[i] for i in order]),
    )
    assert again._replace(alike=0) == first._replace(alike=0)
    assert again.alike == pytest.approx(first.alike, abs=1e-5)


@pytest.mark.parametrize("names", [["a.png"] * 200, [f"{i}.png" for i in range(15)]])
def test_too_few_numbers_say_nothing(names: list[str]) -> None:
    images, labels, _ = people(50)
    assert find_series(images[: len(names)], labels[: len(names)], names) == NOTHING


def test_blank_images_have_no_series() -> None:
    images = np.zeros((50, 1, 4, 4), np.uint8)
    found = find_series(images, np.arange(50) % 2, [f"{i}.png" for i in range(50)])
    assert (found.alike, found.hints) == (0.0, False)


def test_a_pixel_is_enough_for_features() -> None:
    assert np.isfinite(features_of(np.zeros((3, 1, 1, 1), np.uint8))).all()


def test_the_students_of_the_sign_language_digits_are_found() -> None:
    path = Path(os.environ.get("RUNGWISE_DATA", "")) / DIGITS
    if not path.is_file():
        pytest.skip(f"{DIGITS} is not in the folder RUNGWISE_DATA")
    data = Data(source=str(path), image_size=32)
    whole = load(data)
    assert whole.test is not None
    names = [*whole.train.file_names, *whole.test.file_names]
    with zipfile.ZipFile(path) as archive:
        inside = {"/".join(name.split("/")[-2:]) for name in archive.namelist() if name.lower().endswith(".jpg")}
    assert set(names) == inside
    images = np.concatenate([whole.train.images, whole.test.images])
    labels = np.concatenate([whole.train.labels, whole.test.labels])
    assert [name.partition("/")[0] for name in names] == [whole.classes[k] for k in labels]
    found = find_series(images, labels, names)
    assert found.hints
    assert found.alike > 0.5
    shuffled = [names[i] for i in np.random.default_rng(0).permutation(len(names))]
    assert not find_series(images, labels, shuffled).hints
