"""Damaged records: each kind of damage is named, the rest is reported, and a run computes anew what it set aside."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from rungwise.cli.app import app
from rungwise.records.checks import seal
from rungwise.records.reading import sealed_text
from rungwise.records.record import Record
from rungwise.runs.run import DamagedRecordsWarning, Run, open_run, run_study
from rungwise.study.reading import parse_study
from rungwise.study.study import study_trials

STUDY = """
title = "Two nets"
seeds = 2

[[chapter]]
kind = "mlps"
data = { source = "digits", train_images = 200 }
fit = { epochs = 2 }
nets = { A = { hidden = [8] }, B = { hidden = [9] } }

[[chapter.claim]]
id = "a"
says = "A is better"
test = { metric = "test_accuracy", better = "A", than = "B" }
"""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("sound") / "run"
    run_study(parse_study(STUDY, "study"), folder, workers=1)
    return folder


@pytest.fixture
def run(sound: Path, tmp_path: Path) -> Run:
    shutil.copytree(sound, tmp_path / "run")
    return open_run(tmp_path / "run")


def trials(run: Run) -> list[Path]:
    """The folders of A's and B's trials, by seed."""
    return [run.store.folder(trial.id) for _, trial in study_trials(run.study)]


def edit(change: Callable[[dict], object], *, resealed: bool = False) -> Callable[[list[Path]], object]:
    """Change the JSON of the first record; `resealed`: with a digest that fits."""

    def apply(folders: list[Path]) -> None:
        path = folders[0] / "record.json"
        raw = json.loads(path.read_text())
        change(raw)
        path.write_text(json.dumps({**raw, "sha256": seal(raw)} if resealed else raw))

    return apply


def arrays(change: Callable[[dict], object]) -> Callable[[list[Path]], object]:
    def apply(folders: list[Path]) -> None:
        with np.load(folders[0] / "arrays.npz") as opened:
            found = dict(opened)
        change(found)
        np.savez_compressed(folders[0] / "arrays.npz", **found)

    return apply


def write(name: str, change: Callable[[bytes], bytes]) -> Callable[[list[Path]], object]:
    def apply(folders: list[Path]) -> None:
        path = folders[0] / name
        path.write_bytes(change(path.read_bytes()))

    return apply


def swap(name: str, other: int) -> Callable[[list[Path]], object]:
    return lambda folders: shutil.copy(folders[other] / name, folders[0] / name)


def replaced(folders: list[Path]) -> None:
    shutil.rmtree(folders[0])
    shutil.copytree(folders[1], folders[0])


def instead(make: Callable[[Path], object]) -> Callable[[list[Path]], object]:
    def apply(folders: list[Path]) -> None:
        shutil.rmtree(folders[0])
        make(folders[0])

    return apply


def weights(folders: list[Path]) -> None:
    path = folders[0] / "weights.safetensors"
    found = load_file(path)
    name = next(iter(found))
    save_file({**found, name: found[name] + 1}, path)


DAMAGE = {
    "the folder of another seed": (replaced, "it says that it is the record of"),
    "the record of another seed": (swap("record.json", 1), "it says that it is the record of"),
    "the record of another net": (swap("record.json", 2), "it says that it is the record of"),
    "the arrays of another seed": (swap("arrays.npz", 1), "arrays.npz was changed"),
    "the weights of another seed": (swap("weights.safetensors", 1), "weights.safetensors was changed"),
    "weights with a number changed": (weights, "weights.safetensors was changed"),
    "weights cut short": (write("weights.safetensors", lambda b: b[:-9]), "weights.safetensors was changed"),
    "a digit changed": (edit(lambda r: r["summary"].update(test_accuracy=r["summary"]["test_accuracy"] / 2)), "digest"),
    "an accuracy of 1.7": (edit(lambda r: r["summary"].update(test_accuracy=1.7)), "digest"),
    "an accuracy of 1.7, resealed": (
        edit(lambda r: r["summary"].update(test_accuracy=1.7), resealed=True),
        "test_accuracy is 1.7, expected from 0 to 1",
    ),
    "a negative time, resealed": (
        edit(lambda r: r["summary"].update(time_s=-1.0), resealed=True),
        "time_s is -1, expected 0 or more",
    ),
    "Infinity as text": (edit(lambda r: r["summary"].update(test_accuracy="Infinity")), "should be a valid number"),
    "Infinity": (
        write("record.json", lambda b: b.replace(b'"epochs": 2.0', b'"epochs": Infinity')),
        "Infinity is no number",
    ),
    "a curve too short, resealed": (
        edit(lambda r: r["history"].update(train_loss=r["history"]["train_loss"] * 2), resealed=True),
        "the curve train_loss has 4 values, expected 1 or 2",
    ),
    "the spec edited": (edit(lambda r: r["spec"].update(seed=7), resealed=True), "its spec is that of"),
    "the status edited": (edit(lambda r: r.update(status="failed"), resealed=True), "its status is 'failed'"),
    "the status of no kind": (edit(lambda r: r.update(status="half")), "status"),
    "a label edited": (edit(lambda r: r.update(label="C")), "digest"),
    "an environment edited": (edit(lambda r: r["environment"].update(processor="another")), "digest"),
    "no digest of the arrays": (edit(lambda r: r.update(files={}), resealed=True), "no digest of arrays.npz"),
    "a later version": (edit(lambda r: r.update(version=3)), "no record of this version of rungwise"),
    "a list": (write("record.json", lambda b: b"[1]"), "expected a JSON object"),
    "a key twice": (write("record.json", lambda b: b.replace(b'"label"', b'"id": "x", "label"')), "a key occurs twice"),
    "nested deeply": (write("record.json", lambda b: b"[" * 100_000), "nested too deeply"),
    "not UTF-8": (write("record.json", lambda b: b"\xff\xfe" + b), "not text in UTF-8"),
    "a record cut short": (write("record.json", lambda b: b[: len(b) // 2]), "it is no JSON"),
    "an empty record": (write("record.json", lambda b: b""), "it is no JSON"),
    "arrays cut short": (write("arrays.npz", lambda b: b[:-20]), "arrays.npz was changed"),
    "no bytes of arrays": (write("arrays.npz", lambda b: b""), "arrays.npz was changed"),
    "a bit of the arrays": (write("arrays.npz", lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:]), "was changed"),
    "no arrays": (lambda folders: (folders[0] / "arrays.npz").unlink(), "arrays.npz is missing"),
    "an array missing": (arrays(lambda a: a.pop("test_labels")), "arrays.npz was changed"),
    "an array too short": (arrays(lambda a: a.update(test_labels=a["test_labels"][:5])), "arrays.npz was changed"),
    "arrays of NaN": (arrays(lambda a: a.update(test_labels=a["test_labels"] * np.nan)), "arrays.npz was changed"),
    "pickled arrays": (arrays(lambda a: a.update(test_labels=np.array([{}, None]))), "arrays.npz was changed"),
    "no record": (lambda folders: (folders[0] / "record.json").unlink(), "expected a folder with a record.json"),
    "an empty folder": (instead(Path.mkdir), "expected a folder with a record.json"),
    "a file": (instead(lambda path: path.write_text("x")), "expected a folder with a record.json"),
    "a dangling link": (instead(lambda path: path.symlink_to("nowhere")), "expected a folder with a record.json"),
    "a folder in the record's place": (
        lambda folders: ((folders[0] / "record.json").unlink(), (folders[0] / "record.json").mkdir()),
        "expected a folder with a record.json",
    ),
}


SEEDS = -(-len(DAMAGE) // 2)
"""Of the study in which each kind of damage has a trial of its own."""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """A sound run, and a copy in which every trial has a damage of its own, but for one."""
    folder: Path = tmp_path_factory.mktemp("broken")
    study = parse_study(STUDY.replace("seeds = 2", f"seeds = {SEEDS + 1}"), "study")
    sound = run_study(study, folder / "sound", workers=2)
    shutil.copytree(folder / "sound", folder / "broken")
    run = open_run(folder / "broken")
    for i, (apply, _) in enumerate(DAMAGE.values()):
        others = trials(sound)
        apply([trials(run)[i], others[i - 1], others[i - SEEDS - 1]])
    return sound, run


def test_every_kind_of_damage_is_named_and_the_rest_is_reported(broken: tuple[Run, Run]) -> None:
    sound, run = broken
    root, told = run.store.root, dict(zip((folder.name for folder in trials(run)), DAMAGE.items(), strict=False))
    for verb in (["report", str(root)], ["claims", str(root)], ["compare", str(sound.store.root), str(root)]):
        result = CliRunner().invoke(app, verb)
        assert result.exit_code == 3, (result.output, result.exception)
        for trial_id, (name, (_, says)) in told.items():
            named = [line for line in result.stderr.splitlines() if f"trials/{trial_id}" in line]
            if "weights" in name:  # these are checked when they are opened
                assert named == [], (verb, name)
            else:
                assert len(named) == 1, (verb, name)
                assert says in named[0], (verb, name)
    statuses = {row["id"]: row["status"] for row in json.loads((root / "findings.json").read_text())["trials"]}
    for trial_id, (name, _) in told.items():
        assert statuses[trial_id] == ("done" if "weights" in name else "damaged"), name
    assert "are damaged and left out" in (root / "report.md").read_text()
    assert "are damaged and left out" in (root / "report.html").read_text()
    sure = {trial_id for trial_id, status in statuses.items() if status == "done"}
    with pytest.warns(DamagedRecordsWarning, match="damaged records"):
        measured = run.measurements
    assert measured == [one for one in sound.measurements if set(one.trials) <= sure]


def test_verify_names_every_kind_of_damage(broken: tuple[Run, Run]) -> None:
    result = CliRunner().invoke(app, ["verify", str(broken[1].store.root)])
    assert result.exit_code == 1
    assert result.stdout.endswith("Seal: none\n")
    for folder, (name, (_, says)) in zip(trials(broken[1]), DAMAGE.items(), strict=False):
        assert any(folder.name in line and says in line for line in result.stderr.splitlines()), name


def test_a_run_sets_damage_aside_and_computes_it_anew_once(broken: tuple[Run, Run], tmp_path: Path) -> None:
    sound, run = broken
    shutil.copytree(run.store.root, tmp_path / "run", symlinks=True)
    first = run_study(run.study, tmp_path / "run", workers=2)
    assert len(first.set_aside) == len(DAMAGE)
    for folder, (_, says) in zip(trials(run), DAMAGE.values(), strict=False):
        assert says in first.set_aside[folder.name]
        assert os.path.lexists(tmp_path / "run" / "damaged" / folder.name)
    assert not first.damaged
    before, after = sound.records, first.records
    assert before.keys() == after.keys()
    for trial_id, record in before.items():
        assert numbers(after[trial_id]) == pytest.approx(numbers(record), rel=1e-6)
    assert run_study(run.study, tmp_path / "run", workers=2).set_aside == {}


def numbers(record: Record) -> dict[str, float]:
    """Without the time."""
    return {key: value for key, value in record.summary.items() if key != "time_s"}


# Unsealed records, as rungwise 0.1.0 wrote them -----------------------------------------------------------------


@pytest.fixture
def unsealed(run: Run) -> Run:
    for folder in trials(run):
        raw = json.loads((folder / "record.json").read_text())
        for key in ("files", "sealed_later", "sha256"):
            del raw[key]
        del raw["environment"]["code"]
        (folder / "record.json").write_text(json.dumps({**raw, "version": 1}))
    return run


def test_unsealed_records_are_read_reported_and_sealed(unsealed: Run) -> None:
    root = str(unsealed.store.root)
    assert len(unsealed.records) == 4
    assert CliRunner().invoke(app, ["report", root]).exit_code == 0
    assert "none: 4 of 4 records unsealed" in (unsealed.store.root / "report.md").read_text()
    assert "4 unsealed" in CliRunner().invoke(app, ["verify", root]).stdout
    assert "4 of them were sealed just now" in CliRunner().invoke(app, ["verify", root, "--seal"]).stdout
    again = CliRunner().invoke(app, ["verify", root, "--report"])
    assert "4 sealed after they were computed" in again.stdout
    assert again.exit_code == 1, "the report that says unsealed is out of date"
    assert "differs from its records in findings.json, report.html, report.md" in again.stdout
    assert CliRunner().invoke(app, ["report", root]).exit_code == 0
    assert CliRunner().invoke(app, ["verify", root, "--report"]).exit_code == 0


@pytest.mark.parametrize("name", ["a digit changed", "an array too short", "pickled arrays", "arrays cut short"])
def test_of_unsealed_records_predictions_tell(name: str, unsealed: Run) -> None:
    DAMAGE[name][0](trials(unsealed))
    assert list(unsealed.damaged) == [trials(unsealed)[0].name]
    with pytest.warns(DamagedRecordsWarning):
        assert len(unsealed.measurements) > 0


def test_a_pipe_in_the_place_of_unsealed_arrays_is_not_waited_for(unsealed: Run) -> None:
    path = trials(unsealed)[0] / "arrays.npz"
    path.unlink()
    os.mkfifo(path)
    assert list(unsealed.damaged) == [trials(unsealed)[0].name]


def test_an_array_that_an_unsealed_record_lacks_is_found_when_it_is_asked_for(unsealed: Run) -> None:
    arrays(lambda found: found.clear())(trials(unsealed))
    result = CliRunner().invoke(app, ["report", str(unsealed.store.root)])
    assert result.exit_code == 3, (result.output, result.exception)
    assert "it has no array 'test_labels'" in result.stderr


# The seal --------------------------------------------------------------------------------------------------------


def test_the_seal_is_that_of_the_study_and_its_records(run: Run, sound: Path) -> None:
    def sealed(root: Path) -> str:
        open_run(root).write_report()
        return json.loads((root / "findings.json").read_text())["seal"]

    root, seal_before = run.store.root, sealed(sound)
    assert sealed(root) == seal_before, "a copy has the same"
    assert seal_before in (root / "report.html").read_text()
    path = trials(run)[0] / "record.json"
    record = Record.model_validate_json(path.read_text())
    other = record.model_copy(update={"summary": {**record.summary, "test_loss": 0.5}})
    path.write_text(sealed_text(other))
    assert sealed(root) != seal_before, "a record that was sealed anew is another one"


def test_a_sound_folder_is_right(sound: Path) -> None:
    result = CliRunner().invoke(app, ["verify", str(sound), "--report", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["schema"], told["right"], told["damaged"], told["report"]) == (1, True, [], [])
    assert told["states"] == {"sealed": 4, "sealed later": 0, "unsealed": 0}


def test_weights_may_be_left_out(run: Run) -> None:
    (trials(run)[0] / "weights.safetensors").unlink()
    assert run.damaged == {}
    result = CliRunner().invoke(app, ["verify", str(run.store.root)])
    assert result.exit_code == 0
    assert "1 without their weights" in result.stdout


def test_the_index_is_rebuilt_and_spares_nothing_that_changed(run: Run) -> None:
    run.write_report()
    index = run.store.root / "index.json"
    assert index.is_file()
    for content in ("", "[1]", "null", '{"trials/x/arrays.npz": 3}', "[" * 100_000):
        index.write_text(content)
        assert open_run(run.store.root).damaged == {}
    DAMAGE["a bit of the arrays"][0](trials(run))
    assert len(open_run(run.store.root).damaged) == 1
