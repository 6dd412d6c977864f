"""A whole study where numba cannot be imported, in the command's process and in its workers, against one with numba."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rungwise.kernels import available
from rungwise.perceptron import batch_loop, batch_loop_numpy
from rungwise.perceptron.batch_rule import grid_start, look_at

STUDY = """
title = "Each kind of work that has machine code"
seeds = 1
[[chapter]]
kind = "perceptrons"
data = { source = "digits" }
pairs = [[1, 0], [8, 3]]
rule = "batch"
rate = 0.01
iterations = 100
tolerance = 1e-3
[[chapter]]
kind = "mlps"
data = { source = "digits" }
fit = { epochs = 3, batch = 64, rate = 2e-3, precision = "float32" }
nets = { MLP = { hidden = [32] } }
[[chapter]]
kind = "cnns"
data = { source = "digits" }
fit = { epochs = 2, batch = 64, rate = 3e-3, precision = "float32" }
nets = { CNN = { filters = [32, 32] } }
[[chapter]]
kind = "multitask"
data = { source = "digits" }
fit = { epochs = 2, batch = 64, rate = 3e-3, precision = "float32" }
net = { filters = [8], kernel = 3 }
weights = [0.5]
[chapter.tasks]
item = "labels"
loops = { none = [1, 2, 3, 5, 7], one = [0, 4, 6, 9], two = [8] }
"""
BLOCKED = """
import sys
sys.modules["numba"] = sys.modules["llvmlite"] = None  # an import raises ModuleNotFoundError
"""


def study(folder: Path, **settings: str) -> dict[str, dict]:
    """The records of the study by label, run in processes of their own."""
    folder.mkdir()
    path = folder / "study.toml"
    path.write_text(STUDY)
    command = [sys.executable, "-m", "rungwise", "run", path, "--out", folder / "out", "--device", "cpu"]
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    found = [json.loads(each.read_text()) for each in (folder / "out" / "trials").glob("*/record.json")]
    return {record["label"]: record for record in found}


@pytest.fixture
def blocked(tmp_path: Path) -> dict[str, str]:
    """An environment in which no process can import numba: Python runs sitecustomize before all else."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(BLOCKED)
    return {"PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])}


def test_a_study_without_numba_finds_the_same(tmp_path: Path, blocked: dict[str, str]) -> None:
    without = study(tmp_path / "without", **blocked)
    assert len(without) == 7
    for record in without.values():
        assert record["status"] == "done"
        assert "machine code" not in record["choices"].values()
    if not available():
        return
    for label, record in study(tmp_path / "with").items():
        for name, value in record["summary"].items():
            if "accuracy" in name:
                assert without[label]["summary"][name] == pytest.approx(value, abs=0.03), (label, name)
        if "step" in record["choices"]:
            assert without[label]["choices"]["step"] == "autograd"


def test_doctor_says_why(blocked: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rungwise", "doctor"],
        env=os.environ | blocked,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "autograd (numba not installed)" in done.stdout
    assert "oneDNN (numba not installed)" in done.stdout


@pytest.mark.parametrize("seed", range(3))
def test_the_batch_rule_in_numpy_is_that_in_machine_code_to_the_bit(seed: int) -> None:
    random = np.random.default_rng(seed)
    Z = random.integers(-255, 256, (700, 30)).astype(np.float32)
    Z *= np.where(Z @ random.standard_normal(30) + 500 * random.standard_normal(700) > 0, 1, -1)[:, None]
    start, pace = grid_start(np.random.RandomState(seed), 30), np.ones(30)
    one, other = (loop.learn(look_at(Z), start, 0.01 / 255, pace, 300, -1.0) for loop in (batch_loop, batch_loop_numpy))
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])
    assert other[2] < 0.7 * 300 * 700, "most margins are proven, not computed"
