"""Properties of records: what was saved comes back, and whatever is changed is found, byte by byte."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rungwise.data.settings import Data
from rungwise.models.mlp import MlpSettings
from rungwise.quantities import OWN, quantity
from rungwise.records.environment import environment_here
from rungwise.records.errors import DamagedRecordError
from rungwise.records.record import Record
from rungwise.records.store import Store
from rungwise.training.settings import Fit, Recipe
from rungwise.trial import Outcome

TRIAL = Fit(label="Ä", data=Data(source="digits"), seed=0, net=MlpSettings(hidden=(3,)), fit=Recipe(epochs=1))
ENVIRONMENT = environment_here(device="cpu", threads=1, workers=1)
NAMES = sorted(name.rstrip("*") for name in OWN if name not in ("epochs", "iterations"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def values(name: str) -> st.SearchStrategy[float]:
    """Numbers that the table allows."""
    about = quantity(name)
    assert about is not None
    ends = {"min_value": about.low, "max_value": about.high}
    return st.floats(allow_nan=False, allow_infinity=False, **{k: v for k, v in ends.items() if abs(v) < np.inf})


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    summary = {name: draw(values(name)) for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=6))}
    curves = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3))
    shape = draw(st.tuples(st.integers(0, 4), st.integers(1, 3)))
    return Outcome(
        summary=summary,
        history={name: draw(st.lists(values(name), max_size=4)) for name in curves},
        arrays={"maps": np.arange(shape[0] * shape[1], dtype=draw(st.sampled_from(["u1", "f2", "i8"]))).reshape(shape)},
        weights={"w": torch.ones(draw(st.integers(1, 5)))},
        choices=draw(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2)),
    )


@given(outcome=outcomes())
def test_what_was_saved_comes_back(outcome: Outcome, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = Store(tmp_path_factory.mktemp("run")).create()
    store.save(TRIAL, outcome, ENVIRONMENT, {"Ä": "x"})
    record = store.verify(TRIAL.id)
    assert (record.summary, record.history, record.choices) == (outcome.summary, outcome.history, outcome.choices)
    assert np.array_equal(record.arrays["maps"], outcome.arrays["maps"])
    assert record.arrays["maps"].dtype == outcome.arrays["maps"].dtype
    assert np.array_equal(record.weights["w"], outcome.weights["w"].numpy())
    shutil.rmtree(store.root)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("run")).create()
    outcome = Outcome({"test_accuracy": 0.5, "epochs": 2.0}, {"train_loss": [1.0, 0.5]}, {"maps": np.ones(3)})
    outcome.weights = {"w": torch.ones(3)}
    store.save(TRIAL, outcome, ENVIRONMENT, {"Ä": "x"})
    return store


def content(record: Record) -> tuple[Any, ...]:
    return (
        record.model_dump(),
        {k: v.tolist() for k, v in record.arrays.items()},
        record.weights["w"].tolist(),
    )


@given(data=st.data())
def test_a_byte_that_changed_is_found_or_changes_nothing(saved: Store, data: st.DataObject) -> None:
    """As blanks between two keys of the JSON."""
    before = content(saved.load(TRIAL.id))
    path: Path = data.draw(st.sampled_from(sorted(saved.folder(TRIAL.id).iterdir())))
    sound = path.read_bytes()
    place = data.draw(st.integers(0, len(sound) - 1))
    path.write_bytes(sound[:place] + bytes([sound[place] ^ data.draw(st.integers(1, 255))]) + sound[place + 1 :])
    try:
        record = saved.verify(TRIAL.id)
    except DamagedRecordError:
        pass
    else:
        assert content(record) == before
        assert path.name == "record.json"
    finally:
        path.write_bytes(sound)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value at which something stands, but the whole."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([path] if path else []), *(place for key, part in inner for place in places(part, (*path, key)))]


@given(data=st.data())
def test_a_value_that_changed_is_found(saved: Store, data: st.DataObject) -> None:
    path = saved.folder(TRIAL.id) / "record.json"
    sound = path.read_bytes()
    raw = json.loads(sound)
    *way, key = data.draw(st.sampled_from(places(raw)))
    inside = raw
    for step in way:
        inside = inside[step]
    new = data.draw(JSON | st.sampled_from([1, 2, "", {}, 0.25]))
    same = json.dumps(new) == json.dumps(inside[key])
    inside[key] = new
    path.write_text(json.dumps(raw))
    try:
        saved.load(TRIAL.id)
        assert same, f"{(*way, key)} is {new!r}"
    except DamagedRecordError:
        assert not same
    finally:
        path.write_bytes(sound)


def test_a_sealed_record_is_not_taken_for_an_old_one(saved: Store) -> None:
    path = saved.folder(TRIAL.id) / "record.json"
    sound = path.read_bytes()
    path.write_text(json.dumps({**json.loads(sound), "version": 1}))
    with pytest.raises(DamagedRecordError, match="of version 1, which has no digests"):
        saved.load(TRIAL.id)
    path.write_bytes(sound)
