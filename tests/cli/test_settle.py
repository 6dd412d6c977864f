"""`rungwise settle` as a user meets it: real processes, and a real kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rungwise.cli.app import app
from tests.runs.settling import write_noise

STUDY = """
title = "noise"
seeds = 2
[[chapter]]
kind = "mlps"
data = { source = "./noise" }
fit = { epochs = 3, batch = 16, rate = 0.01, evaluate = "end" }
nets = { A = { hidden = [16] }, B = { hidden = [2, 2, 2] } }
[[chapter.claim]]
id = "high"
says = "A is nearly perfect"
test = { metric = "test_accuracy", model = "A", above = 0.95 }
[[chapter.claim]]
id = "loss"
says = "A has less loss"
test = { metric = "test_loss", better = "A", than = "B" }
[[chapter.claim]]
id = "untested"
says = "A is nicer"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settle")
    write_noise(folder / "noise")
    (folder / "noise.toml").write_text(STUDY)
    return folder


def start(home: Path, *words: str, **options: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(home / "cache"), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "rungwise", *words],
        cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # type: ignore[call-overload] # fmt: skip


def rungwise(home: Path, *words: str, code: int = 0) -> tuple[str, str]:
    process = start(home, *words)
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, err
    return out, err


SETTLE = ("settle", "noise.toml", "--claims", "high,loss", "--workers", "1")


@pytest.fixture(scope="module")
def undisturbed(home: Path) -> dict:
    """What came of it when nothing happens, as JSON."""
    out, err = rungwise(home, *SETTLE, "--out", "whole", "--json")
    assert "high, 3 seeds: test_accuracy of A " in err
    return json.loads(out)


def told(found: dict) -> dict:
    """Without what depends on the clock and the folder."""
    return {key: value for key, value in found.items() if key not in ("seconds", "report")}


def looks(folder: Path) -> list:
    content = json.loads((folder / "findings.json").read_text("utf-8"))
    return [number["looks"] for claim in content["chapters"][0]["claims"] for number in claim["numbers"]]


def test_what_came_of_it_as_json(home: Path, undisturbed: dict) -> None:
    high, loss = undisturbed["claims"]
    assert (undisturbed["schema"], undisturbed["title"], undisturbed["ended"]) == (1, "noise", "settled")
    assert (high["id"], high["verdict"], high["settled"]) == ("high", "refuted", 5)
    assert (loss["id"], loss["verdict"]) == ("loss", "supported")
    assert undisturbed["seeds"] == {"mlps": max(high["settled"], loss["settled"])}
    assert (home / undisturbed["report"]).is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process as POSIX does")
def test_after_a_kill_it_goes_on_and_ends_the_same(home: Path, undisturbed: dict) -> None:
    process = start(home, *SETTLE, "--out", "killed", "--quiet", start_new_session=True)
    trials = home / "killed" / "trials"
    until = time.monotonic() + 120
    while time.monotonic() < until and (not trials.is_dir() or len(list(trials.iterdir())) < 7):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    kept = json.loads((home / "killed" / "study.json").read_text())
    assert kept["settle"]["claims"] == ["high", "loss"]
    assert not (home / "killed" / "report.html").exists()
    records = {path: path.stat().st_mtime_ns for path in trials.glob("*/record.json")}

    found = json.loads(rungwise(home, *SETTLE, "--out", "killed", "--json", "--quiet")[0])
    assert told(found) == told(undisturbed)
    assert looks(home / "killed") == looks(home / "whole")
    assert {path: path.stat().st_mtime_ns for path in records} == records
    assert (home / "killed" / "study.json").read_text() == (home / "whole" / "study.json").read_text()


def at_home(home: Path, patch: pytest.MonkeyPatch, *words: str) -> Result:
    """In this process: a new one takes seconds to start."""
    patch.chdir(home)
    patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    patch.setenv("COLUMNS", "200")
    return CliRunner().invoke(app, words)


@pytest.mark.usefixtures("undisturbed")
def test_what_is_settled_is_told_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = at_home(home, monkeypatch, *SETTLE, "--out", "whole", "--budget", "1s")
    assert said.exit_code == 0, said.stderr
    lines = said.stdout.splitlines()
    assert lines[0].startswith("2 of 2 claims are settled. It took ")
    assert lines[1] == "  high: refuted, settled at 5 seeds"
    assert lines[-1] == str(Path("whole/report.html"))
    assert "  high: refuted, settled at 5 seeds already" in said.stderr
    listed = at_home(home, monkeypatch, "claims", "whole").stdout
    assert "A is nearly perfect: refuted (settled: seeds were added, with a look at each)" in listed
    assert "A is nicer: not run" in listed


@pytest.mark.usefixtures("undisturbed")
def test_a_run_in_the_folder_says_what_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = at_home(home, monkeypatch, "run", "noise.toml", "--out", "whole", "--workers", "1", "--quiet")
    assert said.stderr == (
        "rungwise: whole holds a study that was settled: high and loss stay judged at every look, by the seeds that "
        "are there. Other claims rest on the number of seeds that the study asks for. To judge all of them so, choose "
        "another folder with --out\n"
    )
    assert said.exit_code == 0


def test_what_is_wrong_is_said_in_one_message(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = ("--budget", "soon", "--most-seeds", "3", "--out", "no")
    said = at_home(home, monkeypatch, "settle", "noise.toml", *wrong)
    assert (said.exit_code, said.stdout) == (2, "")
    assert said.stderr == (
        "rungwise: claim untested cannot be settled: nothing tests it, so that no seed settles it: give it a test\n"
        "The others can be settled: --claims high,loss\n"
        "--budget should be a duration, as 90s, 30m, 2h or 1h30m; got 'soon'\n"
        "--most-seeds should be 5 or more, for nothing is settled before; got 3\n"
    )
    assert not (home / "no").exists()
    said = at_home(home, monkeypatch, "settle", "quick", "--claims", ",")
    assert (said.exit_code, said.stderr) == (2, "rungwise: --claims should name ids of claims, as M1,C3; got ','\n")
    said = at_home(home, monkeypatch, "settle", "quick", "--claims", "size")
    assert said.exit_code == 2
    assert "claim size cannot be settled: each seed splits one pool of images" in said.stderr
