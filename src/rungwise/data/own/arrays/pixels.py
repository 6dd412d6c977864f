"""Images that are rows of arrays."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from rungwise.data.own.arrays.ranges import Scale
from rungwise.data.own.arrays.shapes import Layout
from rungwise.data.own.arrays.stored import Stored
from rungwise.data.own.found import Fit, Pixels, Size


class ArrayPixels(Pixels):
    """The rows of some arrays, one after the other."""

    def __init__(self, arrays: Sequence[Stored], layouts: Sequence[Layout], scale: Scale) -> None:
        self._arrays, self._layouts, self._scale = arrays, layouts, scale

    def __len__(self) -> int:
        return sum(map(len, self._arrays))

    def sizes(self) -> Counter[Size]:
        found = Counter[Size]()
        for array, layout in zip(self._arrays, self._layouts, strict=True):
            found[Size(layout.height, layout.width)] += len(array)
        return found

    def channels(self) -> int:
        return max(layout.channels for layout in self._layouts)

    def decode(self, fit: Fit) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        start = 0
        for array, layout in zip(self._arrays, self._layouts, strict=True):
            for rows in array.chunks():
                pixels = fitted(layout.arranged(self._scale(rows)), fit)
                yield np.arange(start, start + len(rows)), pixels[:, :1] if _grey(pixels) else pixels
                start += len(rows)


def fitted(pixels: np.ndarray, fit: Fit) -> np.ndarray:
    """Images (n, C, H, W) after `fit`, which is not called for each where it changes no size."""
    first = fit(pixels[0].transpose(1, 2, 0))
    if first.shape[:2] == pixels.shape[2:]:
        return pixels
    others = (fit(image.transpose(1, 2, 0)) for image in pixels[1:])
    return np.stack([first, *others]).transpose(0, 3, 1, 2)


def _grey(pixels: np.ndarray) -> bool:
    """Whether images in colour (n, 3, H, W) are all grey; most that are not show it in the first."""
    return pixels.shape[1] == 3 and all(
        bool((some[:, 1:] == some[:, :1]).all()) for some in (pixels[:1], pixels) if len(some)
    )
