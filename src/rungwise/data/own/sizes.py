"""How images of any size become equal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from rungwise.data.own.found import Size
from rungwise.data.own.preparation import LARGEST_SIDE, Preparation, colour

if TYPE_CHECKING:
    from PIL import Image

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


class Fitting:
    """Makes images (H, W, C), uint8, one size: shrunk by the mean over the pixels whose centres a new one covers
    (Pillow's box filter, rounded after each direction), enlarged bilinearly; what another shape leaves over is cut off
    at both sides, or filled with the background."""

    def __init__(self, size: Size, preparation: Preparation) -> None:
        self._size, self._behind = size, colour(preparation.background)
        self._letterbox = preparation.resize == "letterbox"

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Of one image; the image itself where it has the size."""
        from PIL import Image

        if image.shape[:2] == self._size:
            return image
        channels = [np.ascontiguousarray(image[:, :, channel]) for channel in range(image.shape[2])]
        return self.framed(np.stack([np.asarray(self.scaled(Image.fromarray(one))) for one in channels], axis=2))

    def scaled(self, picture: "Image.Image") -> "Image.Image":
        """A picture, grey or in colour, as large as it will be."""
        from PIL import Image

        width, height = picture.size
        if (height, width) == self._size:
            return picture
        shares = self._size.height / height, self._size.width / width
        scale = min(shares) if self._letterbox else max(shares)
        inner = max(1, round(width * scale)), max(1, round(height * scale))
        return picture.resize(inner, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR)

    def framed(self, image: np.ndarray) -> np.ndarray:
        """A scaled image (H, W, C), cut or with bars where its shape is another."""
        if image.shape[:2] == self._size:
            return image
        return _framed(image, self._size, self._behind) if self._letterbox else _cut(image, self._size)


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
