"""A million colour images of 32x32, 3 GB, which stay in a mapped file: one epoch of one CNN, and how fast batches are
cut out of the file.

The file is in the operating system's cache when it is measured: it has just been written. Batches are those of
training: shuffled, several cut out at once.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.large_files import CLASSES, make
from benchmarks.watched import watch
from rungwise.bench import Bench
from rungwise.data.images import ImageSet, Split
from rungwise.data.settings import Data
from rungwise.engine.allocator import keep_freed_memory
from rungwise.models.cnn import CnnSettings
from rungwise.records.environment import cores, processor
from rungwise.training.batches import Resident
from rungwise.training.fit import carry_out
from rungwise.training.settings import Fit, Recipe

IMAGES = 1_000_000
TESTED = 100
"""One image in so many is to test with."""
NET = CnnSettings(filters=(16, 32))
MOST_BYTES = 2**31
"""Of anonymous memory that training may take."""
READ = 100_000
"""Images that are read in one go."""
ROUNDS = 5


def run(count: int = IMAGES) -> dict[str, Any]:
    """Make the files in a temporary folder, train on them, read from them; as JSON types."""
    with tempfile.TemporaryDirectory(prefix="rungwise-large-") as name:
        folder, started = Path(name), time.perf_counter()
        images, labels = make(folder, count)
        made_s, size = time.perf_counter() - started, images.stat().st_size
        trained = watch(train, images, labels)
        mapped, resident = (watch(read, images, load) for load in ("mapped", "resident"))
    return {
        "machine": {"processor": processor(), "cores": cores(), "torch": torch.__version__},
        "images": count,
        "file_bytes": size,
        "made_s": made_s,
        "net": f"CNN {NET.in_short()}",
        **trained.found,
        "peak_bytes": trained.peak_bytes,
        "whole_s": trained.seconds,
        "us_per_image": {"mapped": mapped.found, "resident": resident.found},
        "reading_bytes": {"mapped": mapped.peak_bytes, "resident": resident.peak_bytes},
    }


def train(images: Path, labels: Path) -> dict[str, Any]:
    """One epoch on the mapped images, as a worker carries it out, all that a record keeps included."""
    keep_freed_memory()
    known, classes = opened(images, "mapped"), tuple("0123456789")
    assert len(classes) == CLASSES
    end = len(known) - len(known) // TESTED
    train, test = (ImageSet(known[part], np.load(labels)[part]) for part in (slice(end), slice(end, None)))
    trial = Fit(
        label="CNN", data=Data(source="mnist"), seed=0, net=NET, fit=Recipe(epochs=1, precision="float32")
    )  # of the setting, the number of classes is all that counts here
    out = carry_out(trial, Bench("cpu", lambda data, seed: Split(classes, train, test, {}), {}))
    told = {name: out.summary[name] for name in ("train_accuracy", "test_accuracy")}
    return {**told, **{name: out.timings[name] for name in ("train_s", "evaluate_s")}, "step": dict(out.choices)}


def read(images: Path, load: str) -> list[float]:
    """Microseconds per image of batches in random order, over so many images, some times; the first time is left out:
    pages are then mapped."""
    part = Resident(torch.from_numpy(known := opened(images, load)), torch.zeros(1, len(known), dtype=torch.int64))
    random, found = torch.Generator().manual_seed(0), []
    for _ in range(1 + ROUNDS):
        indices = part.shuffled(64, random)[: READ // 64]
        started = time.perf_counter()
        for batch in part.batches(indices):
            assert len(batch.images)
        found.append(1e6 * (time.perf_counter() - started) / sum(map(len, indices)))
    return found[1:]


def opened(images: Path, load: str) -> np.ndarray:
    """The images of a file, in it or in memory."""
    known: np.ndarray = np.load(images, mmap_mode="c" if load == "mapped" else None)
    return known


def markdown(found: dict[str, Any]) -> str:
    """What was found, as sentences and a table."""
    machine, rates = found["machine"], found["us_per_image"]
    trained = found["images"] - found["images"] // TESTED
    over = "" if found["peak_bytes"] < MOST_BYTES else ", **more than the 2 GiB that are allowed**"
    held = found["reading_bytes"]
    rows = [
        f"| {load} | {statistics.median(us):.2f} ({min(us):.2f}–{max(us):.2f}) | {held[load] / 2**20:,.0f} |"
        for load, us in rates.items()
    ]
    return "\n".join(
        [
            f"# {found['images']:,} colour images in a mapped file of {found['file_bytes'] / 1e9:.2f} GB",
            "",
            f"{machine['processor']}, {machine['cores']} threads; torch {machine['torch']}.",
            "",
            f"One epoch of {found['net']} on {trained:,} of them: {found['train_s']:.0f} s of training, "
            f"{1e6 * found['train_s'] / trained:.0f} µs per image, and {found['evaluate_s']:.0f} s for what it says of "
            f"all images; {found['whole_s']:.0f} s for the whole process. At its peak it held "
            f"**{found['peak_bytes'] / 2**20:,.0f} MiB** of anonymous memory{over}. Accuracy on its training images "
            f"{found['train_accuracy']:.4f}, on its test images {found['test_accuracy']:.4f}. The files were made in "
            f"{found['made_s']:.0f} s.",
            "",
            f"| images | µs to read one in a random batch, median of {ROUNDS} (least–greatest) | anonymous MiB |",
            "|---|---:|---:|",
            *rows,
            "",
        ]
    )
