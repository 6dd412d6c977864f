"""A folder belongs to a study: no other one takes it, and what is on record and not reported is said."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from rungwise.cli.app import app
from rungwise.records.environment import environment_here
from rungwise.records.errors import StoreError
from rungwise.records.store import Store
from rungwise.study.folder import check_owner, unreported
from rungwise.study.reading import parse_study
from rungwise.study.study import Study, study_trials
from rungwise.trial import Outcome

ENVIRONMENT = environment_here(device="cpu", threads=1, workers=1)


def study(title: str = "Mine", seeds: int = 1, nets: str = "A = { hidden = [8] }") -> Study:
    return parse_study(
        f"""
title = "{title}"
seeds = {seeds}
[[chapter]]
kind = "mlps"
data = {{ source = "digits" }}
fit = {{ epochs = 1 }}
nets = {{ {nets} }}
[[chapter]]
kind = "seeing"
data = {{ source = "digits" }}
fit = {{ epochs = 1 }}
net = {{ filters = [2] }}
""",
        "study",
    )


def filled(root: Path, what: Study) -> Store:
    store = Store(root).create()
    (root / "study.json").write_text(what.as_json())
    for _, trial in study_trials(what):
        store.save(trial, Outcome(), ENVIRONMENT, {})
    return store


def test_another_study_does_not_take_the_folder(tmp_path: Path) -> None:
    store = filled(tmp_path, study("Student A"))
    check_owner(study("Student A", seeds=9), store)
    with pytest.raises(StoreError, match=r"expected 'Student B' in study\.json, found 'Student A'.*--out"):
        check_owner(study("Student B"), store)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'"x"'])
def test_a_folder_whose_study_is_damaged_is_nobodys(tmp_path: Path, content: bytes) -> None:
    store = filled(tmp_path, study())
    (tmp_path / "study.json").write_bytes(content)
    with pytest.raises(StoreError, match=r"study\.json is damaged"):
        check_owner(study(), store)


def test_two_studies_of_one_file_name_meet_in_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The case of ``a/study.toml`` and ``b/study.toml``, both without --out."""
    monkeypatch.chdir(tmp_path)
    text = '[[chapter]]\nkind = "projection"\ndata = { source = "digits", train_images = 100 }\n'
    for name in ("a", "b"):
        Path(name).mkdir()
        Path(name, "study.toml").write_text(f'title = "Student {name}"\n{text}')
    assert CliRunner().invoke(app, ["run", "a/study.toml", "--quiet"]).exit_code == 0
    before = {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()}
    found = CliRunner().invoke(app, ["run", "b/study.toml", "--quiet"])
    assert found.exit_code == 2
    assert "holds the run of another study" in found.stderr
    assert {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()} == before


def test_all_is_reported_where_the_study_asks_for_all(tmp_path: Path) -> None:
    assert unreported(study(seeds=3), filled(tmp_path, study(seeds=3))) == ()


def test_seeds_that_are_not_asked_for_are_told_with_the_way_to_include_them(tmp_path: Path) -> None:
    store = filled(tmp_path, study(seeds=3))
    (note,) = unreported(study(seeds=1), store)
    assert note.startswith("Seeds 1 and 2 of this study are on record")
    assert f"--seeds 3 --out {tmp_path}" in note
    (note,) = unreported(study(seeds=2), store)
    assert note.startswith("Seed 2 of this study is on record")


def test_models_and_chapters_that_went_are_told(tmp_path: Path) -> None:
    store = filled(tmp_path, study(nets="A = { hidden = [8] }, Old = { hidden = [9] }"))
    (note,) = unreported(study(), store)
    assert note.startswith("1 finished trial in the folder is not part of the study as it is now")
    assert "(Old)" in note


def test_what_is_damaged_or_strange_is_left_to_verify(tmp_path: Path) -> None:
    store = filled(tmp_path, study(seeds=2))
    for folder in (tmp_path / "trials").iterdir():
        (folder / "record.json").write_text("{")
    (tmp_path / "trials" / ".DS_Store").write_text("")
    assert unreported(study(), store) == ()
