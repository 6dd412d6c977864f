"""What a format finds in a place: the files that images come from, and then the images."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from rungwise.data.own.parts import NO_PART, PARTS, clean, in_order
from rungwise.data.own.places.place import Place

if TYPE_CHECKING:
    from PIL import Image


class Listed(NamedTuple):
    """One file that images come from. Of an image that is a file of its own, all that is known of it; else the name."""

    name: str
    part: str = ""
    """One of `PARTS`; "" where the data set has no parts."""
    label: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    """What else is known of the image: names and values."""


class Coded(NamedTuple):
    """N words out of a few."""

    values: np.ndarray
    """(N,), int64: places in `names`."""
    names: tuple[str, ...]
    """In natural order."""


def coded(words: Sequence[object]) -> Coded:
    """Words as codes, their names cleaned and in natural order."""
    known: dict[object, str] = {word: clean(word) for word in set(words)}
    names = in_order(known.values())
    place = {name: number for number, name in enumerate(names)}
    codes = {word: place[name] for word, name in known.items()}
    return Coded(np.fromiter((codes[word] for word in words), np.int64, len(words)), names)


def coded_numbers(labels: np.ndarray, names: Sequence[str] | None = None) -> Coded:
    """Labels (N,), integers, as codes. `names`: those of the labels 0, 1, ...; else a label is its own name."""
    values, inverse = np.unique(labels, return_inverse=True)
    words = [clean(names[int(value)]) if names is not None else str(value) for value in values]
    order = in_order(words)
    place = np.array([order.index(word) for word in words], np.int64)
    return Coded(place[inverse.reshape(-1)], order)


class Size(NamedTuple):
    """Of an image in pixels, as it will be decoded."""

    height: int
    width: int


class Header(NamedTuple):
    """What the beginning of an image's file says; the image may be damaged behind it."""

    size: Size
    grey: bool
    """Whether its format has grey values alone."""


Headers = Mapping[str, Header | str]
"""Of images that are files, by name; a text says why there is no image."""


class Fit(Protocol):
    """Makes images the size that all shall have."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Of one image (H, W, C), uint8; the image itself where it has the size."""

    def scaled(self, picture: "Image.Image") -> "Image.Image":
        """The first half for a picture of Pillow's, grey or in colour: as large as it will be."""

    def framed(self, image: np.ndarray) -> np.ndarray:
        """The second half, of an image (H, W, C) that is scaled: cut, or with bars, where its shape is another."""


class Pixels(ABC):
    """The pixels of N images, which are read when they are asked for."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def sizes(self) -> Mapping[Size, int]:
        """How many images there are of each size; damaged ones are left out."""

    @abstractmethod
    def channels(self) -> int:
        """The most that an image has, by its format: 1 or 3, or as many as arrays have."""

    @abstractmethod
    def decode(self, fit: Fit) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The images that are not damaged, some at a time and in any order: their places (n,) and their pixels
        (n, C, H, W), uint8, after `fit`, which threads may call. A grey image may have one channel where others have
        three."""

    damaged: Mapping[int, str] = {}
    """Why images cannot be decoded, by place; complete once all are."""


@dataclass(frozen=True)
class Items:
    """N images with what is known of them."""

    pixels: Pixels
    parts: np.ndarray
    """(N,), int8: of each the place in `PARTS`, or `NO_PART` throughout."""
    labels: Coded
    columns: Mapping[str, Coded] = field(default_factory=dict)
    name: Callable[[int], str] = str
    """What messages call an image, of its number."""
    notes: Sequence[str] = ()
    """What is strange about the images, in words."""
    label_name: str = ""
    """The column that the labels are from; "": they are from none."""
    files: Sequence[str] | None = None
    """The names of the images' files, where each is a file of its own."""

    def __len__(self) -> int:
        return len(self.parts)


@dataclass(frozen=True)
class Found:
    """What a format found in a place, before any image is decoded."""

    format: str
    """In words, as "a folder of images for each class"."""
    place: Place
    """Where the files are, by their names."""
    files: Sequence[Listed]
    """All that images come from: their content is the data set's identity."""
    items: Callable[[Headers], Items]
    """Reads the images, of which it is given the headers of those that are files of their own. Raises DataError."""
    unused: Sequence[str] = ()
    """Files that nothing comes from."""
    notes: Sequence[str] = ()
    """What is strange, in words."""


def part_codes(parts: Sequence[str]) -> np.ndarray:
    """(N,), int8, of the parts' names; "" is `NO_PART`."""
    code = {"": NO_PART, **{name: number for number, name in enumerate(PARTS)}}
    return np.fromiter((code[part] for part in parts), np.int8, len(parts))
