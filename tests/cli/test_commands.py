"""The command line as a user meets it: real processes, real kills."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rungwise.runs.run import open_run

STUDY = """
title = "A small study"
seeds = 2
[[chapter]]
kind = "projection"
data = { source = "digits" }
[[chapter]]
kind = "mlps"
data = { source = "digits" }
fit = { epochs = 40, batch = 32, optimiser = "adam", rate = 1e-3 }
nets = { A = { hidden = [40] }, B = { hidden = [40, 40] } }
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the small study finds when nothing happens to it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "small.toml").write_text(STUDY)
    rungwise("run", folder / "small.toml", "--out", folder / "out")
    return told_without_time(folder / "out")


def start(*words: str | Path, **settings: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rungwise", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **settings,  # type: ignore[call-overload]
    )


def rungwise(*words: str | Path, code: int = 0) -> tuple[str, str]:
    process = start(*words)
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, err
    return out, err


def test_help_loads_no_torch() -> None:
    code = "import sys, rungwise, rungwise.cli.app; print({'torch', 'numpy', 'pydantic', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    for command in ("", "run", "settle", "plan", "report", "claims", "compare", "doctor", "data"):
        assert "Usage" in rungwise(*filter(None, [command]), "--help")[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "quik"], "did you mean 'quick'?"),
        (["run", "nowhere.toml"], "cannot read the study file nowhere.toml"),
        (["run", "quick", "--chapters", "mlp"], "did you mean 'mlps'?"),
        (["run", "quick", "--seeds", "0"], "--seeds"),
        (["run", "quick", "--device", "gpu"], "--device"),
        (["report", "nowhere"], "nowhere holds no run"),
        (["data", "fetch", "minst"], "did you mean 'mnist'?"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_a_mistake_gets_one_message_and_code_2(words: list[str], message: str, tmp_path: Path) -> None:
    process = start(*words, cwd=tmp_path)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir()), "nothing was written"


def test_data_that_is_not_there_stops_the_run_before_it_starts(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(STUDY.replace('"digits"', '"mnist"'))
    (tmp_path / "data").mkdir()
    away = os.environ | {"RUNGWISE_DATA": str(tmp_path / "data"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    process = start("run", path, "--offline", "--out", tmp_path / "out", env=away)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "mnist" in err
    assert not (tmp_path / "out").exists()


def test_a_run_ends_with_a_report_and_a_second_one_has_nothing_to_do(study: Path, tmp_path: Path) -> None:
    out, err = rungwise("run", study, "--out", tmp_path / "out", "--chapters", "projection", "--seeds", "1")
    assert out.splitlines()[-1] == str(tmp_path / "out" / "report.html")
    assert "1 of 3 trials are done, 2 not run" in out
    assert "[1/1]" in err
    assert {"report.html", "report.md", "findings.json", "study.json"} <= {p.name for p in (tmp_path / "out").iterdir()}
    findings = json.loads((tmp_path / "out" / "findings.json").read_text())
    assert findings["schema"] == 2
    assert [chapter["kind"] for chapter in findings["chapters"]] == ["projection"]

    before = (tmp_path / "out" / "report.html").read_bytes()
    _, err = rungwise("run", study, "--out", tmp_path / "out", "--chapters", "projection", "--seeds", "1")
    assert "[1/1]" not in err
    rungwise("report", tmp_path / "out")
    assert (tmp_path / "out" / "report.html").read_bytes() == before, "a report is a function of the records"


def test_the_plan_tells_what_is_done(study: Path, tmp_path: Path) -> None:
    quiet = rungwise("run", study, "--out", tmp_path / "out", "--chapters", "projection", "--quiet")
    assert quiet == (f"{tmp_path / 'out' / 'report.html'}\n", "")
    plan = json.loads(rungwise("plan", study, "--out", tmp_path / "out", "--json")[0])
    assert plan["schema"] == 1
    assert [row["done"] for row in plan["trials"]] == [True, True, False, False, False, False]
    assert plan["total"]["left"] == 4
    assert {row["parameters"] for row in plan["trials"]} == {None, 31_810, 33_450}
    text, _ = rungwise("plan", study, "--out", tmp_path / "out")
    assert "4 of 6 trials left" in text


def told_without_time(folder: Path) -> str:
    """The findings but for what a clock says."""

    chapters = json.loads((folder / "findings.json").read_text())["chapters"]
    for chapter in chapters:
        chapter["figures"] = [figure for figure in chapter["figures"] if not figure["id"].endswith("-time")]
        for table in chapter["tables"]:
            timed = [i for i, column in enumerate(table["columns"]) if column["key"].endswith("_s")]
            table["rows"] = [[cell for i, cell in enumerate(row) if i not in timed] for row in table["rows"]]
    return json.dumps(chapters)


def test_kill_nine_loses_only_what_was_running(study: Path, tmp_path: Path, undisturbed: str) -> None:
    broken = tmp_path / "broken"
    process = start("run", study, "--out", broken)
    assert process.stderr is not None
    finished = 0
    for line in process.stderr:
        finished += line.startswith("[")
        if finished == 2:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = {path.name: path.stat().st_mtime_ns for path in (broken / "trials").iterdir()}
    assert 2 <= len(kept) < 6
    assert not (broken / "report.html").exists()

    _, err = rungwise("run", study, "--out", broken)
    assert err.count("[") == 6 - len(kept), "only what was missing is computed"
    assert {name: (broken / "trials" / name).stat().st_mtime_ns for name in kept} == kept
    assert not list((broken / "partial").iterdir())
    assert told_without_time(broken) == undisturbed


def test_two_runs_at_once_share_the_work(study: Path, tmp_path: Path, undisturbed: str) -> None:
    both = [start("run", study, "--out", tmp_path / "out") for _ in range(2)]
    told = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    computed = sum(line.startswith("[") for _, err in told for line in err.splitlines())
    assert computed == 6, "each trial once"
    assert told_without_time(tmp_path / "out") == undisturbed


def test_an_interrupt_ends_with_130_and_keeps_what_is_done(study: Path, tmp_path: Path) -> None:
    # Whoever runs the tests may ignore interrupts, as a shell has its background jobs do; children inherit that.
    hears = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    process = start("run", study, "--out", tmp_path / "out", "--workers", "1", **hears)
    assert process.stderr is not None
    next(line for line in process.stderr if line.startswith("["))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "the same command goes on" in err
    assert list((tmp_path / "out" / "trials").iterdir())


def test_a_loss_that_is_not_finite_fails_one_trial_and_ends_with_3(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        STUDY.replace("seeds = 2", "seeds = 1").replace(
            'optimiser = "adam", rate = 1e-3', 'optimiser = "sgd", rate = 1e30'
        )
    )
    out, err = rungwise("run", path, "--out", tmp_path / "out", code=3)
    assert "the loss became" in err
    assert "at step" in err
    run = open_run(tmp_path / "out")
    assert {record.label for record in run.failures.values()} == {"A", "B"}
    assert [record.label for record in run.records.values()] == ["PCA"]
    assert "the loss became" in Path(out.splitlines()[-1]).read_text()
    assert "2 trials: the loss became" in out
    assert "A (seed 0), B (seed 0)" in out


def test_doctor_and_data_answer() -> None:
    facts = json.loads(rungwise("doctor", "--json")[0])
    assert facts["float32_gflop_per_s"] > 0
    assert "torch" in rungwise("doctor")[0]
    names = [row["name"] for row in json.loads(rungwise("data", "list", "--json")[0])["data"]]
    assert names[:4] == ["mnist", "fashion-mnist", "digits", "multi-mnist"]
    assert names[4:] == ["kmnist", "emnist-balanced", "emnist-letters", "emnist-digits", "cifar10"]
    assert "right" in rungwise("data", "check", "digits")[0]


def test_records_of_a_run_can_be_read(study: Path, tmp_path: Path) -> None:
    rungwise("run", study, "--out", tmp_path / "out", "--chapters", "mlps", "--seeds", "1", "--quiet")
    for record in open_run(tmp_path / "out").records.values():
        logits = record.arrays["test_logits"]
        accuracy = (logits.astype(np.float32).argmax(1) == record.arrays["test_labels"]).mean()
        assert accuracy == pytest.approx(record.summary["test_accuracy"], abs=0.01)
        assert record.timings["warmup_s"] > 0
