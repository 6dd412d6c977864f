"""Runs at once on one folder, in short."""

from pathlib import Path

from stress.tally import Tally
from stress.together import together


def test_two_runs_at_once_compute_each_trial_once(tmp_path: Path) -> None:
    found = together(2, 0, 0, tmp_path, Tally("together", 1, say=lambda line: None))
    assert found.faults == []
    assert found.counts == {"8 trials computed, each once": 1}
