"""A data set as large as anybody's own: images in one NPY file, their labels in another beside it."""

import shutil
from pathlib import Path

import numpy as np

IMAGE = (3, 32, 32)
CLASSES = 10
BLOCK = 8
"""Pixels along a side of what a class is told by: blocks of one colour."""
WRONG = 10
CHUNK = 10_000
"""Images that are drawn at a time."""


def make(folder: Path, count: int, seed: int = 0) -> tuple[Path, Path]:
    """Write `images.npy`, (count, 3, 32, 32) of uint8, and `labels.npy`, (count,) of int64, and return both paths.

    An image is noise over the coarse picture of its class, each of 7 bits, so that there is something to learn. One
    label in `WRONG` is drawn anew, so that the loss stays well above 0. Raises SystemExit where the disk has no room.
    """
    paths = folder / "images.npy", folder / "labels.npy"
    size, free = count * (int(np.prod(IMAGE)) + 8), shutil.disk_usage(folder).free
    if size > free:
        raise SystemExit(f"{folder} needs {size / 1e9:.1f} GB for the images, and has {free / 1e9:.1f} GB")
    random = np.random.default_rng(seed)
    shown, drawn = random.integers(0, CLASSES, (2, count))
    labels = np.where(random.integers(0, WRONG, count), shown, drawn)
    coarse = random.integers(0, 128, (CLASSES, IMAGE[0], *(side // BLOCK for side in IMAGE[1:])), np.uint8)
    pictures = coarse.repeat(BLOCK, 2).repeat(BLOCK, 3)
    images = np.lib.format.open_memmap(paths[0], "w+", np.uint8, (count, *IMAGE))
    for start in range(0, count, CHUNK):
        some = shown[start : start + CHUNK]
        noise = np.frombuffer(random.bytes(some.size * pictures[0].size), np.uint8).reshape(-1, *IMAGE)
        images[start : start + CHUNK] = (noise & 127) + pictures[some]
    images.flush()
    np.save(paths[1], labels)
    return paths
