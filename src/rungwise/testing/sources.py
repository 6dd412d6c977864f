"""What every data set that is known by name must do."""

import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from unittest.mock import patch

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.files import locate
from rungwise.data.images import Dataset, ImageSet
from rungwise.data.load import load
from rungwise.data.settings import Data
from rungwise.data.sources.source import Facts
from rungwise.testing.check import Check


@dataclass(frozen=True)
class SourceCase:
    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def facts(self) -> Facts:
        return Data(source=self.name).facts

    @cached_property
    def dataset(self) -> Dataset:
        return load(self.name, offline=True)

    @property
    def parts(self) -> Iterator[tuple[str, ImageSet]]:
        yield "train", self.dataset.train
        if self.dataset.test is not None:
            yield "test", self.dataset.test


def source_checks(name: str) -> list[Check]:
    """The checks of the data set of that name; its files must be on this machine."""
    case = SourceCase(name)
    return [Check(check, case) for check in CHECKS]


# Facts ---------------------------------------------------------------------------------------------------------


def facts_are_found_by_the_name(case: SourceCase) -> None:
    data = Data(source=case.name)
    assert data.facts.name == case.name, f"its facts call it {data.facts.name!r}"
    assert pickle.loads(pickle.dumps(data)).facts == data.facts, "facts travel to other processes"


def facts_say_what_it_is(case: SourceCase) -> None:
    facts = case.facts
    for names in (facts.classes, *facts.columns.values()):
        assert len(names) == len(set(names)) >= 2, f"two classes at least, each with a name of its own, got {names}"
        assert all(isinstance(name, str) and name for name in names)
    assert len(facts.image) == 3, f"(C, H, W) of an image, got {facts.image}"
    assert min(facts.image) >= 1
    assert facts.train_images >= 2
    assert facts.test_images >= 0
    assert facts.licence, "licence: under what others may use the images, or that nobody says"


# Images --------------------------------------------------------------------------------------------------------


def images_are_as_the_facts_say(case: SourceCase) -> None:
    facts, dataset = case.facts, case.dataset
    assert (dataset.name, dataset.classes) == (facts.name, facts.classes)
    for name, part in case.parts:
        assert part.images.dtype == np.uint8, f"{name}: uint8 from 0 to 255, got {part.images.dtype}"
        assert part.images.shape[1:] == facts.image, f"{name}: {part.images.shape[1:]}, not {facts.image} as facts say"
        assert len(part.images) == len(part.labels), f"{name}: as many images as labels"


def there_are_as_many_as_the_facts_say(case: SourceCase) -> None:
    """Where there is no test part, the facts have the numbers after a study has cut one off, and say so."""
    facts, dataset = case.facts, case.dataset
    assert facts.test_by_seed == (dataset.test is None), "test_by_seed: whether each seed has a test part of its own"
    if dataset.test is None:
        assert len(dataset.train) == facts.train_images + facts.test_images
    else:
        assert (len(dataset.train), len(dataset.test)) == (facts.train_images, facts.test_images)


def labels_and_columns_have_classes(case: SourceCase) -> None:
    for name, part in case.parts:
        _within(f"{name}: labels", part.labels, len(case.facts.classes), len(part.images))
        assert part.columns.keys() == case.facts.columns.keys(), f"{name}: the columns that facts name"
        for column, values in part.columns.items():
            _within(f"{name}: {column}", values, len(case.facts.columns[column]), len(part.images))


def _within(what: str, values: np.ndarray, classes: int, count: int) -> None:
    assert values.shape == (count,), f"{what}: a number for each of {count} images, got shape {values.shape}"
    assert values.dtype == np.int64, f"{what}: int64, got {values.dtype}"
    assert 0 <= values.min() <= values.max() < classes, f"{what}: {values.min()} to {values.max()} of {classes} classes"


def both_parts_have_every_class(case: SourceCase) -> None:
    for name, part in case.parts:
        missing = set(range(len(case.facts.classes))) - set(np.unique(part.labels).tolist())
        assert not missing, f"{name}: no image of {[case.facts.classes[label] for label in sorted(missing)]}"


# Loading -------------------------------------------------------------------------------------------------------


def loading_twice_gives_equal_bytes(case: SourceCase) -> None:
    """Even if the first caller has changed its arrays."""
    first = load(case.name, offline=True)
    bytes_of = _bytes(first)
    for array in _arrays(first):
        if array.flags.writeable:
            array[...] = 0
    assert _bytes(load(case.name, offline=True)) == bytes_of
    assert first.sha256 == case.dataset.sha256


def _arrays(dataset: Dataset) -> Iterator[np.ndarray]:
    for part in (dataset.train, dataset.test):
        if part is not None:
            yield from (part.images, part.labels, *part.columns.values())


def _bytes(dataset: Dataset) -> list[bytes]:
    return [array.tobytes() for array in _arrays(dataset)]


def digests_are_named(case: SourceCase) -> None:
    """A record keeps them, so that others can tell whether they have the same images."""
    digests = case.dataset.sha256
    assert digests, "sha256: of each file, or of the pixels and labels"
    for name, digest in digests.items():
        assert re.fullmatch("[0-9a-f]{64}", digest), f"sha256 of {name}: 64 hexadecimal digits, got {digest!r}"


def missing_files_are_told_with_what_to_do(case: SourceCase) -> None:
    with patch.object(locate, "locations", lambda _: []):
        try:
            found = load(case.name, offline=True)
        except DataError as error:
            says = str(error)
            assert "rungwise data fetch" in says, f"how to get them: {says}"
            assert locate.VARIABLE in says, f"where to put them: {says}"
        else:
            assert found.sha256 == case.dataset.sha256, "without a file on this machine it gives other images"


CHECKS = (
    facts_are_found_by_the_name,
    facts_say_what_it_is,
    images_are_as_the_facts_say,
    there_are_as_many_as_the_facts_say,
    labels_and_columns_have_classes,
    both_parts_have_every_class,
    loading_twice_gives_equal_bytes,
    digests_are_named,
    missing_files_are_told_with_what_to_do,
)
