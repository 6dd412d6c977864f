"""The small study that is run again and again, and what of its findings must be equal each time."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

STUDY = """
title = "Under stress"
seeds = 2

[[chapter]]
kind = "mlps"
data = { source = "digits", train_images = 600 }
fit = { epochs = 20, batch = 32, optimiser = "adam", rate = 1e-3 }
nets = { A = { hidden = [20] }, B = { hidden = [24] } }

[[chapter.claim]]
id = "wider"
says = "B is better than A"
test = { metric = "test_accuracy", better = "B", than = "A" }

[[chapter]]
kind = "seeing"
data = { source = "digits", train_images = 600 }
net = { filters = [4, 6] }
fit = { epochs = 4 }
dream = { steps = 1, scales = [8] }
"""
"""Two chapters and eight trials, of which two need the nets of two others."""
TRIALS = 8
TIMES = re.compile(r"(.*_)?time_s|time|created|finished_at|seal|environment")
"""Keys of the findings that a clock or the machine decides, and the seal, which covers them."""


def findings(folder: Path) -> Any:
    """What a report says, without what a clock or the machine decides."""
    return _timeless(json.loads((folder / "findings.json").read_text("utf-8")))


def _timeless(value: Any) -> Any:
    if isinstance(value, list):
        return [_timeless(part) for part in value if not _is_figure_of_times(part)]
    if not isinstance(value, dict):
        return value
    value = {key: _timeless(part) for key, part in value.items() if not TIMES.fullmatch(key)}
    if {"caption", "columns", "rows"} <= value.keys():
        kept = [i for i, column in enumerate(value["columns"]) if not column["key"].endswith("_s")]
        value["rows"] = [[row[i] for i in kept] for row in value["rows"]]
    return value


def _is_figure_of_times(value: Any) -> bool:
    return isinstance(value, dict) and str(value.get("id", "")).endswith("-time")


def contents(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of every finished trial, by its path."""
    files = [path for path in (folder / "trials").rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
