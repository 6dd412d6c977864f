"""Prepared images as files: of each part ``PART.npy`` with the pixels, and one ``labels.npz`` for all."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.images import ImageSet
from rungwise.data.own.parts import PARTS

LABELS = "labels.npz"
MAPPED_BYTES = 256 * 2**20
"""Of all images: larger sets stay in their files and are mapped into memory."""


def write_labels(folder: Path, parts: Mapping[str, ImageSet]) -> None:
    """What is known of each image, as integers."""
    arrays = {}
    for name, part in parts.items():
        arrays[f"{name}/labels"] = part.labels
        arrays |= {f"{name}/column/{column}": values for column, values in part.columns.items()}
        if part.groups is not None:
            arrays[f"{name}/groups"] = part.groups
        if part.names is not None:
            arrays[f"{name}/names"] = part.names
    np.savez(folder / LABELS, allow_pickle=False, **arrays)


def read_parts(folder: Path, mapped: bool) -> dict[str, ImageSet]:
    """The parts by name, their images mapped from the files where they are large. Raises DataError."""
    try:
        with np.load(folder / LABELS, allow_pickle=False) as arrays:
            known = {name: arrays[name] for name in arrays.files}
        return {part: _part(folder, part, known, mapped) for part in PARTS if f"{part}/labels" in known}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{folder} was damaged ({error}): remove it, and the images are decoded anew") from error


def _part(folder: Path, part: str, known: Mapping[str, np.ndarray], mapped: bool) -> ImageSet:
    # Copy on write: PyTorch takes no arrays that are read-only, and nothing is ever written.
    images = np.load(folder / f"{part}.npy", mmap_mode="c" if mapped else None, allow_pickle=False)
    prefix = f"{part}/column/"
    columns = {name.removeprefix(prefix): values for name, values in known.items() if name.startswith(prefix)}
    if len(images) != len(known[f"{part}/labels"]):
        raise ValueError(f"{part}.npy holds {len(images):,} images for {len(known[f'{part}/labels']):,} labels")
    return ImageSet(images, known[f"{part}/labels"], columns, known.get(f"{part}/groups"), known.get(f"{part}/names"))


def pixel_digest(parts: Mapping[str, ImageSet]) -> str:
    """The SHA-256 of all pixels and labels, part by part: the same for the same images in any format."""
    digest = hashlib.sha256()
    for name, part in parts.items():
        digest.update(f"{name} {part.images.shape}".encode())
        for start in range(0, len(part), 4096):
            digest.update(np.ascontiguousarray(part.images[start : start + 4096]).data)
        digest.update(part.labels.astype("<i8").tobytes())
    return digest.hexdigest()
