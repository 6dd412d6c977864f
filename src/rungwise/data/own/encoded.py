"""Images that are files of their own, decoded by Pillow, several at a time: it decodes outside Python's lock."""

import contextlib
import io
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.found import Fit, Header, Headers, Pixels, Size
from rungwise.data.own.place import Place
from rungwise.data.own.preparation import colour
from rungwise.data.own.threads import in_threads

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".jp2", ".avif", ".ico"),
)
GREY_MODES = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"}
ORIENTATION, SIDEWAYS = 0x0112, {5, 6, 7, 8}
"""EXIF's tag for how a camera was held, and its values with which height and width change places."""


def is_image(name: str) -> bool:
    """Whether a file is called as an image."""
    return name.lower().endswith(SUFFIXES)


def read_header(content: bytes) -> Header | str:
    """Size and mode of an image in a file's bytes, or why there is none."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
            if image.getexif().get(ORIENTATION) in SIDEWAYS:
                width, height = height, width
            return Header(Size(height, width), image.mode in GREY_MODES)
    except Exception as error:  # decoders raise anything
        return _reason(error)


def decode(content: bytes, background: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """The first picture in a file's bytes as (H, W, 3), or as (H, W, 1) where it is grey; uint8.

    It is turned as EXIF says; transparent pixels are laid over the background; 16 bits are scaled to 8. Raises
    ValueError with the reason where the file is damaged.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            pixels = _pixels(ImageOps.exif_transpose(image), background)
    except Exception as error:  # decoders raise anything
        raise ValueError(_reason(error)) from error
    red = pixels[:, :, :1]
    return red if pixels.shape[2] == 3 and (pixels == red).all() else pixels


def _pixels(image: "Image.Image", background: tuple[int, int, int]) -> np.ndarray:  # type: ignore[name-defined]  # noqa: F821
    from PIL import Image

    if image.mode.startswith("I"):
        return _scaled(np.asarray(image))[:, :, np.newaxis]
    if image.mode == "F":
        raise ValueError("expected whole numbers as pixels, got floating-point ones; convert it to PNG")
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))[:, :, np.newaxis]
    if image.has_transparency_data:
        over = Image.new("RGBA", image.size, (*background, 255))
        image = Image.alpha_composite(over, image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def _scaled(values: np.ndarray) -> np.ndarray:
    """Pixels of 16 bits as uint8: 65,535 becomes 255. Raises ValueError where there are others."""
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65_535:
        raise ValueError(f"expected pixels of 8 or 16 bits, got values from {low} to {high}")
    whole: np.ndarray = (values.astype(np.uint32) * 255 + 32_767) // 65_535
    return whole.astype(np.uint8)


class Encoded(Pixels):
    """Images as files of a place."""

    def __init__(self, place: Place, names: Sequence[str], headers: Headers, background: str = "white") -> None:
        """`headers`: of each file by name, as `read_header` found them."""
        self._place, self._names, self._background = place, names, colour(background)
        self.damaged: dict[int, str] = {}
        self._sizes, self._grey = Counter[Size](), True
        for number, name in enumerate(names):
            if isinstance(header := headers[name], str):
                self.damaged[number] = header
                continue
            self._sizes[header.size] += 1
            self._grey &= header.grey

    def __len__(self) -> int:
        return len(self._names)

    def sizes(self) -> Counter[Size]:
        return self._sizes

    def channels(self) -> int:
        return 1 if self._grey else 3

    def decode(self, fit: Fit) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        numbers = {name: number for number, name in enumerate(self._names) if number not in self.damaged}

        def one(name: str, content: bytes) -> np.ndarray | str:
            try:
                return fit(decode(content, self._background)).transpose(2, 0, 1)
            except ValueError as error:
                return str(error)

        with no_bombs():
            for name, result in in_threads(one, self._place, list(numbers)):
                if isinstance(result, str):
                    self.damaged[numbers[name]] = result
                else:
                    yield np.array([numbers[name]]), result[np.newaxis]


def _reason(error: Exception) -> str:
    """Why an image cannot be decoded, in few words."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "it is no image of a known format"
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"it would have more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels, as a decompression bomb has"
    if isinstance(error, DataError | ValueError):
        return str(error)
    return f"it is damaged ({error or type(error).__name__})"


@contextlib.contextmanager
def no_bombs() -> Iterator[None]:
    """Pillow's warning of what may be a decompression bomb is an error, in all threads."""
    from PIL import Image

    with warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning):
        yield
