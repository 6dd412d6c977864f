"""Small folders of images, and what is made of them."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rungwise.data.errors import DataError
from rungwise.data.images import Dataset
from rungwise.data.own.opened import Opened, load_own, open_own
from rungwise.data.own.preparation import Preparation


def encoded(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    """An image's file."""
    content = io.BytesIO()
    image.save(content, kind, **more)
    return content.getvalue()


def noise(seed: int, shape: Sequence[int] = (8, 8)) -> np.ndarray:
    """Pixels drawn at random, uint8."""
    return np.random.default_rng(seed).integers(0, 256, tuple(shape), np.uint8)


def picture(seed: int, shape: Sequence[int] = (8, 8)) -> bytes:
    """A PNG of noise, grey (H, W) or in colour (H, W, 3)."""
    return encoded(Image.fromarray(noise(seed, shape)))


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Files by their names in a folder, which is returned."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def pictures(counts: Mapping[str, int], start: int = 0) -> dict[str, bytes]:
    """So many different images in each folder, by name."""
    numbers = iter(range(start, start + sum(counts.values())))
    return {
        f"{folder}/{number:03}.png": picture(next(numbers))
        for folder, count in counts.items()
        for number in range(count)
    }


def opened(path: Path, **settings: Any) -> Opened:
    return open_own(path, Preparation(**settings))


def loaded(path: Path, **settings: Any) -> Dataset:
    preparation = Preparation(**settings)
    return load_own(path, preparation, open_own(path, preparation).facts)


def fault(path: Path, **settings: Any) -> str:
    """What opening it says: one message."""
    with pytest.raises(DataError) as caught:
        opened(path, **settings)
    return str(caught.value)
