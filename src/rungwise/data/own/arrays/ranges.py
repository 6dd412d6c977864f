"""How numbers of any type become pixels of 0 to 255: by the range of all images together."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.arrays.stored import Stored

Scale = Callable[[np.ndarray], np.ndarray]
"""Makes numbers, in any shape, uint8."""
ROUNDING = 1e-5
"""By how much floats may leave [0, 1] or [-1, 1]."""
EXPECTED = "pixels as whole numbers from 0 to 255 or to 65,535, or as floats from 0 to 1 or from -1 to 1"


class Range(NamedTuple):
    """Of all values of some arrays."""

    low: float
    high: float
    whole: bool
    """Whether all are whole numbers."""


def scaling(arrays: Sequence[Stored]) -> tuple[Scale, list[str]]:
    """How to scale the images of all parts, and a note where they are scaled. Raises DataError where that is unclear.

    All values are read for it, but those of uint8, which are looked at no further than the first that is above 1.
    """
    kinds = {_kind(array) for array in arrays}
    if len(kinds) > 1:
        raise DataError(
            f"{arrays[0].title} and others hold {' and '.join(sorted(kinds))}: expected one type of number in all "
            "parts, or their ranges cannot be compared"
        )
    if kinds == {"bits"}:
        return _times_255, ["pixels are true or false: taken as 255 and 0"]
    if all(array.dtype == np.uint8 for array in arrays) and any(_bright(array) for array in arrays):
        return _as_they_are, []
    return _rule(range_of(arrays), kinds == {"floats"}, arrays)


def range_of(arrays: Sequence[Stored]) -> Range:
    """Raises DataError where a value is no number."""
    low, high, whole = np.inf, -np.inf, True
    for array in arrays:
        for chunk in array.chunks():
            least, most = float(chunk.min()), float(chunk.max())
            if not (np.isfinite(least) and np.isfinite(most)):
                raise DataError(
                    f"{array.title} holds values that are no numbers (NaN or infinite): expected {EXPECTED}"
                )
            low, high = min(low, least), max(high, most)
            whole = whole and (chunk.dtype.kind in "iu" or bool((chunk == np.rint(chunk)).all()))
    return Range(low, high, whole)


def _rule(found: Range, floats: bool, arrays: Sequence[Stored]) -> tuple[Scale, list[str]]:
    low, high, whole = found
    got = f"pixels are {'floats' if floats else 'whole numbers'} from {low:.6g} to {high:.6g}"
    if low >= -ROUNDING and high <= 1 + ROUNDING:
        return _times_255, [f"{got}: scaled from [0, 1] to 0 to 255"]
    if floats and low >= -1 - ROUNDING and high <= 1 + ROUNDING:
        return _from_signed, [f"{got}: scaled from [-1, 1] to 0 to 255"]
    if whole and low >= 0 and high <= 255:
        return _as_they_are, [f"{got}: taken as they are, of 0 to 255"] if floats or high < 128 else []
    if whole and low >= 0 and high <= 65_535 and not floats:
        return _from_16_bits, [f"{got}: scaled from [0, 65,535] to 0 to 255"]
    raise DataError(
        f"{arrays[0].title}: expected {EXPECTED}, got {'floats' if floats else 'whole numbers'} from {low:.6g} to "
        f"{high:.6g}{'' if whole else ', not all of them whole'}. Scale them so"
    )


def _kind(array: Stored) -> str:
    kinds = {"b": "bits", "u": "whole numbers", "i": "whole numbers", "f": "floats"}
    if array.dtype.kind not in kinds:
        raise DataError(f"{array.title} holds values of the type {array.dtype}: expected {EXPECTED}")
    return kinds[array.dtype.kind]


def _bright(array: Stored) -> bool:
    return any(chunk.size and chunk.max() > 1 for chunk in array.chunks())


def _as_they_are(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.uint8)


def _times_255(values: np.ndarray) -> np.ndarray:
    return _clipped(values.astype(np.float32) * np.float32(255))


def _from_signed(values: np.ndarray) -> np.ndarray:
    return _clipped((values.astype(np.float32) + np.float32(1)) * np.float32(127.5))


def _from_16_bits(values: np.ndarray) -> np.ndarray:
    return _as_they_are((values.astype(np.uint32) * 255 + 32_767) // 65_535)


def _clipped(values: np.ndarray) -> np.ndarray:
    return _as_they_are(np.clip(np.rint(values), 0, 255))
