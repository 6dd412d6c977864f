"""The chapter on the data, on folders with planted findings: what it tells, and what stands beside verdicts."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rungwise.data.look import look
from rungwise.data.own.preparation import Preparation
from rungwise.data.settings import Data
from rungwise.runs.run import Run, run_study
from rungwise.study.adapt import adapt
from rungwise.study.reading import parse_study, read_study
from rungwise.study.study import StudyError
from tests.material.photos import photo, write_photos

pytestmark = pytest.mark.usefixtures("empty_cache")

STUDY = """
title = "own"
seeds = 2
[[chapter]]
kind = "audit"
data = {{ source = {source!r}{more} }}
[[chapter]]
kind = "mlps"
data = {{ source = {source!r}{more} }}
fit = {{ epochs = 12, batch = 8, rate = 0.01 }}
nets = {{ A = {{ hidden = [16] }}, B = {{ hidden = [4] }} }}
[[chapter.claim]]
id = "better"
says = "A is better than B"
test = {{ metric = "test_accuracy", better = "A", than = "B" }}
[[chapter.claim]]
id = "size"
says = "A is larger than B"
test = {{ metric = "parameters", higher = "A", than = "B" }}
"""


def run(photos: Path, out: Path, more: str = "") -> Run:
    return run_study(parse_study(STUDY.format(source=str(photos), more=more), "own.toml"), out, workers=1)


def found(run: Run) -> dict[str, str]:
    """What each check found, by what it looked for."""
    chapter = json.loads((run.store.root / "findings.json").read_text())["chapters"][0]
    (table,) = (table for table in chapter["tables"] if table["id"] == "audit-checks")
    return {row[0]: row[2] for row in table["rows"]}


def parted(folder: Path, train: int = 20, test: int = 8) -> Path:
    """Photos with a test part of their own, of names that are in no series."""
    write_photos(folder / "train", train)
    for name in ("cat", "dog", "owl"):
        (folder / "test" / name).mkdir(parents=True)
        for number in range(test):
            Image.fromarray(photo(name, 1000 + number)).save(folder / "test" / name / f"{number}.png")
    return folder


def test_clean_images_have_nothing(tmp_path: Path) -> None:
    photos = parted(tmp_path / "photos")
    done = run(photos, tmp_path / "run")
    told = found(done)
    assert told["the same image in two parts"] == "none of 84 images"
    assert told["almost the same image in training and another part"] == "none of 24 images outside training"
    assert told["series in file names"].startswith("no sign of groups")
    assert told["labels that nets agree against"].startswith("none of 24 test images")
    assert all(not claim.cautions for claim in done.claims["mlps"])
    assert "cautions" not in (done.store.root / "findings.json").read_text()


def test_what_is_planted_is_found_and_stands_beside_the_verdicts_that_it_touches(tmp_path: Path) -> None:
    photos = parted(tmp_path / "photos")
    shutil.copy(photos / "train/cat/3.png", photos / "test/cat/same.png")
    shutil.copy(photos / "train/dog/4.png", photos / "train/owl/other.png")
    brighter = np.asarray(Image.open(photos / "train/owl/5.png")).astype(int) + 20
    Image.fromarray(np.clip(brighter, 0, 255).astype(np.uint8)).save(photos / "test/owl/almost.png")
    shutil.move(photos / "test/dog/2.png", photos / "test/cat/wrong.png")
    Image.new("RGB", (12, 12), (9, 9, 9)).save(photos / "train/owl/blank.png")
    done = run(photos, tmp_path / "run")
    told = found(done)
    assert told["the same image in two parts"] == "1 of 88 images"
    assert told["the same image twice in a part"] == "1 of 88 images"
    assert told["the same image with two labels"] == "1 of 88 images"
    assert told["images of a single colour"] == "1 of 88 images"
    assert told["almost the same image in training and another part"] == "1 of 26 images outside training"
    assert told["labels that nets agree against"].startswith("1 of 26 test images")
    better, size = done.claims["mlps"]
    assert [caution.says for caution in better.cautions] == [
        "1 image occurs in two parts, so that nets are tested on what they learnt",
        "1 image outside training is almost the same as a training image",
        "1 image occurs with two labels",
        "the labels of 1 test image are in doubt",
    ]
    assert not size.cautions, "a count of parameters does not depend on the images"
    report = (done.store.root / "report.html").read_text()
    assert report.count('in doubt. <a href="#chapter-1">The data, looked at</a>') == 1
    assert "1 image occurs in two parts" in (done.store.root / "report.md").read_text()
    findings = json.loads((done.store.root / "findings.json").read_text())
    files = {table["id"]: table["rows"] for table in findings["chapters"][0]["tables"]}
    assert files["audit-doubts"][0][:3] == ["test/cat/wrong.png", "cat", "dog"]
    near = files["audit-near"][0]
    assert (near[0], near[3]) == ("test/owl/almost.png", "train/owl/5.png")
    pictures = {figure["id"] for figure in findings["chapters"][0]["figures"]}
    assert pictures == {"audit-repeated-pairs", "audit-near-pairs", "audit-doubtful"}
    seen = look(photos, Preparation())
    checks = seen.as_json()["checks"]
    assert isinstance(checks, dict)
    assert checks.pop("series")["hints"] is False
    assert checks == {
        "repeated": 2,
        "repeated_across_parts": 1,
        "nearly_repeated_across_parts": 1,
        "single_colour": 1,
    }


def test_uneven_classes_touch_accuracy_alone(tmp_path: Path) -> None:
    photos = parted(tmp_path / "photos", train=40)
    for number in range(9, 40):
        (photos / f"train/dog/{number}.png").unlink()
    for number in range(1, 8):
        (photos / f"test/dog/{number}.png").unlink()
    done = run(photos, tmp_path / "run")
    told = found(done)
    assert told["classes with fewer than 10 images"] == "none of 3 classes"
    assert told["uneven classes"].startswith("4.80 times; 47.1% (cat)")
    better, size = done.claims["mlps"]
    assert [caution.says for caution in better.cautions] == ["always answering 'cat' would be right for 47.1%"]
    assert not size.cautions


def test_each_seeds_split_is_looked_at_where_it_draws_its_own(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 16)
    shutil.copy(photos / "cat/3.png", photos / "cat/again.png")
    done = run(photos, tmp_path / "run", ', split = "per seed"')
    assert len([row for row in done.records.values() if row.label == "images"]) == 2
    views = [record for record in done.records.values() if record.label == "images"]
    assert all(len(view.arrays["repeated"]) == 1 for view in views)
    assert "labels that nets agree against" in found(done)


def test_groups_in_a_series_are_hinted_at_unless_the_split_keeps_them(tmp_path: Path) -> None:
    random, rows = np.random.default_rng(0), ["file_name,label,group"]
    (tmp_path / "photos").mkdir()
    for number in range(120):
        person, label = divmod(number, 3)
        light = np.random.default_rng(person).normal(0, 40)
        pixels = np.clip(110 + 12 * label + light + random.normal(0, 15, (9, 9, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"IMG_{number}.png")
        rows.append(f"IMG_{number}.png,{'abc'[label]},{person}")
    (tmp_path / "photos/metadata.csv").write_text("\n".join(rows))
    alone = run(tmp_path / "photos", tmp_path / "run", ', group_column = "none"')
    assert "groups may be in training and test" in alone.claims["mlps"][0].cautions[0].says
    together = run(tmp_path / "photos", tmp_path / "together")
    assert found(together)["series in file names"].endswith("the split keeps groups together")
    assert not any("groups" in one.says for one in together.claims["mlps"][0].cautions)


def test_data_by_name_has_no_file_names(tmp_path: Path) -> None:
    text = 'title = "t"\n[[chapter]]\nkind = "audit"\ndata = { source = "digits" }\n'
    done = run_study(parse_study(text, "t.toml"), tmp_path / "run", workers=1)
    told = found(done)
    assert told["series in file names"] == "not looked at: the images have no file names"
    assert told["labels that nets agree against"].startswith("not looked at: the study has no chapter")


def test_a_study_of_own_images_begins_with_it_and_one_by_name_stays(tmp_path: Path) -> None:
    data = Data(source=str(write_photos(tmp_path / "photos")))
    assert adapt(read_study("quick"), "quick", data).study.chapters[0].kind == "audit"
    by_name = adapt(read_study("quick"), "quick", Data(source="digits")).study
    assert "audit" not in [chapter.kind for chapter in by_name.chapters]


def test_the_net_is_the_studys_own_so_that_it_is_fitted_once(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos")
    study = parse_study(STUDY.format(source=str(photos), more=""), "own.toml")
    audit, mlps = study.chapters
    assert audit.asked == "A"
    assert audit.nets.nets == mlps.nets
    assert audit.nets.claims == ()
    other = STUDY.replace('kind = "audit"', 'kind = "audit"\nmodel = "B"')
    assert parse_study(other.format(source=str(photos), more=""), "own.toml").chapters[0].asked == "B"


def test_images_of_an_earlier_version_are_decoded_anew(tmp_path: Path) -> None:
    from rungwise.data.load import load
    from rungwise.data.own.opened import FACTS, open_own

    photos = write_photos(tmp_path / "photos")
    opened = open_own(photos, Preparation())
    known = json.loads((opened.folder / FACTS).read_text())
    del known["layout"]
    (opened.folder / FACTS).write_text(json.dumps(known))
    with np.load(opened.folder / "labels.npz") as arrays:
        kept = {name: arrays[name] for name in arrays.files if not name.endswith("names")}
    np.savez(opened.folder / "labels.npz", **kept)
    data = Data(source=str(photos))
    assert load(data).train.file_names[0].startswith("cat/")
    assert data.facts == Data(source=str(photos)).facts


def test_a_net_that_no_chapter_has_is_refused(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 8)
    text = STUDY.format(source=str(photos), more="").replace('kind = "audit"', 'kind = "audit"\nmodel = "C"')
    with pytest.raises(StudyError, match="split in the same way, has a net 'C'"):
        parse_study(text, "own.toml")
