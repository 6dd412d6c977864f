"""A run on own images: what it keeps of them, and what it says when they change."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rungwise.data.settings import Data
from rungwise.engine import local
from rungwise.records.errors import StoreError
from rungwise.runs.run import open_run, run_study
from rungwise.study.reading import parse_study
from tests.material.photos import photo, write_photos

pytestmark = pytest.mark.usefixtures("empty_cache")

STUDY = """
title = "own"
seeds = 2
[[chapter]]
kind = "mlps"
data = { source = %r }
fit = { epochs = 1, batch = 8, rate = 0.01 }
nets = { A = { hidden = [4] } }
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos")


def study(photos: Path):
    return parse_study(STUDY % str(photos), "own.toml")


def test_a_run_needs_neither_images_nor_cache_for_its_report(photos: Path, tmp_path: Path) -> None:
    run = run_study(study(photos), tmp_path / "run", workers=1)
    report = (tmp_path / "run/report.html").read_bytes()
    ids = sorted(run.records)
    shutil.rmtree(photos)
    shutil.rmtree(tmp_path / "cache")
    moved = shutil.move(tmp_path / "run", tmp_path / "elsewhere")
    again = open_run(Path(moved))
    assert sorted(again.records) == ids
    again.write_report()
    assert (tmp_path / "elsewhere/report.html").read_bytes() == report
    assert str(photos).encode() not in report
    assert b"12 \xc3\x97 12 pixels and in colour, are used as they are" in report


def test_records_keep_what_a_net_must_know(photos: Path, tmp_path: Path) -> None:
    data = Data(source=str(photos), image_size=8, background="black")
    chapter = study(photos).chapters[0].model_copy(update={"data": data})
    run = run_study(study(photos).model_copy(update={"chapters": (chapter,)}), tmp_path / "run", workers=1)
    for record in run.records.values():
        assert record.images == {
            "name": "photos",
            "image": [3, 8, 8],
            "classes": ["cat", "dog", "owl"],
            "columns": {},
            "preparation": {"image_size": 8, "background": "black"},
        }
        assert record.data_sha256.keys() == {"files", "pixels"}
        assert record.data_sha256["files"] == data.facts.digest


def test_a_moved_folder_is_not_computed_again(photos: Path, tmp_path: Path) -> None:
    first = run_study(study(photos), tmp_path / "run", workers=1)
    moved = photos.rename(tmp_path / "moved")
    again = run_study(study(moved), tmp_path / "run", workers=1)
    assert {i: r.environment.finished_at for i, r in again.records.items()} == {
        i: r.environment.finished_at for i, r in first.records.items()
    }
    assert again.changed == ()


def test_changed_files_are_named_and_computed_anew(photos: Path, tmp_path: Path) -> None:
    first = run_study(study(photos), tmp_path / "run", workers=1)
    Image.fromarray(photo("cat", 99)).save(photos / "cat/99.png")
    Image.fromarray(photo("cat", 98)).save(photos / "cat/0.png")
    (photos / "dog/0.png").unlink()
    (photos / "dog/1.png").rename(photos / "owl/1b.png")
    (photos / "owl/2.png").rename(photos / "owl/2b.png")
    again = run_study(study(photos), tmp_path / "run", workers=1)
    (told,) = again.changed
    assert told == (
        f"{photos} has changed since the last run here, so its trials are computed anew: 1 file added (cat/99.png); "
        "1 file removed (dog/0.png); 1 file changed (cat/0.png); 1 file relabelled (dog/1.png → owl/1b.png); "
        "1 file renamed (owl/2.png → owl/2b.png)"
    )
    assert not set(first.records) & set(again.records)
    assert run_study(study(photos), tmp_path / "run", workers=1).changed == ()


def test_arrays_from_python(tmp_path: Path) -> None:
    images = np.stack([photo(name, number) for name in ("cat", "dog") for number in range(16)])
    labels = np.repeat(["cat", "dog"], 16)
    run = run_study(study_of_digits(), tmp_path / "run", workers=1, data=(images, labels))
    assert {tuple(record.images["classes"]) for record in run.records.values()} == {("cat", "dog")}
    assert (tmp_path / "run/study.toml").is_file()
    records = open_run(tmp_path / "run").records.values()
    assert sorted(record.label for record in records) == ["A", "A", "images", "labels by A", "labels by A"]


def study_of_digits():
    return parse_study(STUDY % "digits", "digits.toml")


def test_the_study_that_was_made_can_be_run_again(photos: Path, tmp_path: Path, monkeypatch) -> None:
    first = run_study(study_of_digits(), tmp_path / "run", workers=1, data=photos)
    text = (tmp_path / "run/study.toml").read_text("utf-8")
    monkeypatch.setattr(local.LocalEngine, "_hire", None)  # nothing is left to compute
    again = run_study(parse_study(text, "study.toml"), tmp_path / "run", workers=1)
    assert again.records.keys() == first.records.keys()


def test_damaged_facts_are_named(photos: Path, tmp_path: Path) -> None:
    run_study(study(photos), tmp_path / "run", workers=1)
    path = tmp_path / "run/data.json"
    content = json.loads(path.read_text("utf-8"))
    content["facts"] = {key: {} for key in content["facts"]}
    path.write_text(json.dumps(content))
    with pytest.raises(StoreError, match=r"data\.json is damaged"):
        open_run(tmp_path / "run")
