"""How a way to balance is found by name: ours, and another package's by its entry point."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rungwise.balancing import balancing_methods, read_balancer
from rungwise.balancing.dwa import Settings as DwaSettings

MINE = '''
"""The heavier task is the one with the larger loss."""
from typing import ClassVar, Literal

from rungwise.balancing.balancer import Balancer, BalancerSettings, Batch, Forward
from rungwise.balancing.fixed import descend


class Settings(BalancerSettings):
    method: Literal["largest"] = "largest"
    source: ClassVar[str] = "a test"
    says: ClassVar[str] = "Each task counts by its loss."
    power: float = 1.0
    silent: bool = False

    def build(self, learner):
        return Largest(learner, self.power, self.silent)


class Largest(Balancer):
    def __init__(self, learner, power, silent):
        super().__init__(learner)
        self.power, self.silent = power, silent

    def step(self, batch: Batch) -> Forward:
        forward = self.learner.forward(batch)
        losses = forward.losses.detach()
        self.weights = losses**self.power / (losses**self.power).sum()
        descend(self.learner, forward.losses @ self.weights)
        if self.silent:
            self.weights = self.weights * float("nan")
        return Forward(losses, forward.right)
'''
STUDY = """
title = "A method from elsewhere"
[[chapter]]
kind = "multitask"
data = { source = "digits", train_images = 128 }
fit = { epochs = 1, evaluate = "end", precision = "float32" }
net = { family = "compact", filters = [2, 3] }
weights = [0.5]
[chapter.tasks]
item = "labels"
loops = { none = [1, 2, 3, 5, 7], one = [0, 4, 6, 9], two = [8] }
[chapter.methods]
Mine = METHOD
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in which another package is installed, whose entry point names a method."""
    (tmp_path / "largest_first.py").write_text(MINE)
    installed = tmp_path / "largest_first-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: largest-first\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[rungwise.balancing]\nlargest = largest_first\ndwa = largest_first\n")
    return os.environ | {"PYTHONPATH": str(tmp_path)}


def rungwise(*words: object, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rungwise", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)


def run_mine(method: str, environment: dict[str, str], folder: Path) -> dict[str, Any]:
    """The record of the model that the method balances, after a run into `folder` / "run"."""
    study, out = folder / "study.toml", folder / "run"
    study.write_text(STUDY.replace("METHOD", method))
    done = rungwise("run", study, "--out", out, "--offline", "--quiet", environment=environment)
    assert done.returncode == 0, done.stderr
    records = [json.loads(path.read_text()) for path in (out / "trials").glob("*/record.json")]
    (mine,) = [record for record in records if record["label"] == "Mine"]
    return mine


def test_another_packages_method_is_run_recorded_and_told(elsewhere: dict[str, str], tmp_path: Path) -> None:
    mine = run_mine('{ method = "largest", power = 2 }', elsewhere, tmp_path)
    assert mine["spec"]["balance"] == {"method": "largest", "power": 2.0, "silent": False}
    weights = [mine["history"][f"weight_{task}"][-1] for task in ("item", "loops")]
    assert sum(weights) == pytest.approx(1)
    assert weights[0] > 0.6, "ten classes have a larger loss than three: ln 10 and ln 3 at the start"
    assert "Each task counts by its loss. Set here: power = 2.0." in (tmp_path / "run" / "report.md").read_text()


def test_a_method_without_weights_is_recorded_without_them(elsewhere: dict[str, str], tmp_path: Path) -> None:
    mine = run_mine('{ method = "largest", silent = true }', elsewhere, tmp_path)
    assert "train_loss_item" in mine["history"]
    assert not [key for key in mine["history"] if key.startswith(("weight", "dominance"))]


def test_where_it_is_not_installed_the_nearest_names_are_told(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(STUDY.replace("METHOD", '"largest"'))
    done = rungwise("run", study, "--out", tmp_path / "run", environment=dict(os.environ))
    assert done.returncode == 2
    assert "line 13: methods.Mine: no method is called 'largest'" in done.stderr
    assert not (tmp_path / "run").exists(), "nothing has run"


def test_nobody_takes_a_name_of_ours(elsewhere: dict[str, str]) -> None:
    code = "from rungwise.balancing import balancing_methods as known; print(known()['dwa'], known()['largest'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=elsewhere, timeout=120)
    assert done.stdout.split() == ["rungwise.balancing.dwa:Settings", "largest_first"]


def test_settings_are_read_from_a_name_a_table_or_as_they_are() -> None:
    settings = DwaSettings(temperature=3)
    assert read_balancer("dwa") == DwaSettings()
    assert read_balancer({"method": "dwa", "temperature": 3}) == settings
    assert read_balancer(settings) is settings
    assert "fixed" in balancing_methods()


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (3, 'a way to balance tasks needs its method, as { method = "dwa" }, got 3'),
        ({"temperature": 2}, "needs its method"),
        ({"method": "gradnrom"}, "no method is called 'gradnrom'; did you mean 'gradnorm'?"),
        ({"method": "dwa", "temprature": 2}, "unknown setting 'temprature'; did you mean 'temperature'?"),
        ({"method": "dwa", "temperature": 0}, "temperature: Input should be greater than or equal to 0.01, got 0"),
        ({"method": "auto-lambda", "weights": "sphere"}, "weights: Input should be 'raw' or 'simplex', got 'sphere'"),
    ],
)
def test_mistakes_are_told_in_plain_words(raw: object, says: str) -> None:
    with pytest.raises(ValueError) as error:
        read_balancer(raw)
    assert says in str(error.value)
