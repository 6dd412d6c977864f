"""What the chapters share in their figures: curves by seed, images as pictures, and places of missing ones."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from rungwise.findings import Figure, Series

NOT_RUN = "no trial that it shows has a record"
"""Why a figure is missing, where nothing that it shows has run."""
RUN_AGAIN = "Running the study again computes what is missing."
"""What mends that."""


def over_epochs(name: str, runs: Iterable[Sequence[float]]) -> Series:
    """One curve per run, over the epochs 1, 2, ...; a run may have ended early."""
    curves = tuple(map(tuple, runs))
    return Series(name=name, x=tuple(range(1, 1 + max(map(len, curves)))), runs=curves)


def over_values(name: str, x: Sequence[float], values: Sequence[Mapping[int, float]]) -> Series:
    """One curve per seed over x, from the values by seed at each x; NaN where a seed has none."""
    seeds = sorted({seed for by_seed in values for seed in by_seed})
    runs = tuple(tuple(by_seed.get(seed, math.nan) for by_seed in values) for seed in seeds)
    return Series(name=name, x=tuple(x), runs=runs)


COLOURS = 3
"""The channels of an image that is shown in colour: red, green and blue."""


def picture(image: np.ndarray) -> np.ndarray:
    """An image or weights (C, H, W) as a tile's pixels, of the same dtype: (H, W, 3) where there are three channels,
    else (H, W), the mean over them."""
    if len(image) == COLOURS:
        return np.ascontiguousarray(np.moveaxis(image, 0, -1))
    return np.asarray(image.mean(axis=0).astype(image.dtype))


def missing(
    chapter: str, captions: Mapping[str, str], why: str = NOT_RUN, remedy: str = RUN_AGAIN
) -> tuple[Figure, ...]:
    """A place for each figure that cannot be made, so that the figures after it keep their numbers.

    `captions`: what each would show, by the end of its id.
    """
    words = f"{why}. {remedy}"
    return tuple(
        Figure(id=f"{chapter}-{end}", caption=caption, alt=f"Not shown: {words}", panels=(), missing=words)
        for end, caption in captions.items()
    )
