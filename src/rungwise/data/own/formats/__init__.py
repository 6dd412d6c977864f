"""The formats in which people have their images, each a file; other packages add theirs (`rungwise.formats`)."""

from typing import Any, Protocol

from rungwise.data.errors import DataError
from rungwise.data.own.found import Found
from rungwise.data.own.places.place import Place
from rungwise.data.own.preparation import Preparation
from rungwise.extensions import Registry
from rungwise.words import counted


class Format(Protocol):
    """One way in which images and labels are written. A module with these names is one."""

    TITLE: str
    """In words, as "a folder of images for each class"."""

    @staticmethod
    def recognises(place: Place, preparation: Preparation) -> bool:
        """Whether a place is written in this way, by names and first bytes alone."""

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


OTHERS = {
    "a pickle, which runs any code when it is read": (".pkl", ".pickle", ".pt", ".pth", ".joblib"),
    "of a format that is not read": (".mat", ".h5", ".hdf5", ".tfrecord", ".tfrecords", ".mdb", ".rar", ".7z"),
}
"""What messages say of files that people have their images in as well, by the ends of their names."""


def find(place: Place, preparation: Preparation) -> Found:
    """What is in a place, by the first format that recognises it. Raises DataError where none does."""
    for name in sorted(FORMATS.addresses(), key=lambda name: (name in FORMATS.own, _order(name), name)):
        each = FORMATS.find(name)
        if each.recognises(place, preparation):
            return each.find(place, preparation)
    raise DataError(
        f"{place.path} holds {_content(place)}: expected a folder (or ZIP, TAR) with a folder of images for each "
        "class, images with a metadata.csv, or arrays as NPZ, NPY, IDX, CSV, CIFAR binary or Parquet; "
        "docs/own-images.md shows each"
    )


def _order(name: str) -> int:
    return list(FORMATS.own).index(name) if name in FORMATS.own else 0


def _content(place: Place) -> str:
    if not place.files:
        return "no file"
    for what, endings in OTHERS.items():
        if found := next((name for name in place.files if name.lower().endswith(endings)), None):
            return f"{found}, which is {what}"
    return f"{counted(len(place.files), 'file')}, none of them an image or an array ({next(iter(place.files))})"
