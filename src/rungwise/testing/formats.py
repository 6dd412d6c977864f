"""What every format of own images must do."""

import pickle
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from unittest import mock

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.images import Dataset
from rungwise.data.own import cache
from rungwise.data.own.formats import FORMATS
from rungwise.data.own.opened import load_own, open_own
from rungwise.data.own.parts import PARTS
from rungwise.data.own.places.opening import open_place
from rungwise.data.own.preparation import Preparation
from rungwise.testing.check import Check

COUNTS = {"train": 24, "validation": 6, "test": 9}
"""Images of each part."""
PLAIN = Preparation()
Image = tuple[str, str, bytes]
"""Part, class and pixels."""


@dataclass(frozen=True)
class Sample:
    """A small data set to be written."""

    images: np.ndarray
    """(N, C, H, W), uint8."""
    labels: tuple[str, ...]
    """The class of each image."""
    parts: tuple[str, ...]
    """Of each image: train, validation or test; "" throughout where the data has no parts."""

    def take(self, order: Sequence[int]) -> "Sample":
        """Some images, in that order."""
        return Sample(
            self.images[list(order)],
            tuple(self.labels[number] for number in order),
            tuple(self.parts[number] for number in order),
        )

    def part(self, name: str) -> "Sample":
        """The images of one part."""
        return self.take([number for number, part in enumerate(self.parts) if part == name])

    def rows(self) -> Counter[Image]:
        """All images, whatever their order."""
        return Counter(
            (part, label, image.tobytes())
            for part, label, image in zip(self.parts, self.labels, self.images, strict=True)
        )


Write = Callable[[Path, Sample], Path]
"""Writes a sample into an empty folder, and says what a user would name as the data: that folder, or a file in it."""


@dataclass(frozen=True)
class FormatCase:
    """A format, and somebody who writes it."""

    name: str
    write: Write
    title: str
    channels: int
    size: tuple[int, int]
    classes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.title}, {self.channels} channel{'s' if self.channels > 1 else ''}"

    def sample(self, parts: Sequence[str] = PARTS) -> Sample:
        """Images of noise, each class in each part; without parts where none are asked for."""
        counts = {part: COUNTS[part] for part in parts} or {"": 30}
        labels = [self.classes[number % len(self.classes)] for count in counts.values() for number in range(count)]
        shape = (len(labels), self.channels, *self.size)
        images = np.random.default_rng(len(parts)).integers(0, 256, shape, np.uint8)
        return Sample(images, tuple(labels), tuple(part for part, count in counts.items() for _ in range(count)))


def format_checks(
    name: str,
    write: Write,
    *,
    title: str = "",
    channels: Sequence[int] = (1, 3),
    size: tuple[int, int] = (6, 8),
    classes: tuple[str, ...] = ("2", "10", "cat"),
) -> list[Check]:
    """The checks of a registered format, whose files `write` makes from images, labels and parts.

    `channels`, `size` (height, width) and `classes`, in their order, are what the format can hold.
    """
    cases = (FormatCase(name, write, title or name, count, size, classes) for count in channels)
    return [Check(check, case) for case in cases for check in CHECKS]


def it_alone_recognises_what_is_written(case: FormatCase) -> None:
    with _written(case, case.sample()) as path:
        place = open_place(path)
        others = [name for name in FORMATS.addresses() if FORMATS.find(name).recognises(place, PLAIN)]
    assert others == [case.name], f"recognised by {others}"


def it_recognises_nothing_else(case: FormatCase) -> None:
    with _folder() as folder:
        assert not FORMATS.find(case.name).recognises(open_place(folder), PLAIN), "an empty folder"
        (folder / "notes.txt").write_text("not an image\n")
        (folder / "noise.dat").write_bytes(random.Random(1).randbytes(1000))
        (folder / "empty").touch()
        assert not FORMATS.find(case.name).recognises(open_place(folder), PLAIN), "notes and noise"


def all_is_read_as_it_was_written(case: FormatCase) -> None:
    sample = case.sample()
    with _written(case, sample) as path:
        dataset = _load(path)
    assert dataset.classes == case.classes
    assert dataset.train.shape == sample.images.shape[1:]
    assert _rows(dataset) == sample.rows(), "other pixels, labels or parts"


def data_without_parts_has_none(case: FormatCase) -> None:
    """A test part is then drawn from all images."""
    sample = case.sample(())
    with _written(case, sample) as path:
        dataset = _load(path)
    assert dataset.test is not None
    assert dataset.validation is None
    found = Counter(("", label, image) for _, label, image in _rows(dataset).elements())
    assert found == sample.rows()


def a_test_part_that_is_given_is_kept(case: FormatCase) -> None:
    sample = case.sample(("train", "test"))
    with _written(case, sample) as path:
        dataset = _load(path)
    assert dataset.validation is None
    assert _rows(dataset) == sample.rows()


def a_copy_elsewhere_is_the_same_data(case: FormatCase) -> None:
    with _written(case, case.sample()) as path, _folder() as other:
        before = open_own(path, PLAIN)
        shutil.copytree(path if path.is_dir() else path.parent, other / "copy")
        after = open_own(other / "copy" / ("" if path.is_dir() else path.name), PLAIN)
    assert before.index.digest == after.index.digest
    assert before.folder == after.folder, "it is prepared anew"


def the_order_of_images_means_nothing(case: FormatCase) -> None:
    sample = case.sample()
    order = np.random.default_rng(5).permutation(len(sample.labels)).tolist()
    with _written(case, sample) as path:
        before = _load(path)
    with _written(case, sample.take(order)) as path:
        after = _load(path)
    assert before.sha256["pixels"] == after.sha256["pixels"]


def another_pixel_or_label_is_other_data(case: FormatCase) -> None:
    sample = case.sample()
    images = sample.images.copy()
    images[3, 0, 2, 1] ^= 255
    labels = (*sample.labels[:3], next(one for one in case.classes if one != sample.labels[3]), *sample.labels[4:])
    digests = set()
    for one in (sample, replace(sample, images=images), replace(sample, labels=labels)):
        with _written(case, one) as path:
            dataset = _load(path)
            digests |= {dataset.sha256["files"], dataset.sha256["pixels"]}
    assert len(digests) == 6


def it_reads_the_same_twice(case: FormatCase) -> None:
    with _written(case, case.sample()) as path:
        first, again = _load(path), _load(path)
        with _own_cache():
            anew = _load(path)
    assert first.sha256 == again.sha256 == anew.sha256
    assert np.array_equal(first.train.images, again.train.images)
    assert np.array_equal(first.train.labels, anew.train.labels)


def a_damaged_file_is_named(case: FormatCase) -> None:
    """Emptied, or of noise. A file that is cut off may be a shorter one, but nothing may come of it that was not
    written."""
    sample = case.sample()
    with _written(case, sample) as path:
        found = open_own(path, PLAIN).index.files
        names = sorted({found[0].name, found[-1].name, *(file.name for file in found if not file.label)})
    for name, (what, damage) in product(names, DAMAGES.items()):
        with _written(case, sample) as path:
            file = next(one for one in (path, *path.rglob("*")) if _is(one, path, name))
            file.write_bytes(damage(file.read_bytes()))
            _expect_fault(path, file.name, what, sample)


def an_unknown_column_of_classes_is_refused(case: FormatCase) -> None:
    with _written(case, case.sample()) as path:
        try:
            open_own(path, Preparation(label_column="no such column"))
        except DataError as error:
            says = str(error)
        else:
            says = "nothing"
    assert "'no such column'" in says, f"of label_column it says {says}"


def nothing_is_unpickled(case: FormatCase) -> None:
    refuse = mock.Mock(side_effect=AssertionError("a pickle is read"))
    with _written(case, case.sample()) as path, ExitStack() as stack:
        for name in ("load", "loads", "Unpickler", "_Unpickler"):
            stack.enter_context(mock.patch.object(pickle, name, refuse))
        _load(path)


def nothing_is_written_beside_the_images(case: FormatCase) -> None:
    with _written(case, case.sample()) as path:
        before = _state(path)
        _load(path)
        assert _state(path) == before


def _expect_fault(path: Path, name: str, what: str, sample: Sample) -> None:
    try:
        dataset, says = _load(path), ""
    except DataError as error:
        dataset, says = None, str(error)
    if dataset is None:
        assert name in says, f"{name}, {what}: the message does not name it: {says}"
    else:
        assert what == "cut", f"{name}, {what}: no fault is found"
        assert not {image[1:] for image in _rows(dataset)} - {image[1:] for image in sample.rows()}


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda content: b"",
    "noise": lambda content: random.Random(1).randbytes(len(content)),
    "cut": lambda content: content[: len(content) * 2 // 3 - 1],
}


def _is(file: Path, path: Path, name: str) -> bool:
    return file.is_file() and (file.as_posix().endswith(f"/{name}") or file == path)


def _load(path: Path) -> Dataset:
    return load_own(path, PLAIN, open_own(path, PLAIN, verify=True).facts)


def _rows(dataset: Dataset) -> Counter[Image]:
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return Counter(
        (name, dataset.classes[label], image.tobytes())
        for name, part in parts.items()
        if part is not None
        for label, image in zip(part.labels, part.images, strict=True)
    )


def _state(path: Path) -> dict[str, tuple[int, int]]:
    around = path.parent.rglob("*")
    return {str(one): (one.stat().st_size, one.stat().st_mtime_ns) for one in around if one.is_file()}


@contextmanager
def _written(case: FormatCase, sample: Sample) -> Iterator[Path]:
    """What was written, with a cache of its own."""
    with _folder() as folder, _own_cache():
        (folder / "data").mkdir()
        yield case.write(folder / "data", sample)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@contextmanager
def _own_cache() -> Iterator[None]:
    with _folder() as folder, mock.patch.object(cache, "cache", lambda name: folder / name):
        yield


CHECKS = (
    it_alone_recognises_what_is_written,
    it_recognises_nothing_else,
    all_is_read_as_it_was_written,
    data_without_parts_has_none,
    a_test_part_that_is_given_is_kept,
    a_copy_elsewhere_is_the_same_data,
    the_order_of_images_means_nothing,
    another_pixel_or_label_is_other_data,
    it_reads_the_same_twice,
    a_damaged_file_is_named,
    an_unknown_column_of_classes_is_refused,
    nothing_is_unpickled,
    nothing_is_written_beside_the_images,
)
