"""Whatever a study file has in it: it is read as it is written, or refused in one message."""

import copy
import json
import math

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from rungwise.study.reading import parse_study, preset_names, read_study
from rungwise.study.study import Study, StudyError
from rungwise.study.text import decoded
from tests.properties import alike, odd_values

GROUPS = {"low": [0, 1, 2, 3, 4], "high": [5, 6, 7, 8, 9]}
DATA = {"source": "digits", "train_images": 500, "validation_images": 100}
FIT = {"epochs": 1, "batch": 32, "rate": 1e-3, "momentum": 0.5, "stop_loss": 0.1, "optimiser": "sgd"}
PLAIN = {"epochs": 1}
WHOLE = {
    "title": "A study",
    "seeds": 2,
    "chapter": [
        {"kind": "projection", "data": DATA, "svm_iterations": 100},
        {"kind": "perceptrons", "data": DATA, "pairs": [[1, 0], [8, 3]], "iterations": 5, "tolerance": 0.1},
        {
            "kind": "mlps",
            "data": DATA,
            "fit": {**FIT, "augment": {"shift": 2.5, "cutout": 3, "flip": "alternate"}, "pruning": {"share": 0.25}},
            "nets": {"A": {"hidden": [8, 8]}, "B": {"hidden": [], "bias": False}, "C": {"hidden": [9]}},
            "claim": [
                {
                    "id": "c1",
                    "says": "A is best",
                    "test": [
                        {"metric": "test_accuracy", "best": "A", "of": ["B", "C"], "matters": 0.01},
                        {"metric": "test_accuracy", "trend": "rises", "over": ["A", "B", "C"]},
                        {"metric": "test_accuracy", "equal": "A", "to": "B", "within": 0.1},
                    ],
                }
            ],
        },
        {
            "kind": "cnns",
            "name": "conv",
            "seeds": 1,
            "data": DATA,
            "fit": PLAIN,
            "nets": {
                "K": {"filters": [2, 3], "kernel": 3, "halving": "pool"},
                "R": {"stem": 2, "filters": [2], "blocks": [1], "crop": 1, "members": 2},
            },
        },
        {"kind": "capacity", "data": DATA, "fit": FIT, "widths": [4, 8], "labels": ["true", "random"]},
        {"kind": "seeing", "data": DATA, "fit": PLAIN, "net": {"filters": [2]}, "dream": {"steps": 2, "jitter": 1}},
        {
            "kind": "multitask",
            "data": DATA,
            "fit": PLAIN,
            "net": {"family": "compact", "filters": [2], "shared": [4], "head": [3]},
            "tasks": {"item": "labels", "half": GROUPS},
            "weights": [[0.25, 0.75], [0.5, 0.5]],
            "methods": {"DWA": {"method": "dwa", "temperature": 1.5}, "Auto": {"method": "auto-lambda", "rate": 0.1}},
            "sharing": {"Stitch": {"family": "cross-stitch", "filters": [2], "own": 0.8}},
        },
        {
            "kind": "transfer",
            "data": DATA,
            "fit": PLAIN,
            "net": {"filters": [2]},
            "tasks": {"item": "labels", "half": GROUPS},
            "weights": [0.5, 0.5],
            "task": {"third": {"a": [0, 2, 4, 6, 8], "b": [1, 3, 5, 7, 9]}},
            "shares": [0.1, 1.0],
        },
    ],
}
"""Every kind of chapter, with most of the settings that they have."""


def places(value, place=()):
    """Every place in nested tables and lists."""
    for step, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield (*place, step)
        yield from places(inner, (*place, step))


PLACES = list(places(WHOLE))


def at(value, place):
    for step in place:
        value = value[step]
    return value


def toml(value) -> str:
    """A value as TOML writes it, all in one line."""
    match value:
        case bool():
            return str(value).lower()
        case float() if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
        case list() | tuple():
            return f"[{', '.join(map(toml, value))}]"
        case str():
            return json.dumps(value)
        case None:
            assume(False)
    return repr(value)


def as_toml(raw) -> str:
    heads = "".join(f"{key} = {toml(value)}\n" for key, value in raw.items() if key != "chapter")
    return heads + f"chapter = {toml(raw['chapter'])}\n" if "chapter" in raw else heads


def read(text: str, name: str) -> Study | None:
    """The study; None where it is refused: by a message of few lines that names the file in each."""
    try:
        return parse_study(text, name)
    except StudyError as error:
        says = str(error)
    lines = says.splitlines()
    assert 1 <= len(lines) <= 21
    assert all(line.startswith(name) for line in lines), says
    assert all(len(line) < 1000 for line in lines), "a message is read by people"
    assert says.encode().decode() == says, "and can be written"
    return None


def written_again(study: Study) -> None:
    again = parse_study(study.as_json(), "again.json")
    assert again == study
    assert again.as_json() == study.as_json()


def test_the_study_that_is_mutated_below_is_right():
    for text, name in ((json.dumps(WHOLE), "x.json"), (as_toml(WHOLE), "x.toml")):
        written_again(parse_study(text, name))


@settings(max_examples=150)
@given(st.sampled_from(PLACES), odd_values, st.sampled_from(["json", "toml"]))
def test_another_value_anywhere_is_read_as_it_is_or_refused(place, value, kind):
    raw = copy.deepcopy(WHOLE)
    at(raw, place[:-1])[place[-1]] = value
    study = read(as_toml(raw) if kind == "toml" else json.dumps(raw), f"x.{kind}")
    if study is None:
        return
    written_again(study)
    written = json.loads(study.as_json())
    short = {"weights", "methods", "test", "pairs", "name"}  # these have short forms, as one number for a pair
    if not short & set(place):
        found = at(written, place)
        fills_in = isinstance(value, dict)  # defaults
        assert fills_in or alike(found, value), f"{place}: {value!r} was read as {found!r}"


@settings(max_examples=60)
@given(st.sampled_from(PLACES), st.booleans())
def test_a_key_less_or_an_item_twice_is_read_or_refused(place, less):
    raw = copy.deepcopy(WHOLE)
    parent = at(raw, place[:-1])
    if less:
        del parent[place[-1]]
    elif isinstance(parent, list):
        parent.append(copy.deepcopy(parent[place[-1]]))
    else:
        parent[f"{place[-1]} again"] = copy.deepcopy(parent[place[-1]])
    if (study := read(json.dumps(raw), "x.json")) is not None:
        written_again(study)


NASTY = [
    '"""',
    "'''",
    '"',
    "'",
    "[",
    "]",
    "{",
    "}",
    "[[",
    "]]",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\\",
    "a",
    "1",
    "é",
    "\ud800",
]


@settings(max_examples=300)
@given(st.text(max_size=200) | st.lists(st.sampled_from(NASTY), max_size=60).map("".join))
@example("[1]")
@example("\ufeff")
@example("x = 1979-13-41")
@example("x = 07:32:61")
@example("a = 1e400")
def test_any_text_is_refused(text):
    for name in ("x.toml", "x.json"):
        assert read(text, name) is None


@settings(max_examples=100)
@given(st.binary(max_size=200) | st.text(max_size=50).filter(lambda t: t.isascii()).map(lambda t: t.encode("utf-16")))
def test_any_bytes_are_refused(content):
    try:
        text = decoded(content, "x.toml")
    except StudyError as error:
        says = str(error)
    else:
        says = ""
        assert read(text, "x.toml") is None
    assert not says or says.startswith("cannot read the study file x.toml: ")


@settings(max_examples=40)
@given(st.sampled_from(preset_names()), st.data())
def test_a_preset_with_a_piece_cut_out_is_read_or_refused(name, data):
    text = read_study(name).as_json()
    start = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(1, 40))
    if (study := read(text[:start] + text[start + length :], "x.json")) is not None:
        written_again(study)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_written_as_it_was_read(name):
    written_again(read_study(name))
