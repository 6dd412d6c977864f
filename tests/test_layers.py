"""The contract of layers in pyproject.toml: the tree keeps it, and one wrong import breaks it and is named."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def lint(source: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter by this repository's contracts over the package ``rungwise`` in the folder `source`."""
    options = [word for name in contracts for word in ("--contract", name)]
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            "--no-cache",
            "--no-logo",
            *options,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(source), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the folder src, for one wrong import more."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "src"


def add(source: Path, module: str, code: str) -> None:
    with (source / "rungwise" / module).open("a") as file:
        file.write(f"\n\n{code}\n")


def test_the_tree_keeps_the_contract() -> None:
    result = lint(ROOT / "src")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


INSIDE_A_FUNCTION = "def late():\n    import {}"
FOR_TYPES_ONLY = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import {}"

WRONG = {
    "up": ("layers", "models/mlp.py", "import {}", "rungwise.chapters.chapter"),
    "up, inside a function": ("layers", "records/record.py", INSIDE_A_FUNCTION, "rungwise.report.document"),
    "up, for types only": ("layers", "evidence/claims.py", FOR_TYPES_ONLY, "rungwise.study.study"),
    "past the order, inside a function": (
        "balancing",
        "balancing/balancer.py",
        INSIDE_A_FUNCTION,
        "rungwise.kernels",
    ),
    "a circle inside a room": ("circles", "evidence/estimate.py", "import {}", "rungwise.evidence.verdict"),
    "a circle inside a room, for types only": ("circles", "models/net.py", FOR_TYPES_ONLY, "rungwise.models.cnn"),
    "a circle through an __init__": ("circles", "balancing/updates.py", INSIDE_A_FUNCTION, "rungwise.balancing"),
    "one chapter to another": ("chapters", "chapters/mlps/method.py", "import {}", "rungwise.chapters.capacity.work"),
    "a library from where it should not be": ("torch", "evidence/estimate.py", INSIDE_A_FUNCTION, "torch"),
}


@pytest.mark.parametrize(("contract", "module", "code", "imported"), WRONG.values(), ids=WRONG)
def test_a_wrong_import_breaks_the_contract_and_is_named(
    copy: Path, contract: str, module: str, code: str, imported: str
) -> None:
    add(copy, module, code.format(imported))
    result = lint(copy, contract)
    importer = "rungwise." + module.removesuffix(".py").replace("/", ".")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "1 broken" in result.stdout
    assert f"{importer} -> {imported}" in " ".join(result.stdout.split())


def test_a_circle_of_folders_breaks_the_contract_where_no_file_is_in_one(copy: Path) -> None:
    add(copy, "report/figures/points.py", "import rungwise.report.html.mathematics")
    assert lint(copy, "circles").returncode == 0
    result = lint(copy, "rooms")
    assert result.returncode == 1
    assert "No cycles are allowed in rungwise.report." in result.stdout


def test_a_module_without_a_layer_breaks_the_contract(copy: Path) -> None:
    add(copy, "stray.py", "")
    result = lint(copy, "layers")
    assert result.returncode == 1
    assert "rungwise.stray" in result.stdout
