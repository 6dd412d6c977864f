"""Published reports are rebuilt from their records: to the byte where the libraries are those of constraints.txt, and
in their numbers elsewhere, where sums may be rounded in another order."""

import json
import math
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from rungwise import open_run

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results"
RUNS = ("best", "best-gpu", "capacity", "multi-mnist", "multitask", "reference")
MADE = ("report.html", "report.md", "findings.json", "figures")
"""What is made from a folder's records."""
TOLERANCE = 1e-9
OLD_PROCESSOR = {
    "OPENBLAS_CORETYPE": "Prescott",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3",
    "ATEN_CPU_CAPABILITY": "default",
}
"""Makes OpenBLAS, NumPy and PyTorch compute as on a processor without wide vectors."""
FINDINGS = """
import sys
from pathlib import Path
from rungwise import open_run
from rungwise.report.assemble import assemble
from rungwise.report.document import findings_json

out, *folders = map(Path, sys.argv[1:])
for folder in folders:
    run = open_run(folder)
    (out / folder.name).write_text(findings_json(assemble(run.study, run.store)))
"""


def other_versions() -> list[str]:
    """What differs here from what the published bytes were made with."""
    pinned = (line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    found = [f"{name} {version(name)}" for name, pin in pinned if version(name).partition("+")[0] != pin]
    machine = f"{platform.system()} on {platform.machine()}"
    return found if machine == "Linux on x86_64" else [machine, *found]


OTHER = other_versions()
to_the_byte = pytest.mark.skipif(
    bool(OTHER), reason=f"bytes are of other versions: numbers are compared ({', '.join(OTHER)})"
)


@pytest.fixture(scope="module", params=RUNS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A published folder, and a copy of its records with a report that was made anew."""
    folder: Path = tmp_path_factory.mktemp("rebuilt") / request.param
    shutil.copytree(RESULTS / request.param / "trials", folder / "trials")
    shutil.copy(RESULTS / request.param / "study.json", folder)
    open_run(folder).write_report()
    return RESULTS / request.param, folder


def made(folder: Path) -> dict[Path, bytes]:
    paths = [folder / name for name in MADE[:-1]] + sorted((folder / "figures").iterdir())
    return {path.relative_to(folder): path.read_bytes() for path in paths}


@to_the_byte
def test_a_published_report_is_rebuilt_to_the_byte(pair: tuple[Path, Path]) -> None:
    published, rebuilt = map(made, pair)
    assert rebuilt.keys() == published.keys()
    assert [path for path in rebuilt if rebuilt[path] != published[path]] == []


def test_published_findings_are_rebuilt_to_the_number(pair: tuple[Path, Path]) -> None:
    published, rebuilt = (json.loads((folder / "findings.json").read_text()) for folder in pair)
    assert list(differences(published, rebuilt)) == []


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the findings of every run, by its name, as another processor computes them."""
    out: Path = tmp_path_factory.mktemp("elsewhere")
    folders = [RESULTS / name for name in RUNS]
    subprocess.run([sys.executable, "-c", FINDINGS, out, *folders], env=os.environ | OLD_PROCESSOR, check=True)
    return out


@pytest.mark.skipif(sys.platform != "linux" or platform.machine() != "x86_64", reason="it is emulated on x86-64 alone")
def test_another_processor_finds_the_same_to_the_byte(pair: tuple[Path, Path], elsewhere: Path) -> None:
    """With any library versions: no number depends on which kernels a library chooses."""
    _, rebuilt = pair
    assert (elsewhere / rebuilt.name).read_text() == (rebuilt / "findings.json").read_text()


def differences(one: object, other: object, place: str = "") -> Iterator[str]:
    """The places at which two JSON values differ by more than `TOLERANCE`."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from differences(one[key], other[key], f"{place}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{place}/{number}")
    elif isinstance(one, float) and isinstance(other, float | int):
        if not math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            yield f"{place}: {one} and {other}"
    elif one != other:
        yield f"{place}: {one!r} and {other!r}"


def test_a_number_that_moved_is_found() -> None:
    one = {"a": [1.0, {"b": 2.0}], "c": "text"}
    assert list(differences(one, {"a": [1.0 + 1e-12, {"b": 2.0}], "c": "text"})) == []
    assert list(differences(one, {"a": [1.0, {"b": 2.0 + 1e-8}], "c": "text"})) == ["/a/1/b: 2.0 and 2.00000001"]
    assert list(differences(one, {"a": [1.0], "c": "text"})) == ["/a: [1.0, {'b': 2.0}] and [1.0]"]
