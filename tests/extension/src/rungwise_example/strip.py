"""Grey images as text: a line with height and width, then one for each image, as ``train,cat,0 255 17 ...``.

The part is left out where the data has none.
"""

from functools import partial

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.own.arrays.sections import Section, items_of_arrays
from rungwise.data.own.arrays.stored import Stored
from rungwise.data.own.found import Found, Listed

TITLE = "a strip of grey images"


def recognises(place, preparation):
    return any(name.endswith(".strip") for name in place.files)


def find(place, preparation):
    names = [name for name in place.files if name.endswith(".strip")]
    unused = [name for name in place.files if name not in names]
    return Found(TITLE, place, [Listed(name) for name in names], partial(items, place, names, preparation), unused)


def items(place, names, preparation, headers):
    return items_of_arrays([section for name in names for section in sections(place, name)], preparation)


def sections(place, name):
    """The images of each part of a file."""
    title = place.title(name)
    try:
        first, *lines = place.read(name).decode().splitlines()
        shape = tuple(int(side) for side in first.split())
        rows = [line.split(",") for line in lines]
        images = np.array([np.array(pixels.split(), np.uint8).reshape(shape) for _, _, pixels in rows])
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"{title} is no strip of images ({error}): expected height and width, then part,class,pixels"
        ) from error
    for part in sorted({part for part, _, _ in rows}):
        chosen = images[[row[0] == part for row in rows]]
        labels = np.array([label for own, label, _ in rows if own == part])
        yield Section(part, Stored(title, chosen.dtype, chosen.shape, partial(iter, [chosen])), {"label": labels})


def write(folder, sample):
    """How a sample is written, for `rungwise.testing`."""
    lines = [" ".join(map(str, sample.images.shape[2:]))]
    for image, label, part in zip(sample.images, sample.labels, sample.parts, strict=True):
        lines.append(f"{part},{label},{' '.join(map(str, image.ravel()))}")
    (folder / "images.strip").write_text("\n".join(lines) + "\n")
    return folder / "images.strip"
