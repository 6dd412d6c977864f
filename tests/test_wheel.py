"""What users install: the source archive, the wheel made from it, and the wheel in an environment of its own."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"


def run(*words: str | Path, cwd: Path, minutes: float = 2) -> str:
    """What a command prints, run where nothing of this checkout can be imported but by its place."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60 * minutes
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", folder, cwd=ROOT)
    return next(folder.glob("rungwise-*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source archive, as `python -m build` does."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    run(*pip, "--wheel-dir", folder, sdist, cwd=folder)
    return next(folder.glob("rungwise-*.whl"))


def package_files() -> set[str]:
    files = (path for path in SOURCE.joinpath("rungwise").rglob("*") if path.is_file())
    return {path.relative_to(SOURCE).as_posix() for path in files if "__pycache__" not in path.parts}


def test_the_source_archive_has_the_package_and_no_records(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"src/{name}" for name in package_files()} <= names
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"} <= names
    assert not {name for name in names if name.startswith(("results/", "tests/"))}


def test_the_wheel_has_the_files_of_the_package_and_no_others(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        about = next(name for name in names if name.endswith(".dist-info/METADATA")).removesuffix("METADATA")
        entry_points = archive.read(f"{about}entry_points.txt").decode()
    assert {name for name in names if not name.startswith(about)} == package_files()
    assert {"rungwise/py.typed", "rungwise/studies/quick.toml"} <= names
    assert "rungwise/report/html/templates/report.html.j2" in names
    assert f"{about}licenses/LICENSE" in names
    assert "rungwise = rungwise.cli.main:main" in entry_points


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Iterator[Path]:
    """The programs of a new environment with the wheel and what it needs: the core, without any extra."""
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment, cwd=tmp_path)
    programs = environment / "bin"
    # Most of the modules that pip would compile to bytecode are never imported.
    pip = (programs / "python", "-m", "pip", "install", "--quiet", "--no-compile")
    run(*pip, "--constraint", ROOT / "constraints.txt", wheel, cwd=tmp_path, minutes=20)
    yield programs
    shutil.rmtree(environment)  # 1.5 GB


FACTS = """
import importlib.metadata, importlib.util, json, rungwise
print(json.dumps({
    "file": rungwise.__file__,
    "version": rungwise.__version__,
    "copies": len([one for one in importlib.metadata.distributions() if one.name == "rungwise"]),
    "extras": [name for name in ("torchjd", "pytest", "keras") if importlib.util.find_spec(name)],
}))
"""


@pytest.mark.wheel
def test_the_wheel_runs_the_quick_study_in_an_empty_environment(installed: Path, wheel: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    facts = json.loads(run(installed / "python", "-c", FACTS, cwd=elsewhere))
    assert Path(facts["file"]).is_relative_to(installed.parent)
    assert wheel.name.startswith(f"rungwise-{facts['version']}-")
    assert facts["copies"] == 1
    assert facts["extras"] == []
    planned = run(installed / "python", "-m", "rungwise", "plan", "quick", cwd=elsewhere)
    assert "CNN-1" in planned

    run(installed / "rungwise", "run", "quick", "--out", "out", cwd=elsewhere, minutes=15)
    out = elsewhere / "out"
    assert "<html" in (out / "report.html").read_text("utf-8")
    assert (out / "report.md").read_text("utf-8")
    assert not list((out / "failed").iterdir())
    records = [json.loads(path.read_text("utf-8")) for path in out.glob("trials/*/record.json")]
    assert records
    assert {record["environment"]["commit"] for record in records} == {None}  # no checkout, this one included
