"""How long the checks of own images take, each by itself and all together, and how much memory."""

import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from rungwise.data.checks.checked import check
from rungwise.data.checks.duplicates import blank, pixel_keys, repeated
from rungwise.data.checks.neighbours import near_duplicates
from rungwise.data.checks.series import find_series
from rungwise.data.images import ImageSet
from rungwise.records.environment import cores, processor

IMAGES, CLASSES, SIDE = 10_000, 10, 64
TEST_SHARE = 0.25
MIB = 2**20


def run(images: int = IMAGES) -> dict[str, Any]:
    """Seconds of each check, once, on so many colour images of 64x64 with file names."""
    parts = make(images)
    pixels = np.concatenate([part.images for part in parts.values()])
    labels = np.concatenate([part.labels for part in parts.values()])
    names = [name for part in parts.values() for name in part.file_names]
    before = _peak()
    checks: dict[str, Callable[[], object]] = {
        "repeated": lambda: repeated(pixel_keys(pixels)),
        "single colour": lambda: blank([pixels]),
        "near duplicates": lambda: near_duplicates(parts["test"].images, parts["train"].images),
        "series": lambda: find_series(pixels, labels, names),
        "all": lambda: check(parts, CLASSES),
    }
    found = {name: _seconds(one) for name, one in checks.items()}
    return {
        "machine": {"processor": processor(), "cores": cores(), "torch": torch.__version__},
        "images": images,
        "seconds": {name: seconds for name, (seconds, _) in found.items()},
        "processor_seconds": {name: seconds for name, (_, seconds) in found.items()},
        "memory_mib": (_peak() - before) / MIB,
    }


def make(count: int) -> dict[str, ImageSet]:
    """A training and a test part: a coarse picture of the class, enlarged, under noise, each in a light of its own."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % CLASSES
    coarse = random.integers(30, 226, (count, 3, 8, 8), np.uint8)
    images = coarse.repeat(SIDE // 8, axis=2).repeat(SIDE // 8, axis=3)
    images = images + random.integers(0, 30, images.shape, np.uint8)
    names = np.array([f"{label}/IMG_{number}.jpg".encode() for number, label in enumerate(labels)])
    whole = ImageSet(images, labels.astype(np.int64), names=names)
    test = random.random(count) < TEST_SHARE
    return {"train": whole.take(np.flatnonzero(~test)), "test": whole.take(np.flatnonzero(test))}


def _seconds(one: Callable[[], object]) -> tuple[float, float]:
    """On the clock, and of all processors together, which other processes on the machine do not lengthen as much."""
    start, used = time.perf_counter(), time.process_time()
    one()
    return time.perf_counter() - start, time.process_time() - used


def _peak() -> int:
    """Bytes of memory that the process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def markdown(found: dict[str, Any]) -> str:
    """The table."""
    machine = found["machine"]
    used = found["processor_seconds"]
    rows = "\n".join(f"| {name} | {seconds:.1f} | {used[name]:.1f} |" for name, seconds in found["seconds"].items())
    return (
        "# The checks of own images\n\n"
        f"{found['images']:,} colour images of {SIDE}x{SIDE}, a quarter of them to test on. {machine['processor']}, "
        f"{machine['cores']} cores. The checks took {found['memory_mib']:,.0f} MiB beside the images.\n\n"
        "| check | seconds | of processors |\n|---|---:|---:|\n"
        f"{rows}\n"
    )
