"""Images as files are, coded, decoded by Pillow, several at a time: it decodes outside Python's lock."""

import contextlib
import functools
import io
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from rungwise.data.own.found import Fit, Header, Pixels, Size
from rungwise.data.own.headers import ORIENTATION, SIDEWAYS, may_be_turned, quick_header
from rungwise.data.own.places.place import Place
from rungwise.data.own.preparation import colour
from rungwise.data.own.threads import in_threads

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".jp2", ".avif", ".ico", ".mpo"),
)
OTHERS = (".heic", ".heif", ".svg", ".psd", ".jxl", ".dcm", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raw", ".eps")
"""How pictures are called that are not decoded."""
FORMATS = ("PNG", "JPEG", "MPO", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM", "TGA", "JPEG2000", "AVIF", "ICO")
"""Pillow's names of what is decoded, whatever a file is called. Of others that it knows, one starts a program (EPS)."""
LEAST_IMAGES = 20
"""Of a data set."""
GREY_MODES = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"}
BATCH = 64
"""Decoded images that are handed on together: one by one takes longer."""
UPRIGHT = {0, 1}
"""EXIF's values of `ORIENTATION` with which nothing is turned."""
Colour = tuple[int, int, int]


def is_image(name: str) -> bool:
    """Whether a file is called as an image."""
    return name.lower().endswith(SUFFIXES)


def holds_images(place: Place) -> bool:
    """Whether there are as many files of images as a data set has, so that arrays beside them are something else."""
    return sum(map(is_image, place.files)) >= LEAST_IMAGES


def read_header(content: bytes) -> Header | str:
    """Size and mode of an image in a file's bytes, or why there is none."""
    from PIL import Image

    quick = quick_header(content)
    if quick is not None and quick.size.height * quick.size.width <= (Image.MAX_IMAGE_PIXELS or 0):
        return quick
    try:
        with _opened(content) as image:
            width, height = image.size
            if image.format != "TIFF" and _turned(image, content) in SIDEWAYS:  # Pillow turns TIFF by itself
                width, height = height, width
            return Header(Size(height, width), image.mode in GREY_MODES)
    except Exception as error:  # decoders raise anything
        return _reason(error, content)


def decode(content: bytes, background: Colour = (255, 255, 255), fit: Fit | None = None) -> np.ndarray:
    """The first picture in a file's bytes as (H, W, 3), or as (H, W, 1) where it is grey; uint8.

    It is turned as EXIF says; transparent pixels are laid over the background; 16 bits are scaled to 8. `fit`: gives it
    its size. Raises ValueError with the reason where the file is damaged.
    """
    from PIL import ImageOps

    try:
        with _opened(content) as image:
            image.load()
            if _turned(image, content) not in UPRIGHT:
                ImageOps.exif_transpose(image, in_place=True)
            if image.mode.startswith("I"):
                pixels = _scaled(np.asarray(image))[:, :, np.newaxis]
                return pixels if fit is None else fit(pixels)
            picture = _plain(image, background)
            pixels = np.asarray(picture if fit is None else fit.scaled(picture))
    except Exception as error:  # decoders raise anything
        raise ValueError(_reason(error, content)) from error
    pixels = pixels[:, :, :1] if _is_grey(pixels) else pixels.reshape(*pixels.shape[:2], -1)
    return pixels if fit is None else fit.framed(pixels)


def _opened(content: bytes) -> "Image.Image":
    from PIL import Image

    return Image.open(io.BytesIO(content), formats=_formats())


@functools.cache
def _formats() -> tuple[str, ...]:
    """Those that this Pillow was built with."""
    from PIL import Image

    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _turned(image: "Image.Image", content: bytes) -> int:
    """EXIF's value for how the camera was held."""
    # Pillow decodes a whole PNG to see whether EXIF's data comes behind the pixels.
    unknown = image.format != "PNG" or may_be_turned(content)
    return int(image.getexif().get(ORIENTATION) or 1) if unknown else 1


def _plain(image: "Image.Image", background: Colour) -> "Image.Image":
    """A picture of 8 bits, grey ("L") or in colour ("RGB"), through which nothing is seen."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError("expected whole numbers as pixels, got floating-point ones; convert it to PNG")
    if image.has_transparency_data:
        over = Image.new("RGBA", image.size, (*background, 255))
        return Image.alpha_composite(over, image.convert("RGBA")).convert("RGB")
    mode = "L" if image.mode in ("1", "L") else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _is_grey(pixels: np.ndarray) -> bool:
    """Whether red, green and blue of an image are equal; most that are not show it in a few pixels."""
    if pixels.ndim == 2:
        return False
    some = pixels[:: 1 + len(pixels) // 4]
    return bool((some == some[:, :, :1]).all() and (pixels == pixels[:, :, :1]).all())


def _scaled(values: np.ndarray) -> np.ndarray:
    """Pixels of 16 bits as uint8: 65,535 becomes 255. Raises ValueError where there are others."""
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65_535:
        raise ValueError(f"expected pixels of 8 or 16 bits, got values from {low} to {high}")
    whole: np.ndarray = (values.astype(np.uint32) * 255 + 32_767) // 65_535
    return whole.astype(np.uint8)


class Each(Protocol):
    """Calls a function, in threads, with the content of each of some images."""

    def __call__(self, work: Callable[[bytes], T], numbers: Sequence[int]) -> Iterator[tuple[int, T]]:
        """The images' numbers, and what the function made of them, in any order."""


def each_file(place: Place, names: Sequence[str]) -> Each:
    """Image n is the file names[n]."""

    def each(work: Callable[[bytes], T], numbers: Sequence[int]) -> Iterator[tuple[int, T]]:
        number = {names[one]: one for one in numbers}
        for name, made in in_threads(lambda _, content: work(content), place, list(number)):
            yield number[name], made

    return each


class Encoded(Pixels):
    """Images that are coded as files are."""

    def __init__(self, headers: Sequence[Header | str], each: Each, background: str = "white") -> None:
        """`headers`: of each image, as `read_header` found them."""
        self._count, self._each, self._background = len(headers), each, colour(background)
        self.damaged: dict[int, str] = {}
        self._sizes, self._grey = Counter[Size](), True
        for number, header in enumerate(headers):
            if isinstance(header, str):
                self.damaged[number] = header
                continue
            self._sizes[header.size] += 1
            self._grey &= header.grey

    def __len__(self) -> int:
        return self._count

    def sizes(self) -> Counter[Size]:
        return self._sizes

    def channels(self) -> int:
        return 1 if self._grey and len(set(self._background)) == 1 else 3  # which may be seen through grey images

    def decode(self, fit: Fit) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        def one(content: bytes) -> np.ndarray | str:
            try:
                return decode(content, self._background, fit).transpose(2, 0, 1)
            except ValueError as error:
                return str(error)

        waiting: dict[int, list[tuple[int, np.ndarray]]] = {1: [], 3: []}  # by the number of channels
        with no_bombs():
            for number, result in self._each(one, [n for n in range(self._count) if n not in self.damaged]):
                if isinstance(result, str):
                    self.damaged[number] = result
                    continue
                alike = waiting[len(result)]
                alike.append((number, result))
                if len(alike) == BATCH:
                    yield _together(alike)
                    alike.clear()
        yield from (_together(alike) for alike in waiting.values() if alike)


def _together(images: Sequence[tuple[int, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    numbers, pixels = zip(*images, strict=True)
    return np.array(numbers), np.stack(pixels)


def _reason(error: Exception, content: bytes) -> str:
    """Why an image cannot be decoded, in few words."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return _instead(content)
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"it would have more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels, as a decompression bomb has"
    if isinstance(error, ValueError):
        return str(error)
    return f"it is damaged ({error or type(error).__name__})"


def _instead(content: bytes) -> str:
    """What a file is that is no image."""
    if not content:
        return "it is empty"
    if content.startswith(b"version https://git-lfs"):
        return "it is a pointer of Git LFS, not the image: fetch it with `git lfs pull`"
    if content.lstrip()[:1] == b"<":
        return "it is a page (HTML, XML or SVG), not an image"
    return "it is no image of a known format"


@contextlib.contextmanager
def no_bombs() -> Iterator[None]:
    """Pillow's warning of what may be a decompression bomb is an error, in all threads; what else it warns of, as odd
    EXIF data, is passed over."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
