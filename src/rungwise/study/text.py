"""From the bytes of a study file to its tables: TOML or JSON, within limits that keep every fault cheap to tell."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from rungwise.study.lines import Lines, SettingPath
from rungwise.study.study import StudyError

MOST_BYTES = 1_000_000
"""Of a study file. The largest that rungwise has written itself has 0.1 MB; data belong into other files."""
MOST_NESTED = 100
"""Brackets inside brackets, or parts of a dotted key. Parsers go down one call for each."""
MOST_VALUES = 50_000
"""Keys and list items in all."""
LONGEST_WORD = 300
"""Characters of a key without quotes, or of a number. Python itself refuses integers of more than 4,300 digits."""

_JSON_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*+")|(?P<open>[\[{])|(?P<close>[\]}])|(?P<word>[\w+.-]++)|(?P<broken>")', re.DOTALL
)
_TOML_TOKEN = re.compile(
    r"""(?P<string>"{3}(?:[^"\\]|\\.|"(?!""))*+"{3,5}|'{3}(?:[^']|'(?!''))*+'{3,5})|(?P<broken>"{3}|'{3})"""
    r"""|(?P<line>"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'|\#[^\n]*+)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<dot>\.)"""
    r"""|(?P<end>[\n=,])|(?P<word>[\w+-]++)|(?P<quote>["'])""",
    re.DOTALL,
)
"""No part of them goes back over what it has taken, so that a text is read in time proportional to its length."""


def read_text(path: Path) -> str:
    """The text of a study file. Raises StudyError where it is too large, not a file, or not text in UTF-8."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise StudyError(f"cannot read the study file {path}: expected a file, got a pipe or a device")
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise StudyError(f"cannot read the study file {path}: {error.strerror}") from error
    except ValueError as error:  # a null byte in the name
        raise StudyError(f"cannot read the study file {str(path)!r}: {error}") from None
    if len(content) > MOST_BYTES:
        raise StudyError(
            f"cannot read the study file {path}: expected at most {MOST_BYTES:,} bytes, got more. A study names its "
            "data and nets; is this another file?"
        )
    return decoded(content, str(path))


def decoded(content: bytes, name: str) -> str:
    """The text of these bytes in UTF-8, without the mark that Windows editors put in front. Raises StudyError."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise StudyError(f"cannot read the study file {name}: it is not text in UTF-8 but in UTF-16; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise StudyError(
            f"cannot read the study file {name}: it is not text in UTF-8: byte 0x{content[error.start]:02x} in line "
            f"{line}; save it as UTF-8"
        ) from None


def parse_text(text: str, name: str) -> dict[str, Any]:
    """The tables of a study. Raises StudyError, with the line, where it is no TOML or JSON, or goes beyond a limit."""
    kind = "JSON" if is_json(text, name) else "TOML"
    if len(text) > MOST_BYTES:
        raise StudyError(f"{name}: expected at most {MOST_BYTES:,} characters, got {len(text):,}")
    _scan(text, name, kind)
    twice: list[str] = []

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                twice.append(key)
            found[key] = value
        return found

    try:
        raw = json.loads(text, object_pairs_hook=table) if kind == "JSON" else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise StudyError(f"{name} is not valid {kind}: {error}") from None
    except (ValueError, OverflowError, RecursionError) as error:  # a date that does not exist, 10_000 digits in a float
        raise StudyError(f"{name} is not valid {kind}: {error}") from None
    if not isinstance(raw, dict):
        raise StudyError(f"{name}, line 1: expected a JSON object, as rungwise writes it, got a {type(raw).__name__}")
    if twice:
        line, key = min(((line, place[-1]) for place, line in Lines(text).repeated.items()), default=(1, twice[0]))
        raise StudyError(f"{name}, line {line}: the key {key!r} stands here for the second time; keep one")
    if (values := _count(raw)) > MOST_VALUES:
        raise StudyError(f"{name}: expected at most {MOST_VALUES:,} settings and list items, got {values:,}")
    return raw


def is_json(text: str, name: str) -> bool:
    """Whether a study is written in JSON: by what it starts with, or else by its name."""
    return text.lstrip().startswith("{") or name.lower().endswith(".json")


def _scan(text: str, name: str, kind: str) -> None:
    """Look for what a parser would take too long over, or fail at without a line; all else is left to the parser."""
    depth = dots = 0

    def refuse(position: int, says: str) -> StudyError:
        return StudyError(f"{name}, line {text.count(chr(10), 0, position) + 1}: {says}")

    for token in (_JSON_TOKEN if kind == "JSON" else _TOML_TOKEN).finditer(text):
        what = token.lastgroup
        if what in ("broken", "quote"):  # a string that does not end: the parser says so
            return
        depth += (what == "open") - (what == "close")
        dots = dots + (what == "dot") if what not in ("open", "close", "end") else 0
        if depth > MOST_NESTED or dots >= MOST_NESTED:
            raise refuse(token.start(), f"expected at most {MOST_NESTED} tables or lists inside each other, got more")
        if what == "word" and len(token[0]) > LONGEST_WORD:
            got = f"a number of {len(token[0]):,} digits" if token[0][-1].isdigit() else f"{len(token[0]):,} characters"
            raise refuse(token.start(), f"expected a key or a number of at most {LONGEST_WORD} characters, got {got}")


def _count(raw: Any) -> int:
    """Keys and list items at all depths."""
    found, waiting = 0, [raw]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            found += len(value)
            waiting += value.values() if isinstance(value, dict) else value
    return found


def shown(place: SettingPath) -> str:
    """A place as messages write it, as "nets.A.hidden[0]"; what cannot be seen is escaped."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{_visible(step)}" for step in place)
    return "".join(steps).removeprefix(".")


def _visible(step: str) -> str:
    step = step if len(step) <= 60 else f"{step[:60]} ..."
    return step if step.isprintable() else ascii(step)[1:-1]
