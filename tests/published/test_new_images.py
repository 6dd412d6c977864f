"""Published records over seeds and images: the numbers of the study that asked for both."""

import json
from pathlib import Path

import numpy as np
import pytest

from rungwise.evidence import ranges
from rungwise.evidence.images import crossed

REFERENCE = Path(__file__).parents[2] / "results" / "reference" / "trials"


def correct(label: str) -> np.ndarray:
    """(5 seeds, 10,000 images), int8: what a net that saw all training images has right."""
    found = {}
    for file in REFERENCE.glob("*/record.json"):
        record = json.loads(file.read_text(encoding="utf-8"))
        if record["label"] == label and record["spec"]["data"]["train_images"] is None:
            arrays = np.load(file.with_name("arrays.npz"))
            found[record["spec"]["seed"]] = arrays["test_predictions"] == arrays["test_labels"]
    return np.stack([found[seed] for seed in sorted(found)]).astype(np.int8)


def half(ends: tuple[float, float] | None) -> float:
    assert ends is not None
    return (ends[1] - ends[0]) / 2


def test_one_net_less_another() -> None:
    """CNN-5 less CNN-4: +.0020, within .0009 over seeds and within .0011 over seeds and new images."""
    difference = correct("CNN-5") - correct("CNN-4")
    found = crossed(difference)
    assert found is not None
    assert found.mean == pytest.approx(0.0020, abs=5e-5)
    assert half(ranges.interval(difference.mean(axis=1).tolist(), "plain")) == pytest.approx(0.0009, abs=5e-5)
    assert half(found.interval()) == pytest.approx(0.0011, abs=5e-5)
