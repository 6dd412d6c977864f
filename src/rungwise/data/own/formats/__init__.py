"""The formats in which people have their images, each a file; other packages add theirs (`rungwise.formats`)."""

from typing import Any, Protocol

from rungwise.data.errors import DataError
from rungwise.data.own.found import Found
from rungwise.data.own.place import Place
from rungwise.data.own.preparation import Preparation
from rungwise.extensions import Registry


class Format(Protocol):
    """One way in which images and labels are written. A module with these names is one."""

    TITLE: str
    """In words, as "a folder of images for each class"."""

    @staticmethod
    def recognises(place: Place, preparation: Preparation) -> bool:
        """Whether a place is written in this way: by names and first bytes alone. It raises nothing."""

    @staticmethod
    def find(place: Place, preparation: Preparation) -> Found:
        """What there is, before any image is decoded. Raises DataError: what was expected, and what was got."""


def _take(name: str, found: Any) -> Format:
    if missing := [one for one in ("TITLE", "recognises", "find") if not hasattr(found, one)]:
        raise ValueError(f"expected a module or an object with TITLE, recognises and find, got none for {missing[0]}")
    return found  # type: ignore[no-any-return]


FORMATS = Registry[Format](
    "formats",
    "format",
    {
        name: f"rungwise.data.own.formats.{name}"
        for name in ("table", "cifar", "idx", "arrays", "parquet", "pixel_csv", "folder")
    },
    _take,
)
"""In the order in which they are tried: from the one that asks most of a place to the one that asks least. Those of
other packages are tried first."""


def find(place: Place, preparation: Preparation) -> Found:
    """What is in a place, by the first format that recognises it. Raises DataError where none does."""
    names = sorted(FORMATS.addresses(), key=lambda name: name in FORMATS.own)
    own = list(FORMATS.own)
    names = [name for name in names if name not in FORMATS.own] + own
    for name in names:
        each = FORMATS.find(name)
        if each.recognises(place, preparation):
            return each.find(place, preparation)
    what = f"{len(place.files):,} files, none of them an image or an array" if place.files else "no file"
    raise DataError(
        f"{place.path} holds {what}: expected a folder (or ZIP, TAR) with a folder of images for each class, images "
        "with a metadata.csv, or arrays as NPZ, NPY, IDX, CSV, CIFAR binary or Parquet; docs/own-images.md shows each"
    )
