"""Golden numbers: what a small trial of each sort gives. They move only where a version of results is raised
(`Settings.result_version`), so that records of changed code are never mixed with those of the old in silence.

``python -m tests.published.golden`` writes golden.json anew. It refuses where numbers moved and no version was raised.
"""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from rungwise.balancing import METHODS as BALANCING
from rungwise.study.reading import parse_study
from rungwise.study.study import study_trials
from rungwise.testing.chapters import carried_out
from rungwise.trial import Trial

FILE = Path(__file__).with_name("golden.json")
TOLERANCE = 1e-3
"""Relative. Without AVX2 and FMA the same numbers moved by 1e-5 at most, with two threads instead of one by 2e-4."""
NUMBERS = (
    *("loss", "weight", "dominance", "sparsity", "selectivity", "variance", "measure", "unit_", "bound", "gamma"),
    *("iterations", "parameters", "mean_pair_accuracy", "dead", "error", "looked"),
)
"""What the names of golden numbers hold: those that move smoothly, and counts. An accuracy of few images jumps."""
FIT = 'fit = { epochs = 2, batch = 64, optimiser = "adam", rate = 2e-3, precision = "float32" }'
MUON = (
    'fit = { epochs = 2, batch = 64, optimiser = "muon", rate = 0.05, schedule = "one-cycle", label_smoothing = 0.1, '
    'augment = { rotate = 10, shift = 1 }, precision = "float32" }'
)
REGULARISED = (
    'fit = { epochs = 3, rate = 2e-3, weight_decay = 0.1, clip_norm = 0.5, class_weights = "balanced", '
    'schedule = "cosine", stop = { patience = 2, metric = "validation_loss" }, precision = "float32" }'
)
DATA = 'data = { source = "digits", train_images = 300 }'
METHODS = "{ " + ", ".join(f'"{name}" = "{name}"' for name in sorted(BALANCING.own) if name != "fixed") + " }"
STUDY = f"""
title = "Golden numbers"

[[chapter]]
kind = "projection"
{DATA}

[[chapter]]
kind = "perceptrons"
{DATA}
pairs = [[1, 0], [8, 3]]
rule = "batch"
rate = 0.01
iterations = 50
tolerance = 1e-3

[[chapter]]
kind = "perceptrons"
name = "online"
{DATA}
pairs = [[1, 0]]
rule = "online"
rate = 0.01
iterations = 5
tolerance = 1e-3

[[chapter]]
kind = "mlps"
{DATA}
{FIT}
nets = {{ MLP = {{ hidden = [20, 20] }}, Linear = {{ hidden = [] }} }}

[[chapter]]
kind = "mlps"
name = "sgd"
{DATA}
fit = {{ epochs = 2, batch = 64, optimiser = "sgd", rate = 0.1, momentum = 0.9, precision = "float32" }}
nets = {{ SGD = {{ hidden = [20] }} }}

[[chapter]]
kind = "cnns"
{DATA}
{FIT}
nets = {{ CNN = {{ filters = [4, 8] }} }}

[[chapter]]
kind = "cnns"
name = "muon"
{DATA}
{MUON}
nets = {{ Residual = {{ family = "residual", stem = 4, filters = [8], blocks = [1] }} }}

[[chapter]]
kind = "audit"
data = {{ source = "digits" }}
nets = {{ kind = "cnns", {DATA}, {FIT}, nets = {{ CNN = {{ filters = [4, 8] }} }} }}

[[chapter]]
kind = "mlps"
name = "regularised"
data = {{ source = "digits", train_images = 300, validation_images = 100 }}
{REGULARISED}
nets = {{ Dropped = {{ hidden = [20], dropout = 0.2 }}, Normal = {{ hidden = [20, 20], batch_norm = true }} }}

[[chapter]]
kind = "cnns"
name = "layers"
{DATA}
fit = {{ epochs = 2, rate = 2e-3, schedule = "step", step_epochs = 1, precision = "float32" }}
nets = {{ All = {{ filters = [4, 8], batch_norm = true, dense = [10], dropout = 0.2 }} }}

[[chapter]]
kind = "seeing"
{DATA}
{FIT}
net = {{ filters = [4, 8] }}
classes = [2, 9]
dream = {{ steps = 3 }}

[[chapter]]
kind = "capacity"
data = {{ source = "digits", train_images = 100 }}
fit = {{ epochs = 3, rate = 2e-3, stop_loss = 1.0 }}
widths = [4, 8]

[[chapter]]
kind = "multitask"
data = {{ source = "digits", train_images = 300, validation_images = 100 }}
fit = {{ epochs = 2, batch = 64, rate = 3e-3, precision = "float32" }}
net = {{ filters = [2, 3], shared = [8] }}
weights = [0.5]
methods = {METHODS}
tasks = {{ item = "labels", loops = {{ none = [1, 2, 3, 5, 7], one = [0, 4, 6, 9], two = [8] }} }}

[[chapter]]
kind = "multitask"
name = "sharing"
data = {{ source = "digits", train_images = 300 }}
fit = {{ epochs = 1, rate = 3e-3, precision = "float32" }}
net = {{ filters = [2], shared = [8] }}
weights = [0.5]
tasks = {{ item = "labels", loops = {{ none = [1, 2, 3, 5, 7], one = [0, 4, 6, 9], two = [8] }} }}
[chapter.sharing]
Stitched = {{ family = "cross-stitch", filters = [2, 3] }}
Together = {{ family = "collaboration", filters = [2, 3] }}
Compact = {{ family = "compact", filters = [2, 3], shared = [6] }}

[[chapter]]
kind = "transfer"
data = {{ source = "digits", train_images = 200, validation_images = 100, turned = true }}
fit = {{ epochs = 1, rate = 3e-3, precision = "float32" }}
net = {{ family = "compact", filters = [2, 3], shared = [6] }}
weights = 0.5
tasks = {{ item = "labels", loops = {{ none = [1, 2, 3, 5, 7], one = [0, 4, 6, 9], two = [8] }} }}
task = {{ turn = "turn" }}
shares = [0.5]
"""


def golden_trials() -> dict[str, Trial]:
    """One of each sort, small, on the digits that scikit-learn carries; by a name that outlives ids and versions."""
    found = study_trials(parse_study(STUDY, "golden"))
    return {f"{chapter.name}: {trial.label}, seed {trial.seed}": trial for chapter, trial in found}


def computed() -> dict[str, dict[str, Any]]:
    """What the trials give here: versions and numbers, by name. In one thread, as sums differ with the number."""
    trials = golden_trials()
    records = carried_out(list(trials.values()))
    return {
        name: {
            "work": trial.work,
            "versions": trial.versions,
            "numbers": {
                key: float(f"{value:.7g}")
                for key, value in records[trial.id].summary.items()
                if any(part in key for part in NUMBERS)
            },
        }
        for name, trial in trials.items()
    }


def moved(old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Numbers of trials of one version that are not what they were."""
    for name in old.keys() & new.keys():
        if old[name]["versions"] != new[name]["versions"]:
            continue
        for key, value in old[name]["numbers"].items():
            now = new[name]["numbers"].get(key, math.nan)
            if not math.isclose(value, now, rel_tol=TOLERANCE, abs_tol=1e-6):
                yield f"{name}: {key} was {value:.6g}, is {now:.6g}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    found = computed()
    faults = list(moved(json.loads(FILE.read_text()), found)) if FILE.exists() else []
    if faults:
        sys.exit("\n".join([*faults, "These moved under one version: raise the result_version of what you changed."]))
    FILE.write_text(json.dumps(found, indent=1) + "\n")
