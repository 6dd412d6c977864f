"""What a source means: names, and paths of own images that trials know by their content."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rungwise.data import load, settings
from rungwise.data.errors import DataError
from rungwise.data.own.preparation import Preparation
from rungwise.data.reading import Reading, is_path
from rungwise.data.settings import Data
from rungwise.data.split import split
from rungwise.models.mlp import MlpSettings
from rungwise.study.reading import parse_study
from rungwise.study.study import StudyError, study_trials
from rungwise.training.settings import Fit, Recipe
from tests.material.photos import photo, write_photos

pytestmark = pytest.mark.usefixtures("empty_cache")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos")


def fit(data: Data) -> Fit:
    return Fit(label="a", data=data, seed=0, net=MlpSettings(hidden=(5,)), fit=Recipe(epochs=1))


STUDY = """
title = "own"
[[chapter]]
kind = "mlps"
data = { source = %r }
fit = { epochs = 1, batch = 8, rate = 0.01 }
nets = { A = { hidden = [4] } }
"""


@pytest.mark.parametrize("source", ["./photos", "../photos", "~/photos", "/photos", "a/b", "photos.zip", "..", "a\\b"])
def test_what_is_a_path(source: str) -> None:
    assert is_path(source)


@pytest.mark.parametrize("source", ["mnist", "emnist-balanced", "photos"])
def test_what_is_a_name(source: str) -> None:
    assert not is_path(source)


def test_own_data_has_the_facts_of_its_files(photos: Path) -> None:
    data = Data(source=str(photos))
    assert (data.facts.name, data.classes, data.facts.image) == ("photos", ("cat", "dog", "owl"), (3, 12, 12))
    assert (data.facts.train_images, data.facts.test_images) == (27, 9)  # a quarter of each twelve
    assert data.identity == f"sha256:{data.facts.digest}"


def test_trials_know_own_data_by_its_content(photos: Path, tmp_path: Path) -> None:
    trial = fit(Data(source=str(photos)))
    assert str(photos) not in str(trial.spec)
    moved = photos.rename(tmp_path / "elsewhere")
    assert fit(Data(source=str(moved))).id == trial.id
    shutil.make_archive(str(tmp_path / "packed"), "zip", moved)
    assert fit(Data(source=str(tmp_path / "packed.zip"))).id == trial.id


def _change(photos: Path, how: str) -> None:
    if how == "changed":
        Image.fromarray(photo("cat", 99)).save(photos / "cat/0.png")
    elif how == "added":
        Image.fromarray(photo("cat", 99)).save(photos / "cat/99.png")
    elif how == "removed":
        (photos / "cat/0.png").unlink()
    else:
        (photos / "cat/0.png").rename(photos / "dog/0b.png")


@pytest.mark.parametrize("how", ["changed", "added", "removed", "relabelled"])
def test_other_content_gives_other_trials(photos: Path, how: str) -> None:
    before = fit(Data(source=str(photos))).id
    _change(photos, how)
    assert fit(Data(source=str(photos))).id != before


def test_a_file_that_is_no_image_changes_nothing(photos: Path) -> None:
    before = fit(Data(source=str(photos))).id
    (photos / "notes.txt").write_text("mine")
    (photos / ".hidden").mkdir()
    assert fit(Data(source=str(photos))).id == before


CHANGES = {
    "image_size": 8,
    "resize": "crop",
    "background": "black",
    "skip_damaged": True,
    "split": "per seed",
    "split_seed": 1,
    "test_share": 0.5,
    "label_column": "kind",
    "group_column": "none",
}


def test_every_setting_of_own_images_is_part_of_the_identity(photos: Path) -> None:
    table = photos / "metadata.csv"
    rows = [f"{path.parent.name}/{path.name},{path.parent.name}" for path in sorted(photos.rglob("*.png"))]
    table.write_text("\n".join(["file_name,kind", *rows]))
    usual = Data(source=str(photos), label_column="kind")
    ids = [fit(usual).id]
    for name, value in (CHANGES | {"label_column": None}).items():
        ids.append(fit(Data(**{"source": str(photos), "label_column": "kind", name: value})).id)
    assert len(set(ids)) == len(ids)
    assert set(CHANGES) == set(Preparation.model_fields) - {"metadata"}  # what that says is in the digest


def test_settings_at_their_defaults_are_not_written(photos: Path) -> None:
    data = Data(source=str(photos))
    assert data.model_dump() == {"source": str(photos), "train_images": None}
    assert data.model_dump(context=settings.IDENTITY) == {"source": data.identity, "train_images": None}


def test_paths_are_relative_to_the_study(photos: Path, tmp_path: Path) -> None:
    study = parse_study(STUDY % "./photos", "own.toml", Reading(base=tmp_path))
    assert study.chapters[0].data.source == str(photos)
    with pytest.raises(StudyError, match=r"line 5: data: there is no folder or file .*photos2"):
        parse_study(STUDY % "./photos2", "own.toml", Reading(base=tmp_path))


def test_a_folder_without_a_sign_of_a_path_is_hinted_at(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"no data set is called 'photos'.*write './photos'"):
        parse_study(STUDY % "photos", "own.toml", Reading(base=tmp_path))


def test_chapters_with_the_same_data_open_it_once(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rungwise.data.own import opened

    calls = []
    real = opened.open_own
    monkeypatch.setattr(opened, "open_own", lambda *a, **k: calls.append(a) or real(*a, **k))
    text = STUDY % str(photos)
    study = parse_study(text + text[text.index("[[") :].replace('"mlps"', '"mlps"\nname = "b"'), "two.toml")
    assert len(study.chapters) == 2
    assert len(calls) == 1


def test_settings_of_own_images_are_refused_for_data_by_name() -> None:
    with pytest.raises(ValueError, match="image_size is for own images; 'digits' is a data set"):
        Data(source="digits", image_size=8)


def test_known_facts_need_no_files(photos: Path, tmp_path: Path) -> None:
    data = Data(source=str(photos))
    shutil.rmtree(photos)
    shutil.rmtree(tmp_path / "cache")
    again = Data.model_validate({"source": str(photos)}, context=Reading(known={data.key: data.facts}))
    assert again == data


def test_images_come_from_the_cache_whatever_became_of_the_files(photos: Path) -> None:
    data = Data(source=str(photos))
    before = load.load(data)
    shutil.rmtree(photos)
    assert np.array_equal(load.load(data).train.images, before.train.images)


def test_a_change_behind_the_study_is_told(photos: Path, tmp_path: Path) -> None:
    data = Data(source=str(photos))
    _change(photos, "changed")
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(DataError, match="has changed since the study was read"):
        load.load(data)


def test_damage_in_the_cache_is_mended(photos: Path, tmp_path: Path) -> None:
    data = Data(source=str(photos))
    (path,) = (tmp_path / "cache").rglob("train.npy")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    wrong = content[-1]
    assert load.load(data).train.images[-1, -1, -1, -1] == wrong ^ 1  # decoded anew
    (path,) = (tmp_path / "cache").rglob("facts.json")
    path.write_text("{")
    assert load.load(data).sha256 == load.load(Data(source=str(photos))).sha256


def test_the_split_is_the_same_for_every_seed_and_net(photos: Path) -> None:
    data = Data(source=str(photos))
    dataset = load.load(data)
    first, second = (split(dataset, data, seed) for seed in (0, 1))
    assert np.array_equal(first.test.images, second.test.images)
    assert np.array_equal(first.train.images, second.train.images)
    assert np.bincount(first.test.labels).tolist() == [3, 3, 3]


def test_a_split_per_seed_is_another_for_each(photos: Path) -> None:
    data = Data(source=str(photos), split="per seed")
    dataset = load.load(data)
    assert dataset.test is None
    parts = [split(dataset, data, seed) for seed in (0, 1)]
    assert not np.array_equal(parts[0].test.images, parts[1].test.images)
    for part in parts:
        assert np.bincount(part.test.labels).tolist() == [3, 3, 3]
        assert not _bytes(part.train) & _bytes(part.test)
        assert len(_bytes(part.train) | _bytes(part.test)) == 36


def test_a_test_part_that_is_given_is_never_trained_on(tmp_path: Path) -> None:
    write_photos(tmp_path / "own/train")
    write_photos(tmp_path / "own/test")
    for path in (tmp_path / "own/test").rglob("*.png"):
        Image.fromarray(photo(path.parent.name, 100 + int(path.stem))).save(path)
    write_photos(tmp_path / "own/val", count=2)
    for path in (tmp_path / "own/val").rglob("*.png"):
        Image.fromarray(photo(path.parent.name, 200 + int(path.stem))).save(path)
    data = Data(source=str(tmp_path / "own"))
    assert (data.facts.train_images, data.facts.test_images, data.aside) == (36, 36, 6)
    for seed in (0, 1):
        part = split(load.load(data), data, seed)
        wanted = {photo(name, 100 + n).transpose(2, 0, 1).tobytes() for name in data.classes for n in range(12)}
        assert _bytes(part.test) == wanted
        assert part.validation is not None
        assert len(_bytes(part.train) | _bytes(part.validation) | wanted) == 36 + 6 + 36
    with pytest.raises(ValueError, match="has a validation part of 6 images"):
        Data(source=str(tmp_path / "own"), validation_images=3)


def _bytes(part: object) -> set[bytes]:
    return {image.tobytes() for image in part.images}  # type: ignore[attr-defined]


def test_ids_of_a_study_of_own_data(photos: Path) -> None:
    trials = study_trials(parse_study(STUDY % str(photos), "own.toml"))
    assert [trial.spec["data"] for _, trial in trials] == [
        {"source": Data(source=str(photos)).identity, "train_images": None}
    ]


def test_classes_are_named_or_numbered(photos: Path) -> None:
    data = Data(source=str(photos))
    assert data.labels_of([["owl", "cat"], [1, 0]]) == [[2, 0], [1, 0]]
    with pytest.raises(ValueError, match="photos has no class 'cow'; its classes: 'cat', 'dog', 'owl'"):
        data.labels_of(["cow"])


def test_a_study_names_classes_of_pairs_tasks_and_dreams() -> None:
    text = """
title = "named"
[[chapter]]
kind = "perceptrons"
data = { source = "fashion-mnist" }
pairs = [["bag", "coat"], [0, 1]]
[[chapter]]
kind = "multitask"
data = { source = "fashion-mnist" }
fit = { epochs = 1 }
net = { family = "compact" }
weights = [0.5]
[chapter.tasks]
item = "labels"
group = { shoes = ["sandal", "sneaker", "ankle boot"], other = ["T-shirt", 1, 2, 3, 4, 6, 8] }
"""
    perceptrons, multitask = parse_study(text, "named.toml").chapters
    assert perceptrons.pairs == ((8, 4), (0, 1))
    assert multitask.tasks["group"] == {"shoes": (5, 7, 9), "other": (0, 1, 2, 3, 4, 6, 8)}
    with pytest.raises(StudyError, match="line 6: pairs: fashion-mnist has no class 'boat'; its classes: 'T-shirt'"):
        parse_study(text.replace("coat", "boat"), "named.toml")
