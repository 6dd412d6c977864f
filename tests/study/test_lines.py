"""Lines of settings in TOML and JSON, against texts whose structure the standard library has parsed."""

import json
import re
import tomllib
from importlib import resources

import pytest

from rungwise.study.lines import Lines

ODD = '''\
# a = 1
title = """
[[chapter]]
x = 1 \\""" not the end""""
path = 'C:\\' # "
"quoted = key # [x]" = 1
'single.dotted' = 2
when = 1979-05-27 07:32:00
half = 0.5
a.b.c = 3
a.b.d = [[1, 2], [3,
  4], [  # ]
  5]]
empty = []
none = {}
deep = [{ x = 1, y = [ { z = 2 } ] }, { x = 3 }]

[table . inner]
k = 1
[table.other]
k = 2

[[list]]
name = "first"
  [list.sub]
  k = 3
  [[list.item]]
  k = 4
  [[list.item]]
  k = 5
[[list]]
name = \'\'\'
second\'\'\'
[[list.item]]
k = 6
'''
TEXTS = {
    "odd": ODD,
    "windows": ODD.replace("\n", "\r\n"),
    **{name: (resources.files("rungwise") / "studies" / f"{name}.toml").read_text() for name in ("quick", "reference")},
}


def places(value, place=()):
    """Every place in a parsed text with the word that starts it: its key, or the number that it is."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        if isinstance(step, str):
            yield (*place, step), step
        elif isinstance(inner, int | float):
            yield (*place, step), f"{inner:g}"
        yield from places(inner, (*place, step))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_the_line_has_the_key(text):
    lines = text.splitlines()
    found = list(places(tomllib.loads(text)))
    assert len(found) > 30
    for place, word in found:
        assert re.search(rf"(^|[^\w]){re.escape(word)}($|[^\w])", lines[Lines(text).of(place) - 1]), place


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("title",), 2),
        (("path",), 5),
        (("quoted = key # [x]",), 6),
        (("a", "b"), 10),
        (("a", "b", "d", 0, 1), 11),
        (("a", "b", "d", 1, 1), 12),
        (("a", "b", "d", 2, 0), 13),
        (("deep", 1, "x"), 16),
        (("table", "inner", "k"), 19),
        (("table", "other", "k"), 21),
        (("list", 0), 23),
        (("list", 0, "sub", "k"), 26),
        (("list", 0, "item", 1, "k"), 30),
        (("list", 1), 31),
        (("list", 1, "item", 0, "k"), 35),
        (("list", 1, "absent"), 31),  # what is missing is missing from what encloses it
        (("list", 0, "item", 0, "union branch", "k"), 28),  # a step that is not in the text is passed over
        (("absent",), 1),
        ((), 1),
    ],
)
def test_lines_counted_by_hand(place, line):
    assert Lines(ODD).of(place) == line


def test_json():
    value = {"a": [1, [2, {"b:c": None}]], "d": {"e": "x, } ]"}, "chapter": [{"k": 1}, {"k": 2}]}
    text = json.dumps(value, indent=1)
    lines = text.splitlines()
    for place, word in places(value):
        assert word in lines[Lines(text).of(place) - 1], place
    assert Lines(text).of(("chapter", 1, "k")) == 1 + max(i for i, line in enumerate(lines) if '"k"' in line)
