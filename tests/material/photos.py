"""Small image folders of known content, written as people have them."""

from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"cat": (200, 40, 40), "dog": (40, 200, 40), "owl": (40, 40, 200)}


def photo(name: str, number: int, size: tuple[int, int] = (12, 12)) -> np.ndarray:
    """A noisy picture in the colour of its class, (H, W, 3), uint8; the same for the same number."""
    random = np.random.default_rng([sum(name.encode()), number])
    noise = random.integers(-30, 31, (*size, 3))
    return np.clip(np.array(COLOURS[name]) + noise, 0, 255).astype(np.uint8)


def write_photos(folder: Path, count: int = 12, classes: tuple[str, ...] = ("cat", "dog", "owl")) -> Path:
    """PNG files ``CLASS/NUMBER.png``."""
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(photo(name, number)).save(folder / name / f"{number}.png")
    return folder
