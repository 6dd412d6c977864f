"""A real second package (tests/extension), installed by pip: its members run in a study, are judged and reported, and
pass the checks of `rungwise.testing`."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tests" / "extension"
DOCUMENT = (ROOT / "docs" / "extending.md").read_text()


def run(*words: object, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=PACKAGE, timeout=600)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that finds the package, installed from a copy of its folder, without a network."""
    folder = tmp_path_factory.mktemp("extension")
    shutil.copytree(PACKAGE, folder / "source", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    words = ("install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", folder / "site")
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = run("-m", "pip", *words, folder / "source", environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return os.environ | {"PYTHONPATH": str(folder / "site"), "OMP_NUM_THREADS": "1"}  # the problems are small


@pytest.fixture(scope="module")
def finished(installed: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of the package's study."""
    out = tmp_path_factory.mktemp("run") / "run"
    done = run("-m", "rungwise", "run", "study.toml", "--out", out, "--offline", "--quiet", environment=installed)
    assert done.returncode == 0, done.stderr
    return out


def records(folder: Path, label: str) -> list[dict[str, Any]]:
    every = [json.loads(path.read_text()) for path in (folder / "trials").glob("*/record.json")]
    return [record for record in every if record["label"] == label]


def test_its_net_is_fitted(finished: Path) -> None:
    found = records(finished, "Separable")
    assert [record["status"] for record in found] == ["done", "done"]
    assert found[0]["spec"]["net"] == {"family": "separable", "width": 8}
    assert found[0]["summary"]["parameters"] == (9 + 1) * 8 + (9 + 1) * 8 + (8 + 1) * 8 + (8 + 1) * 10
    assert "| Separable | width = 8 | 322 |" in (finished / "report.md").read_text()


def test_its_method_balances(finished: Path) -> None:
    (record, _) = records(finished, "Largest")
    assert record["spec"]["balance"] == {"method": "largest", "power": 2.0}
    weights = [record["history"][f"weight_{task}"][-1] for task in ("item", "loops")]
    assert sum(weights) == pytest.approx(1)
    assert weights[0] > 0.6, "ten classes have a larger loss than three: ln 10 and ln 3 at the start"
    assert "Each task counts by its loss. Set here: power = 2.0." in (finished / "report.md").read_text()


def test_its_chapter_stands_in_the_report(finished: Path) -> None:
    report = (finished / "report.md").read_text()
    assert "Nearest centroids" in report
    assert "By the euclidean distance, 0." in report
    page = (finished / "report.html").read_text()
    assert "The mean image of each class, of seed 0." in page
    assert len(records(finished, "manhattan")) == 4, "two seeds of two data sets"


def test_its_data_set_is_studied(finished: Path) -> None:
    found = [record for record in records(finished, "euclidean") if record["spec"]["data"]["source"] == "stripes"]
    assert [record["status"] for record in found] == ["done", "done"]
    assert set(found[0]["data_sha256"]) == {"train", "test"}


def test_claims_on_its_net_and_its_chapter_are_judged(finished: Path, installed: dict[str, str]) -> None:
    done = run("-m", "rungwise", "claims", finished, "--json", environment=installed)
    assert done.returncode == 0, done.stderr
    verdicts = {claim["id"]: claim["verdict"] for claim in json.loads(done.stdout)["claims"]}
    assert verdicts["C1"] == "supported"
    assert verdicts["S1"] != "not run", "its net stands beside one of ours"


def test_its_members_pass_the_checks(installed: dict[str, str]) -> None:
    words = ("check_members.py", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", PACKAGE)
    done = run("-m", "pytest", *words, environment=installed)
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 80


def test_where_it_is_not_installed_the_study_says_so(tmp_path: Path) -> None:
    done = run("-m", "rungwise", "run", "study.toml", "--out", tmp_path / "run", environment=dict(os.environ))
    assert done.returncode == 2
    assert "line 10: nets.Separable: no family of nets is called 'separable'; " in done.stderr
    assert "no method is called 'largest'" in done.stderr
    assert "no kind of chapter is called 'centroids'" in done.stderr
    assert not (tmp_path / "run").exists(), "nothing has run"


@pytest.mark.parametrize("name", ["src/rungwise_example/separable.py", "check_members.py"])
def test_the_document_shows_the_very_file(name: str) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", DOCUMENT, re.M | re.S)
    assert (PACKAGE / name).read_text() in blocks


@pytest.mark.parametrize("name", ["pyproject.toml", "study.toml"])
def test_the_document_shows_lines_of_the_very_file(name: str) -> None:
    lines = set((PACKAGE / name).read_text().splitlines())
    blocks = re.findall(r"^```toml\n(.*?)^```$", DOCUMENT, re.M | re.S)
    shown = [block for block in blocks if ("entry-points" in block) == (name == "pyproject.toml")]
    assert shown
    assert all(set(block.splitlines()) <= lines for block in shown)


def test_an_architecture_is_twenty_lines() -> None:
    text = (PACKAGE / "src/rungwise_example/separable.py").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith(('"""', "from ", "import "))]
    assert len(lines) <= 20
