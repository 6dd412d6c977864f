"""What a data set is, is asked once, when a setting is validated, and handed down with it."""

import copy
import multiprocessing
import pickle
from pathlib import Path

import pytest

import rungwise
from rungwise.data import reading
from rungwise.data.settings import Data
from rungwise.data.sources.catalogue import CATALOGUE, describe
from rungwise.data.sources.source import Facts
from rungwise.models.mlp import MlpSettings
from rungwise.training.settings import Fit, Recipe

PACKAGE = Path(rungwise.__file__).parent


@pytest.mark.parametrize("folder", [PACKAGE, Path(__file__).parents[2] / "benchmarks"])
def test_nothing_but_the_data_knows_the_catalogue(folder: Path) -> None:
    users = {path for path in folder.rglob("*.py") if "catalogue" in path.read_text("utf-8").lower()}
    assert {path for path in users if PACKAGE / "data" not in path.parents} == set()


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_data_set_is_called_what_its_facts_say(name: str) -> None:
    assert describe(name).name == name
    assert Data(source=name).facts == describe(name)


def test_facts_are_asked_for_once_per_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counting(name: str) -> Facts:
        asked.append(name)
        return describe(name)

    monkeypatch.setattr(reading, "describe", counting)
    data = Data(source="digits", train_images=100, turned=True)
    trial = Fit(label="a", data=data, seed=0, net=MlpSettings(hidden=(5,)), fit=Recipe(epochs=1))
    assert (trial.outputs, data.size, data.classes, data.facts.image) == ((10,), 100, tuple("0123456789"), (1, 28, 28))
    assert trial.model_copy(update={"seed": 1}).most_together == 1
    assert data.model_copy(update={"train_images": 50}).facts is data.facts
    assert asked == ["digits"]


def test_facts_are_no_part_of_what_is_written() -> None:
    data = Data(source="digits", train_images=100)
    assert data.model_dump() == {"source": "digits", "train_images": 100}
    assert data.model_dump_json() == '{"source":"digits","train_images":100}'
    assert not {"facts", "_facts"} & data.model_json_schema()["properties"].keys()
    shown = "train_images=100, validation_images=None, turned=False, split_by='group', labels='true'"
    assert repr(data) == f"Data(source='digits', {shown})"


def test_facts_cannot_be_set_by_a_study() -> None:
    for name in ("facts", "_facts"):
        with pytest.raises(ValueError, match="Extra inputs are not permitted"):
            Data.model_validate({"source": "digits", name: describe("mnist")})


def _facts(data: Data) -> Facts:
    return data.facts


def test_facts_travel_to_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process has the usual catalogue, in which the data set is unknown."""
    facts = Facts("own", ("cat", "dog"), (3, 32, 32), 80, 20, {"night": ("no", "yes")})
    monkeypatch.setitem(CATALOGUE, "own", _Source(facts))
    data = Data(source="own")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_facts, (data,)) == facts


class _Source:
    """A data set of which nothing but the facts is asked."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts


@pytest.mark.parametrize(
    "copied", [lambda data: pickle.loads(pickle.dumps(data)), copy.copy, copy.deepcopy, Data.model_copy]
)
def test_a_copy_has_the_same_facts_without_asking(copied, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Data(source="multi-mnist", train_images=100)
    monkeypatch.delitem(CATALOGUE, "multi-mnist")
    same = copied(data)
    assert same == data
    assert hash(same) == hash(data)
    assert {data: 1}[same] == 1
    assert same.facts == data.facts
    assert same.columns.keys() == {"left", "right"}


def test_a_copy_from_another_source_has_the_facts_of_that() -> None:
    data = Data(source="digits", train_images=100)
    other = data.model_copy(update={"source": "fashion-mnist", "train_images": None})
    assert other == Data(source="fashion-mnist")
    assert (other.facts.name, other.size) == ("fashion-mnist", 60_000)
    assert data.facts.name == "digits"
