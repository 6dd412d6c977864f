"""Bytes and values, changed at random."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

Path = tuple[str | int, ...]

ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2,
        10,
        3.5,
        -0.0,
        1e-320,
        1e308,
        float("nan"),
        float("inf"),
        10**30,
        -(2**63),
        2**64,
    ),
    *(
        "",
        " ",
        "x" * 300,
        "0",
        "1e-3",
        "all",
        "A",
        "\x00",
        "\ud800",
        "ä ≤ 漢",
        "../../x",
        "[bold]",
        "{{ 1 }}",
        "<script>",
    ),
    *([], {}, [[]], [1, "a", None], [0] * 1000, {"": 1}, {"a": {"b": {}}}, [True], ["A", "A"], {"source": "digits"}),
)
"""What a setting seldom is."""


def bytes_changed(content: bytes, chance: random.Random) -> tuple[str, bytes]:
    """What was done to the bytes, in words, and the bytes."""
    at = chance.randrange(len(content) + 1)
    span = min(len(content) - at, chance.choice([1, 3, 20, 500]))
    noise = chance.randbytes(chance.choice([1, 4, 50]))
    flipped = bytes([content[at % max(1, len(content))] ^ (1 << chance.randrange(8))]) if content else b"x"
    ways: dict[str, Callable[[], bytes]] = {
        "a bit flipped": lambda: content[:at] + flipped + content[at + 1 :] if at < len(content) else content + b"\0",
        "cut short": lambda: content[:at],
        "a part missing": lambda: content[:at] + content[at + span :],
        "a part twice": lambda: content[: at + span] + content[at:],
        "noise put in": lambda: content[:at] + noise + content[at:],
        "noise over it": lambda: content[:at] + noise + content[at + len(noise) :],
        "zeros over it": lambda: content[:at] + b"\0" * span + content[at + span :],
        "empty": lambda: b"",
        "noise instead": lambda: chance.randbytes(chance.choice([1, 100, 10_000])),
        "another's end": lambda: content[:at] + content[::-1][at:],
    }
    name = chance.choice(list(ways))
    return f"{name} at {at}", ways[name]()


def leaves(value: Any, path: Path = ()) -> list[Path]:
    """The places of all values that are no tables or lists with something in them."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [place for key, part in parts for place in leaves(part, (*path, key))]
    return found or [path]


def at(value: Any, path: Path) -> Any:
    """What stands at a place. KeyError, IndexError or TypeError where there is none."""
    for step in path:
        value = value[step]
    return value


def value_changed(value: Any, chance: random.Random) -> tuple[str, Path, Any]:
    """What was done to one of the values inside, its place, and a copy with the change."""
    value = copy.deepcopy(value)
    path = chance.choice(leaves(value))
    path = path[: chance.choice([len(path), len(path), len(path), chance.randint(1, max(1, len(path)))])]
    if not path:
        return "unchanged", path, value
    owner, last = at(value, path[:-1]), path[-1]
    way = chance.choice(["odd", "odd", "odd", "missing", "of another place", "a number moved", "renamed", "added"])
    if way == "missing":
        del owner[last]
    elif way == "of another place":
        owner[last] = copy.deepcopy(at(value, chance.choice(leaves(value))))
    elif way == "a number moved" and type(owner[last]) in (int, float):
        owner[last] = chance.choice([owner[last] + 1, owner[last] / 2, -owner[last], owner[last] * 1000])
    elif way == "renamed" and isinstance(owner, dict):
        owner[f"{last}{chance.choice(['s', ' ', 'X', '.'])}"] = owner.pop(last)
    elif way == "added" and isinstance(owner, dict):
        owner[chance.choice(["extra", "", "kind", "seed", "\n"])] = chance.choice(ODD)
    else:
        way = "odd"
        owner[last] = chance.choice(ODD)
    return f"{'.'.join(map(str, path))} {way}", path, value


def dumped(value: Any) -> bytes:
    """As JSON, in which what is no JSON is written as Python does: NaN, and halves of characters as escapes."""
    return json.dumps(value, indent=1).encode()
