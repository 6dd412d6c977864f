"""Data sets of other packages: found by their entry points, and refused by name."""

import dataclasses
import importlib.metadata
import subprocess
import sys
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from rungwise.data import inventory
from rungwise.data.errors import DataError
from rungwise.data.images import Dataset, ImageSet
from rungwise.data.load import load
from rungwise.data.settings import Data
from rungwise.data.sources.catalogue import CATALOGUE, SOURCES, describe, find_source, source_names
from rungwise.data.sources.source import Facts


class Dots:
    """Two images."""

    facts = Facts("dots", ("none", "one"), (1, 2, 2), 2, 0)
    files = ()
    origin = "made for a test"

    def load(self, *, offline=False, progress=None):
        images = np.zeros((2, 1, 2, 2), np.uint8)
        images[1, 0, 0, 0] = 255
        return Dataset("dots", self.facts.classes, ImageSet(images, np.arange(2)), None, {"pixels": "0" * 64})


DOTS = Dots()
TABLE = {"dots": DOTS}
MISNAMED = Dots()
MISNAMED.facts = dataclasses.replace(Dots.facts, name="other")


@pytest.fixture
def offer(monkeypatch):
    """Makes entry points; gone after the test."""

    def offer(**addresses):
        points = tuple(EntryPoint(name, address, "rungwise.sources") for name, address in addresses.items())
        monkeypatch.setattr(
            importlib.metadata, "entry_points", lambda group: points if group == "rungwise.sources" else ()
        )

    return offer


@pytest.mark.parametrize("address", ["DOTS", "TABLE"])
def test_one_is_found_described_and_loaded(address, offer):
    offer(dots=f"{__name__}:{address}")
    assert find_source("dots") is DOTS
    assert Data(source="dots").classes == ("none", "one")
    assert len(load("dots").train) == 2
    assert source_names() == (*CATALOGUE, "dots")
    row = inventory.status()[-1]
    assert (row.name, row.found, row.complete, row.fault) == ("dots", "made for a test", True, None)
    assert inventory.check("dots")[0].fault is None


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("nowhere:DOTS", "cannot be imported (ModuleNotFoundError"),
        (f"{__name__}:Dots", "expected a data set with facts, files, origin and load, got <class"),
        (f"{__name__}:MISNAMED", "expected facts of the name 'dots', got 'other'"),
        ("os:environ", "expected a data set with facts"),
    ],
)
def test_what_cannot_be_used_is_named_and_the_others_are_listed(address, says, offer):
    offer(dots=address)
    with pytest.raises(DataError) as caught:
        find_source("dots")
    assert "offers the data set 'dots'" in str(caught.value)
    assert says in str(caught.value)
    rows = inventory.status()
    assert [row.name for row in rows] == [*CATALOGUE, "dots"]
    assert says in rows[-1].fault
    assert all(row.fault is None for row in rows[:-1])


def test_a_name_of_ours_cannot_be_taken(offer):
    offer(mnist=f"{__name__}:DOTS")
    assert find_source("mnist") is CATALOGUE["mnist"]
    assert source_names() == tuple(CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_ours_are_in_the_registry_too(name):
    assert SOURCES.find(name) is CATALOGUE[name]
    assert describe(name) == CATALOGUE[name].facts


def test_a_name_that_is_the_beginning_of_others_says_which():
    with pytest.raises(
        DataError, match="no data set is called 'emnist'; there is 'emnist-balanced' and 'emnist-letters"
    ):
        find_source("emnist")
    with pytest.raises(DataError, match=r"no data set is called 'cifar-10'; did you mean 'cifar10'\?"):
        find_source("cifar-10")


def test_reading_what_is_known_imports_no_library():
    code = (
        "import sys; import rungwise.data.sources.catalogue as c; [c.describe(n) for n in c.CATALOGUE]; "
        "print([m for m in ('sklearn', 'PIL', 'torch', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
