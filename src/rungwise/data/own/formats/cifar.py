"""CIFAR-10 and CIFAR-100 in their binary version: 1 or 2 bytes of labels, then 32 x 32 pixels of red, green and blue.

Source: A. Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.files.cifar import PIXELS, SHAPE
from rungwise.data.own.arrays.sections import LABEL, Section, items_of_arrays
from rungwise.data.own.arrays.stored import Stored, in_c_order
from rungwise.data.own.encoded import holds_images
from rungwise.data.own.found import Found, Headers, Items, Listed
from rungwise.data.own.parts import TRAIN, check_parts, part_in
from rungwise.data.own.places.place import Place
from rungwise.data.own.preparation import Preparation

TITLE = "CIFAR's binary files"
COARSE = "coarse"
"""The column of CIFAR-100's 20 classes, each of five others."""
NAMES = {LABEL: ("batches.meta.txt", "fine_label_names.txt"), COARSE: ("coarse_label_names.txt",)}
"""The files that have the classes' names, by column."""
PICKLES = {"data_batch_1", "test_batch", "batches.meta"}, {"train", "test", "meta"}
"""Files of the Python versions of CIFAR-10 and CIFAR-100."""
MARK_OF_PICKLE = b"\x80"
ADDRESS = "https://www.cs.toronto.edu/~kriz/cifar.html"


def recognises(place: Place, preparation: Preparation) -> bool:
    return not holds_images(place) and bool(_binaries(place) or _pickles(place))


def find(place: Place, preparation: Preparation) -> Found:
    if not (binaries := _binaries(place)):
        raise DataError(
            f"{place.title(_pickles(place)[0])} is CIFAR's Python version, a pickle, which runs any code when it is "
            f"read: expected the binary version (data_batch_1.bin, or train.bin), to be had from {ADDRESS}"
        )
    names = {column: next(_named(place, files), None) for column, files in NAMES.items()}
    labels = (
        2
        if names[COARSE] or all(_is_whole(place, name, 2) and not _is_whole(place, name, 1) for name in binaries)
        else 1
    )
    parts = _parts(binaries, place)
    for name in binaries:
        if not _is_whole(place, name, labels) or not place.files[name].size:
            raise DataError(
                f"{place.title(name)} has {place.files[name].size:,} bytes: expected {labels} of labels and {PIXELS:,} "
                "of pixels for each image. Put it back from a copy"
            )
    used = [*binaries, *(name for name in names.values() if name)]
    items = partial(_items, place, parts, labels, names, preparation)
    unused = [name for name in place.files if name not in used]
    return Found(TITLE, place, [Listed(name) for name in used], items, unused, place.notes)


def _items(
    place: Place,
    parts: Mapping[str, str],
    labels: int,
    files: Mapping[str, str | None],
    preparation: Preparation,
    headers: Headers,
) -> Items:
    names = {column: _lines(place, name) for column, name in files.items() if name}
    sections = []
    for name in place.in_order(parts):
        records = _records(place, name, labels)
        known = np.concatenate([rows[:, :labels] for rows in records.chunks()])
        columns = {LABEL: known[:, -1]} | ({COARSE: known[:, 0]} if labels == 2 else {})
        for column, words in names.items():
            if column in columns and columns[column].max() >= len(words):
                raise DataError(
                    f"{place.title(files[column] or name)} has {len(words)} names, and {name} the label "
                    f"{columns[column].max()}: expected a name for each, counted from 0. Put both back from a copy"
                )
        sections.append(Section(parts[name], _images(records), columns))
    return items_of_arrays(sections, preparation, names)


def _lines(place: Place, name: str) -> list[str]:
    try:
        words = [line for line in map(str.strip, place.read(name).decode().splitlines()) if line]
    except UnicodeDecodeError:
        words = []
    if not words:
        raise DataError(f"{place.title(name)} holds no lines of text: expected the names of classes, one in each")
    return words


def _records(place: Place, name: str, labels: int) -> Stored:
    row = PIXELS + labels
    shape = (place.files[name].size // row, row)
    return in_c_order(place.title(name), partial(place.stream, name), 0, np.dtype(np.uint8), shape)


def _images(records: Stored) -> Stored:
    def chunks() -> Iterator[np.ndarray]:
        for rows in records.chunks():
            yield rows[:, -PIXELS:].reshape(len(rows), *SHAPE)

    return Stored(records.title, records.dtype, (len(records), *SHAPE), chunks)


def _binaries(place: Place) -> list[str]:
    """By name, or by a size that is that of some images."""
    names = [name for name in place.files if name.lower().endswith(".bin")]
    return [name for name in names if _called_so(name) or any(_is_whole(place, name, labels) for labels in (1, 2))]


def _called_so(name: str) -> bool:
    own = name.rpartition("/")[2]
    return "batch" in own or part_in(own) is not None


def _is_whole(place: Place, name: str, labels: int) -> bool:
    return place.files[name].size % (PIXELS + labels) == 0


def _pickles(place: Place) -> list[str]:
    own = {name.rpartition("/")[2]: name for name in place.files}
    found = [own[name] for names in PICKLES if names <= own.keys() for name in sorted(names)]
    return [name for name in found if place.begin(name, 1) == MARK_OF_PICKLE]


def _named(place: Place, wanted: Sequence[str]) -> Iterator[str]:
    return (name for name in place.files if name.rpartition("/")[2] in wanted)


def _parts(names: Sequence[str], place: Place) -> dict[str, str]:
    parts = {name: TRAIN if "data_batch" in name else part_in(name.rpartition("/")[2]) or "" for name in names}
    if "" in parts.values() and len(set(parts.values())) > 1:
        other = next(name for name, part in parts.items() if not part)
        raise DataError(
            f"{place.title(other)} is beside files of parts ({', '.join(n for n in names if parts[n])}): expected "
            "data_batch_1.bin ... and test_batch.bin, or train.bin and test.bin. Rename it, or move it away"
        )
    check_parts({part for part in parts.values() if part}, place.path)
    return parts
