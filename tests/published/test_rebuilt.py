"""A published report is rebuilt from its records: to the byte where the libraries are those of constraints.txt, and in
its numbers elsewhere, where sums may be rounded in another order."""

import json
import math
import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from rungwise import open_run

ROOT = Path(__file__).parents[2]
BEST = ROOT / "results" / "best"
TOLERANCE = 1e-9


def other_versions() -> list[str]:
    """What differs here from what the published bytes were made with."""
    pinned = (line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    found = [f"{name} {version(name)}" for name, pin in pinned if version(name).partition("+")[0] != pin]
    machine = f"{platform.system()} on {platform.machine()}"
    return found if machine == "Linux on x86_64" else [machine, *found]


OTHER = other_versions()


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the published folder, without what is made from its records."""
    folder: Path = tmp_path_factory.mktemp("rebuilt") / "best"
    folder.mkdir()
    shutil.copytree(BEST / "trials", folder / "trials")
    shutil.copy(BEST / "study.json", folder)
    open_run(folder).write_report()
    return folder


def files(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.skipif(bool(OTHER), reason=f"bytes are of other versions: numbers are compared ({', '.join(OTHER)})")
def test_the_report_of_best_is_rebuilt_to_the_byte(rebuilt: Path) -> None:
    published, made = files(BEST), files(rebuilt)
    assert made.keys() == published.keys()
    assert [path for path in made if made[path] != published[path]] == []


def test_the_findings_of_best_are_rebuilt_to_the_number(rebuilt: Path) -> None:
    published, made = (json.loads((folder / "findings.json").read_text()) for folder in (BEST, rebuilt))
    assert list(differences(published, made)) == []


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
