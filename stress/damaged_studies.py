"""Study files changed at random: refused in one message, or taken as they are written. None is run."""

import json
import random
import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

from rungwise.study.reading import parse_study, preset_names
from stress.answers import ask, judge
from stress.mutations import Path as Place
from stress.mutations import at, bytes_changed, dumped, value_changed
from stress.sound import Sound
from stress.tally import Tally


class DamagedStudies:
    """The studies that come with rungwise, as TOML and as JSON, each with one thing changed."""

    def __init__(self, sound: Sound) -> None:
        folder = resources.files("rungwise").joinpath("studies")
        self.texts = [folder.joinpath(f"{name}.toml").read_text("utf-8") for name in preset_names()]
        self.texts.append(sound.study.read_text("utf-8"))

    def __call__(self, chance: random.Random, folder: Path, tally: Tally) -> tuple[str, str]:
        text = chance.choice(self.texts)
        place: Place = ()
        if chance.random() < 0.5:
            said, place, raw = value_changed(tomllib.loads(text), chance)
            content, suffix = dumped(raw), "json"
        else:
            way = chance.choice(list(WAYS))
            raw, suffix = None, "toml"
            said, content = WAYS[way](text, chance)
            said = f"{way} {said}"
        path = folder / f"study.{suffix}"
        path.write_bytes(content)
        answer = ask(chance.choice(["claims", "plan", "plan"]), path, "--out", folder / "out")
        if answer.words[0] == "claims":
            answer = ask("claims", path)
        judge(answer, said, tally)
        tally.check(not (folder / "out").exists(), said, "a folder was made")
        if answer.code == 0:
            _check_taken(content.decode("utf-8-sig", "replace"), raw, place, said, tally)
            return said, "taken"
        tally.check(len(answer.err) < 20_000, said, f"the message has {len(answer.err)} characters")
        return said, "refused" if answer.code == 2 else f"ended with {answer.code}"


def _check_taken(text: str, raw: Any, place: Place, said: str, tally: Tally) -> None:
    """A study that was taken is what its JSON says, and has the changed value as it was written."""
    study = parse_study(text, "study")
    again = parse_study(study.as_json(), "study.json")
    tally.check(again == study, said, "its JSON is another study")
    if not place:
        return
    try:
        written, taken = at(raw, place), at(json.loads(study.as_json()), place)
    except (KeyError, IndexError, TypeError):  # it was removed, or JSON has it elsewhere
        return
    if isinstance(written, bool | int | float | str):
        tally.check(_equal(written, taken), said, f"written as {written!r:.50}, taken as {taken!r:.50}")


def _equal(written: object, taken: object) -> bool:
    """Whether a value was taken as it was written; a whole number may become a float, or a list's only item."""
    if isinstance(taken, list) and len(taken) == 1:
        taken = taken[0]
    if isinstance(taken, dict | list):  # a short form of something longer
        return True
    if type(written) is int and type(taken) is float:
        return float(written) == taken
    return type(written) is type(taken) and written == taken


def _bytes(text: str, chance: random.Random) -> tuple[str, bytes]:
    return bytes_changed(text.encode(), chance)


def _line(text: str, chance: random.Random) -> tuple[str, bytes]:
    lines = text.splitlines()
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    way = chance.choice(["twice", "missing", "moved", "cut"])
    if way == "twice":
        lines.insert(second, lines[first])
    elif way == "missing":
        del lines[first]
    elif way == "moved":
        lines[first], lines[second] = lines[second], lines[first]
    else:
        lines[first] = lines[first][: chance.randrange(len(lines[first]) + 1)]
    return f"{first} {way}", "\n".join(lines).encode()


def _encoding(text: str, chance: random.Random) -> tuple[str, bytes]:
    name = chance.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7", "cp037"])
    return name, text.encode(name, "replace")


def _huge(text: str, chance: random.Random) -> tuple[str, bytes]:
    ways: dict[str, Callable[[], str]] = {
        "a number": lambda: text.replace("seeds = ", "seeds = " + "9" * 5000, 1),
        "a name": lambda: text.replace("title = ", f"{'k' * 2_000_000} = 1\ntitle = ", 1),
        "keys": lambda: "\n".join(f"k{i} = {i}" for i in range(300_000)) + "\n" + text,
        "a comment": lambda: f"# {'x' * 2_000_000}\n{text}",
        "seeds": lambda: "seeds = 1000000000000\n" + text.replace("seeds = ", "# ", 1),
    }
    way = chance.choice(list(ways))
    return way, ways[way]().encode()


def _nested(text: str, chance: random.Random) -> tuple[str, bytes]:
    depth = chance.choice([101, 2000, 50_000])
    ways: dict[str, Callable[[], str]] = {
        "lists": lambda: f"x = {'[' * depth}{']' * depth}\n{text}",
        "tables": lambda: f"x = {'{a = ' * depth}1{'}' * depth}\n{text}",
        "dots": lambda: f"{'a.' * depth}a = 1\n{text}",
        "JSON": lambda: '{"chapter": ' + "[" * depth + "]" * depth + "}",
        "open": lambda: '{"chapter": ' + "[" * depth,
    }
    way = chance.choice(list(ways))
    return f"{way}, {depth} deep", ways[way]().encode()


WAYS: dict[str, Callable[[str, random.Random], tuple[str, bytes]]] = {
    "bytes": _bytes,
    "bytes:": _bytes,
    "line": _line,
    "encoded as": _encoding,
    "huge:": _huge,
    "nested:": _nested,
}
