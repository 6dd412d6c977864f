"""Own images on the command line."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.material.photos import write_photos


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_photos(tmp_path / "photos", count=16)
    return tmp_path


def rungwise(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(home / "cache"), "COLUMNS": "200", "SOURCE_DATE_EPOCH": "0"}
    return subprocess.run(
        [sys.executable, "-m", "rungwise", *words],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )


def test_look(home: Path) -> None:
    (home / "photos/notes.txt").write_text("mine")
    (home / "photos/empty").mkdir()
    said = rungwise(home, "data", "look", "photos")
    assert said.returncode == 0, said.stderr
    assert "photos: a folder of images for each class, 48 images of 3 classes" in said.stdout
    assert "cat            12           4" in said.stdout
    assert "all            36          12" in said.stdout
    assert "empty" in said.stdout
    assert "notes.txt" in said.stdout
    assert said.stderr == ""


def test_look_as_json(home: Path) -> None:
    found = json.loads(rungwise(home, "data", "look", "photos", "--json").stdout)
    assert (found["schema"], found["name"], found["image"]) == (1, "photos", [3, 12, 12])
    assert found["classes"][0] == {"name": "cat", "train": 12, "test": 4}
    assert found["sizes"] == [{"height": 12, "width": 12, "images": 48}]
    assert found["strange"] == []


def test_look_as_a_page(home: Path) -> None:
    said = rungwise(home, "data", "look", "photos", "--html", "look.html")
    page = (home / "look.html").read_text("utf-8")
    assert said.stdout.splitlines()[-1] == "look.html"
    assert "1 January 1970" in page
    for word in ("cat", "dog", "owl", "Training images of every class", "data:image/png;base64"):
        assert word in page
    assert "0 trials" not in page


def test_look_names_what_is_strange(home: Path) -> None:
    for name in ("a", "b"):
        (home / f"photos/cat/{name}.png").write_bytes((home / "photos/cat/0.png").read_bytes())
    (home / "photos/owl/twin.png").write_bytes((home / "photos/cat/0.png").read_bytes())
    said = rungwise(home, "data", "look", "photos")
    strange = said.stdout.partition("Strange:")[2]
    assert "1 image occurs with two labels: as " in strange
    assert "pixel by pixel" in strange


@pytest.mark.parametrize("words", [("data", "look"), ("plan", "quick", "--data"), ("new",)])
def test_what_is_not_there(home: Path, words: tuple[str, ...]) -> None:
    said = rungwise(home, *words, "photo")
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1
    assert "there is no folder or file" in said.stderr


def test_a_data_set_by_name_is_not_looked_at(home: Path) -> None:
    said = rungwise(home, "data", "look", "mnist")
    assert (said.returncode, "`rungwise data list`" in said.stderr) == (2, True)


def test_a_damaged_image_is_named_and_can_be_skipped(home: Path) -> None:
    (home / "photos/cat/3.png").write_bytes((home / "photos/cat/3.png").read_bytes()[:100])
    said = rungwise(home, "data", "look", "photos")
    assert said.returncode == 2
    assert "cat/3.png" in said.stderr
    assert "skip_damaged = true" in said.stderr
    assert "Traceback" not in said.stderr
    assert "1 damaged image of 48 left out" in rungwise(home, "data", "look", "photos", "--skip-damaged").stdout


def test_new_writes_a_study_that_can_be_planned(home: Path) -> None:
    said = rungwise(home, "new", "photos", "--out", "mine.toml")
    assert said.stdout == "mine.toml\n"
    assert "left out: the chapter 'multitask'" in said.stderr
    study = tomllib.loads((home / "mine.toml").read_text("utf-8"))
    assert study["chapter"][0]["data"] == {"source": "./photos"}
    assert {frozenset(pair) for pair in next(one for one in study["chapter"] if "pairs" in one)["pairs"]} == {
        frozenset(pair) for pair in (("cat", "dog"), ("cat", "owl"), ("dog", "owl"))
    }
    assert "photos" in rungwise(home, "plan", "mine.toml").stdout
    again = rungwise(home, "new", "photos", "--out", "mine.toml")
    assert (again.returncode, "mine.toml exists" in again.stderr) == (2, True)


def test_run_on_own_images(home: Path) -> None:
    words = ("run", "quick", "--data", "photos", "--seeds", "1", "--chapters", "projection", "--quiet")
    said = rungwise(home, *words)
    assert said.returncode == 0, said.stderr
    folder = home / "runs/quick-photos"
    assert said.stdout.splitlines()[-1] == str(Path("runs/quick-photos/report.html"))
    assert (folder / "study.toml").is_file()
    assert "photos: the quick study" in (folder / "report.html").read_text("utf-8")
    (home / "photos/cat/0.png").unlink()
    said = rungwise(home, *words)
    assert "1 file removed (cat/0.png)" in said.stderr
