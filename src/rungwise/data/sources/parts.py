"""What is asked of the images that come out of known files, whatever their format."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.files.known import File
from rungwise.data.images import ImageSet
from rungwise.data.sources.source import Facts


def digests(files: Sequence[File], contents: Mapping[str, bytes | bytearray]) -> dict[str, str]:
    """SHA-256 of the uncompressed bytes of each file by its name; it is computed where none is published."""
    return {file.name: file.sha256 or hashlib.sha256(contents[file.name]).hexdigest() for file in files}


def check_part(facts: Facts, name: str, part: ImageSet, images: int, *, balanced: bool = False) -> None:
    """Raises `DataError` where the part is not what is known of it.

    `images`: how many there are; `balanced`: the same number of each class.
    """
    expected, got = (images, *facts.image), part.images.shape
    if got != expected or part.images.dtype != np.uint8:
        raise DataError(
            f"{facts.name}: its {name} images are {_shape(got)} {part.images.dtype}, expected {_shape(expected)} "
            f"uint8. {_REMEDY}"
        )
    if part.labels.shape != (images,):
        raise DataError(f"{facts.name}: {_shape(part.labels.shape)} {name} labels for {images:,} images. {_REMEDY}")
    classes = len(facts.classes)
    if images and not 0 <= part.labels.min() <= part.labels.max() < classes:
        raise DataError(
            f"{facts.name}: its {name} labels go from {part.labels.min()} to {part.labels.max()}, expected 0 to "
            f"{classes - 1}. {_REMEDY}"
        )
    if balanced:
        _check_balance(facts, name, part, images // classes)


_REMEDY = "Replace its files, or remove them to have them downloaded: `rungwise data check` names them."


def _check_balance(facts: Facts, name: str, part: ImageSet, each: int) -> None:
    counts = np.bincount(part.labels, minlength=len(facts.classes))
    wrong = np.flatnonzero(counts != each)
    if len(wrong):
        first = wrong[0]
        raise DataError(
            f"{facts.name}: {counts[first]:,} {name} images of the class {facts.classes[first]!r}, where {each:,} of "
            f"each class are published. {_REMEDY}"
        )


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(f"{length:,}" for length in shape)
