"""Every class of settings: what is written is taken as it is, or refused by a message; nothing is converted."""

import importlib
import json
import pkgutil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

import rungwise
from rungwise.balancing.balancer import BalancerSettings
from rungwise.chapters.chapter import ChapterSettings
from rungwise.errors import UserError
from rungwise.evidence.claims import Condition
from rungwise.models.net import NetSettings
from rungwise.settings import LONGEST_NAME, Name, Settings, checked_name
from rungwise.trial import Trial
from tests.properties import alike, odd_values

for module in pkgutil.walk_packages(rungwise.__path__, "rungwise."):
    if not module.name.startswith(
        ("rungwise.kernels", "rungwise.__main__", "rungwise.report", "rungwise.models.percep")
    ):
        importlib.import_module(module.name)

DATA = {"source": "digits"}
FIT = {"epochs": 1}
TASKS = {"a": "labels", "b": {"low": [0, 1, 2, 3, 4], "high": [5, 6, 7, 8, 9]}}
LEAST: dict[str, dict[str, Any]] = {
    "data.own.preparation.Preparation": {},
    "balancing": {},
    "chapters.audit.settings.Settings": {"data": DATA},
    "chapters.capacity.settings.Settings": {"data": DATA, "fit": {**FIT, "stop_loss": 0.1}, "widths": [4]},
    "chapters.cnns.settings.Settings": {"data": DATA, "fit": FIT, "nets": {"A": {"filters": [2]}}},
    "chapters.leak.settings.Settings": {"data": DATA, "fit": FIT, "nets": {"A": {"filters": [2]}}},
    "chapters.mlps.settings.Settings": {"data": DATA, "fit": FIT, "nets": {"A": {"hidden": [2]}}},
    "chapters.multitask.settings.Settings": {
        "data": DATA, "fit": FIT, "net": {"filters": [2]}, "tasks": TASKS, "weights": [[0.5, 0.5]],
    },
    "chapters.perceptrons.settings.Settings": {"data": DATA},
    "chapters.projection.settings.Settings": {"data": DATA},
    "chapters.seeing.settings.Settings": {"data": DATA, "fit": FIT, "net": {"filters": [2]}},
    "chapters.transfer.settings.Settings": {
        "data": DATA, "fit": FIT, "net": {"filters": [2]}, "tasks": TASKS, "weights": [0.5, 0.5],
        "task": {"c": {"x": [0, 2, 4, 6, 8], "y": [1, 3, 5, 7, 9]}},
    },
    "data.settings.Data": DATA,
    "evidence.claims.Above": {"metric": "m", "model": "A", "above": 0.5},
    "evidence.claims.Below": {"metric": "m", "model": "A", "below": 0.5},
    "evidence.claims.Best": {"metric": "m", "best": "A"},
    "evidence.claims.Better": {"metric": "m", "better": "A", "than": "B"},
    "evidence.claims.Claim": {"id": "c", "says": "so"},
    "evidence.claims.Equal": {"metric": "m", "equal": "A", "to": "B", "within": 0.1},
    "evidence.claims.Higher": {"metric": "m", "higher": "A", "than": "B"},
    "evidence.claims.Highest": {"metric": "m", "highest": "A"},
    "evidence.claims.Lowest": {"metric": "m", "lowest": "A"},
    "evidence.claims.Near": {"metric": "m", "model": "A", "near": 0.5, "within": 0.1},
    "evidence.claims.NoBetter": {"metric": "m", "no_better": "A", "than": "B", "within": 0.1},
    "evidence.claims.Trend": {"metric": "m", "trend": "rises", "over": ["A", "B", "C"]},
    "insight.dreams.DreamSettings": {},
    "models.cnn.CnnSettings": {"filters": [2]},
    "models.collaboration.CollaborationSettings": {},
    "models.compact.CompactSettings": {},
    "models.cross_stitch.CrossStitchSettings": {},
    "models.mlp.MlpSettings": {"hidden": [2]},
    "models.multitask.SharedSettings": {"filters": [2]},
    "models.residual.ResidualSettings": {"filters": [2], "blocks": [1]},
    "study.settling.Settle": {},
    "study.study.Study": {"title": "x"},
    "training.augment.Augmentation": {},
    "training.pruning.Pruning": {},
    "training.settings.Recipe": FIT,
    "training.settings.Stop": {"patience": 1},
}  # fmt: skip
"""The least that each class can be made of; ways to balance tasks need nothing."""


def every(kind: type[Settings]) -> list[type[Settings]]:
    return [kind, *(inner for sub in kind.__subclasses__() for inner in every(sub))]


BASES = (Settings, BalancerSettings, ChapterSettings, Condition, NetSettings)
CLASSES = sorted(
    {
        kind
        for kind in every(Settings)
        if kind.__module__.startswith("rungwise.")
        and not issubclass(kind, Trial)
        and kind not in BASES
        and kind.__name__ not in ("FamilySettings", "ColumnsSettings", "TorchJDSettings", "JacobianSettings")
    },
    key=lambda kind: f"{kind.__module__}.{kind.__name__}",
)


def name_of(kind: type[Settings]) -> str:
    return f"{kind.__module__}.{kind.__name__}".removeprefix("rungwise.")


def least(kind: type[Settings]) -> dict[str, Any]:
    """Raises KeyError for a new class: write down the least that it can be made of."""
    return LEAST["balancing" if issubclass(kind, BalancerSettings) else name_of(kind)]


@pytest.mark.parametrize("kind", CLASSES, ids=name_of)
def test_every_class_can_be_made_and_is_read_as_it_was_written(kind: type[Settings]) -> None:
    made = kind.model_validate(least(kind))
    assert kind.model_validate_json(made.model_dump_json(by_alias=True)) == made


FIELDS = [(kind, name) for kind in CLASSES for name in kind.model_fields]
SHORT = {"weights", "methods", "test", "name", "chapters"}
"""Fields with a short way to write them."""


@settings(max_examples=400)
@given(st.sampled_from(FIELDS), odd_values)
def test_a_value_is_taken_as_it_is_or_refused(field: tuple[type[Settings], str], value: object) -> None:
    kind, name = field
    written = kind.model_fields[name].alias or name
    try:
        made = kind.model_validate({**least(kind), written: value})
    except (ValidationError, UserError):
        return
    text = made.model_dump_json(by_alias=True)
    assert kind.model_validate_json(text) == made
    kept = json.loads(text)
    if name not in SHORT and not isinstance(value, dict) and written in kept:  # a default may be left out
        assert alike(kept[written], value), f"{value!r} was taken as {kept[written]!r}"


class Foreign(Settings):
    """As another package's settings."""

    number: int = 1
    share: float = 0.5
    on: bool = False
    word: str = "a"
    sizes: tuple[int, ...] = ()
    inner: dict[Name, "tuple[float, bool] | None"] = Field({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("number", True), ("number", "1"), ("number", 1.0), ("share", "0.1"), ("share", True), ("share", float("nan")),
        ("on", 1), ("on", "true"), ("word", 1), ("word", "\ud800"), ("word", "\x1b[2J"), ("word", "x" * 10_001),
        ("sizes", [True]), ("sizes", ["1"]), ("sizes", 1), ("inner", {"a": [True, True]}), ("inner", {"a": [1, 1]}),
        ("inner", {"all": None}), ("inner", {"a/b": None}),
    ],
)  # fmt: skip
def test_nothing_is_converted_in_another_packages_settings(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Foreign.model_validate({name: value})


def test_what_is_meant_by_a_list_and_by_a_whole_number_is_clear() -> None:
    made = Foreign.model_validate({"sizes": [1, 2], "share": 1, "inner": {"a": [1, True], "b": None}})
    assert (made.sizes, made.share, made.inner) == ((1, 2), 1.0, {"a": (1.0, True), "b": None})


@pytest.mark.parametrize("name", ["A", "CNN-1", "λ = 0.5", "Netz mit Ä", "x" * LONGEST_NAME, "all of them", "ALL"])
def test_names_that_are_names(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "without spaces at its ends, got ''"),
        (" A", "without spaces at its ends, got ' A'"),
        ("A\nB", r"that can be seen, got '\n' in 'A\nB'"),
        ("A\u200b", r"that can be seen, got '\u200b'"),
        ("\u202eA", r"that can be seen, got '\u202e'"),
        ("x" * 101, "at most 100 bytes, as it becomes part of file names; got 101"),
        ("é" * 51, "at most 100 bytes, as it becomes part of file names; got 102"),
        ("all", "claims mean every model by the name 'all': choose another name"),
        ("a/b", "without '/', as claims write a model of another chapter as CHAPTER/NAME; got 'a/b'"),
    ],
)
def test_names_that_are_none(name: str, says: str) -> None:
    with pytest.raises(ValueError, match="name") as error:
        checked_name(name)
    assert says in str(error.value)
