"""How images of any size become equal."""

from collections.abc import Mapping

import numpy as np

from rungwise.data.own.found import Fit, Size
from rungwise.data.own.preparation import LARGEST_SIDE, Preparation, colour

SMALLEST_SIDE = 4


def common_size(sizes: Mapping[Size, int], preparation: Preparation) -> Size:
    """The size that all images get. `sizes`: how many there are of each.

    A size that is set. Else, where all are equal, theirs, made smaller in proportion where a side has more than
    `LARGEST_SIDE`; where they differ, a square of the median of all heights and widths, `LARGEST_SIDE` at most.
    """
    wanted = preparation.image_size
    if wanted is not None:
        return Size(wanted, wanted) if isinstance(wanted, int) else Size(*wanted)
    if len(sizes) == 1:
        (size,) = sizes
        scale = min(1.0, LARGEST_SIDE / max(size))
        height, width = (max(SMALLEST_SIDE, round(side * scale)) for side in size)
        return Size(height, width)
    side = max(SMALLEST_SIDE, min(LARGEST_SIDE, _median_side(sizes)))
    return Size(side, side)


def _median_side(sizes: Mapping[Size, int]) -> int:
    """The lower median of the heights and widths of all images."""
    sides = np.array([side for size in sizes for side in size])
    counts = np.repeat(list(sizes.values()), 2)
    order = np.argsort(sides, kind="stable")
    middle = np.searchsorted(counts[order].cumsum(), counts.sum() / 2)
    return int(sides[order][middle])


def fitting(size: Size, preparation: Preparation) -> Fit:
    """Makes images (H, W, C), uint8, that size: shrunk by the mean over the pixels whose centres a new one covers
    (Pillow's box filter, rounded after each direction), enlarged bilinearly; what another shape leaves over is cut off
    at both sides, or filled with the background."""
    behind = colour(preparation.background)
    letterbox = preparation.resize == "letterbox"

    def fit(image: np.ndarray) -> np.ndarray:
        if image.shape[:2] == size:
            return image
        shares = size.height / image.shape[0], size.width / image.shape[1]
        scale = min(shares) if letterbox else max(shares)
        inner = Size(*(max(1, round(side * scale)) for side in image.shape[:2]))
        scaled = _resized(image, inner)
        return _framed(scaled, size, behind) if letterbox else _cut(scaled, size)

    return fit


def _resized(image: np.ndarray, size: Size) -> np.ndarray:
    from PIL import Image

    channels = image.shape[2]
    if channels not in (1, 3):
        return np.concatenate([_resized(image[:, :, c : c + 1], size) for c in range(channels)], axis=2)
    shrinks = size.height * size.width < image.shape[0] * image.shape[1]
    how = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    picture = Image.fromarray(np.ascontiguousarray(image[:, :, 0] if channels == 1 else image))
    return np.asarray(picture.resize((size.width, size.height), how)).reshape(*size, channels)


def _framed(image: np.ndarray, size: Size, behind: tuple[int, int, int]) -> np.ndarray:
    """The image in the middle of a picture of the background."""
    channels = image.shape[2]
    red, green, blue = behind
    grey = round(0.299 * red + 0.587 * green + 0.114 * blue)
    frame = np.empty((*size, channels), np.uint8)
    frame[:] = behind if channels == 3 else grey
    top, left = ((whole - part) // 2 for whole, part in zip(size, image.shape[:2], strict=True))
    frame[top : top + image.shape[0], left : left + image.shape[1]] = image
    return frame


def _cut(image: np.ndarray, size: Size) -> np.ndarray:
    """The middle of the image, which is larger in one direction at most."""
    top, left = (max(0, part - whole) // 2 for whole, part in zip(size, image.shape[:2], strict=True))
    return image[top : top + size.height, left : left + size.width]
