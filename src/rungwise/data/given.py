"""Data as a user gives it, on the command line or in Python, as the setting of a study."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.cache import folder_of
from rungwise.data.reading import Reading, is_path
from rungwise.data.settings import Data
from rungwise.data.sources.catalogue import SOURCES, source_names
from rungwise.files import rename

Given = str | Path | Data | tuple[Any, Any]
"""A name in the catalogue, a path, settings, or images and labels as arrays."""


def data_of(given: Given, reading: Reading | None = None, **settings: str) -> Data:
    """The setting that stands for what was given.

    Arrays: images (N, H, W), (N, H, W, C) or (N, C, H, W) and labels (N,), or (N, K) for K tasks, whole numbers or
    texts; they are kept in the cache. `settings`: of own images, by their names (`Preparation`). Raises DataError where
    the data cannot be used.
    """
    if isinstance(given, Data):
        return given
    if isinstance(given, tuple):
        if len(given) != 2:
            raise DataError(f"expected images and labels, as data=(images, labels); got {len(given)} values")
        source = str(_kept(*(np.asarray(part) for part in given)))
    else:
        source = str(given)
        if not SOURCES.has(source):
            source = os.path.abspath(Path(source).expanduser())  # noqa: PTH100 (links stay)
    from pydantic import ValidationError

    try:
        return Data.model_validate({"source": source, **settings}, context=reading)
    except ValidationError as error:
        says = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        plain = isinstance(given, str) and not is_path(given)
        hint = f". Data sets by name: {', '.join(source_names())}" if plain else ""
        raise DataError(says + hint) from None


def _kept(images: np.ndarray, labels: np.ndarray) -> Path:
    """The folder of the cache in which the arrays are."""
    if images.ndim < 3 or labels.ndim not in (1, 2) or len(images) != len(labels):
        raise DataError(
            f"expected images (N, H, W) or (N, H, W, C) and labels (N,) or (N, K), got shapes {images.shape} and "
            f"{labels.shape}"
        )
    if images.dtype.hasobject or labels.dtype.hasobject:
        raise DataError(
            "expected arrays of numbers, and labels that are whole numbers or texts; got Python objects: convert them, "
            "as labels.astype(str)"
        )
    digest = hashlib.sha256(f"{images.dtype} {images.shape} {labels.dtype}".encode())
    for array in (images, labels):
        digest.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    folder = folder_of("arrays") / f"arrays-{digest.hexdigest()[:8]}"
    if not folder.is_dir():
        work = folder.with_name(f".{folder.name}.{os.getpid()}")
        work.mkdir(exist_ok=True)
        np.save(work / "images.npy", images)
        np.save(work / "labels.npy", labels)
        rename(work, folder)
    return folder
