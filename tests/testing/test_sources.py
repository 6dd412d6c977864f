"""The checks of data sets pass sound ones and fail those that are wrong in one thing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rungwise.data.errors import DataError
from rungwise.data.images import Dataset, ImageSet
from rungwise.data.sources.catalogue import CATALOGUE
from rungwise.data.sources.source import Facts
from rungwise.testing import source_checks

FACTS = Facts("made", ("dark", "light"), (1, 2, 2), 4, 2, {"side": ("left", "right")}, licence="none")
Change = Callable[[Dataset], Dataset]


def images(count: int) -> ImageSet:
    labels = np.arange(count) % 2
    pixels = np.zeros((count, 1, 2, 2), np.uint8) + 100 * labels.astype(np.uint8).reshape(-1, 1, 1, 1)
    return ImageSet(pixels, labels, {"side": labels.copy()})


class Made:
    """Sound, if nothing is changed."""

    files = ()
    origin = "made for a test"

    def __init__(self, facts: Facts = FACTS, change: Change = lambda dataset: dataset) -> None:
        self.facts, self.change = facts, change

    def load(self, **_: Any) -> Dataset:
        digests = {"pixels": "0" * 64}
        return self.change(Dataset("made", FACTS.classes, images(4), images(2), digests))


def failed(source: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the checks that a data set fails."""
    monkeypatch.setitem(CATALOGUE, "made", source)
    found = []
    for check in source_checks("made"):
        try:
            check()
        except AssertionError:
            found.append(check.function.__name__)
    return found


def test_a_sound_one_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert failed(Made(), monkeypatch) == []
    by_seed = replace(FACTS, test_by_seed=True)
    assert failed(Made(by_seed, lambda d: replace(d, train=images(6), test=None)), monkeypatch) == []


def part(**changes: Any) -> Change:
    return lambda dataset: replace(dataset, train=replace(dataset.train, **changes))


WRONG: dict[str, tuple[Facts, Change, str]] = {
    "no licence": (replace(FACTS, licence=""), lambda d: d, "facts_say_what_it_is"),
    "one class": (replace(FACTS, columns={"side": ("left",)}), lambda d: d, "facts_say_what_it_is"),
    "class twice": (replace(FACTS, classes=("a", "a")), lambda d: d, "facts_say_what_it_is"),
    "other name": (replace(FACTS, name="mode"), lambda d: d, "facts_are_found_by_the_name"),
    "other classes": (FACTS, lambda d: replace(d, classes=("a", "b")), "images_are_as_the_facts_say"),
    "other shape": (replace(FACTS, image=(1, 4, 1)), lambda d: d, "images_are_as_the_facts_say"),
    "floats": (FACTS, part(images=np.zeros((4, 1, 2, 2), np.float32)), "images_are_as_the_facts_say"),
    "fewer": (FACTS, part(images=images(3).images), "images_are_as_the_facts_say"),
    "count": (replace(FACTS, train_images=5), lambda d: d, "there_are_as_many_as_the_facts_say"),
    "whose test part": (
        FACTS,
        lambda d: replace(d, train=images(6), test=None),
        "there_are_as_many_as_the_facts_say",
    ),
    "no test part": (FACTS, lambda d: replace(d, test=None), "there_are_as_many_as_the_facts_say"),
    "label": (FACTS, part(labels=np.array([0, 1, 2, 1])), "labels_and_columns_have_classes"),
    "negative": (FACTS, part(labels=np.array([0, 1, -1, 1])), "labels_and_columns_have_classes"),
    "label type": (FACTS, part(labels=np.array([0, 1, 0, 1], np.int32)), "labels_and_columns_have_classes"),
    "label shape": (FACTS, part(labels=np.array([[0, 1, 0, 1]])), "labels_and_columns_have_classes"),
    "column": (FACTS, part(columns={"side": np.array([0, 1, 2, 1])}), "labels_and_columns_have_classes"),
    "no column": (FACTS, part(columns={}), "labels_and_columns_have_classes"),
    "class without images": (FACTS, part(labels=np.zeros(4, np.int64)), "both_parts_have_every_class"),
    "no digest": (FACTS, lambda d: replace(d, sha256={}), "digests_are_named"),
    "short digest": (FACTS, lambda d: replace(d, sha256={"a": "12"}), "digests_are_named"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    facts, change, check = WRONG[fault]
    assert check in failed(Made(facts, change), monkeypatch)


def test_images_that_change_from_load_to_load_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng()

    def noise(dataset: Dataset) -> Dataset:
        return replace(dataset, test=replace(dataset.test, images=random.integers(0, 256, (2, 1, 2, 2), np.uint8)))

    assert failed(Made(change=noise), monkeypatch) == ["loading_twice_gives_equal_bytes"]


def test_images_that_all_callers_share_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Made().load()
    assert failed(Made(change=lambda _: shared), monkeypatch) == ["loading_twice_gives_equal_bytes"]


def test_an_error_without_a_remedy_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing(Made):
        asked = 0

        def load(self, **_: Any) -> Dataset:
            from rungwise.data.files import locate

            if not locate.locations("made"):
                raise DataError("made: the files are not there")
            return super().load()

    assert failed(Missing(), monkeypatch) == ["missing_files_are_told_with_what_to_do"]
