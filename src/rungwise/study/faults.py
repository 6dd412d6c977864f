"""What is wrong in a study file, in plain words."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from rungwise.errors import nearest
from rungwise.settings import Chosen, Settings
from rungwise.study.lines import Lines, SettingPath
from rungwise.study.spellings import right_word
from rungwise.study.text import shown

S = TypeVar("S", bound=Settings)

LONGEST = 60
"""Characters of a wrong value that a message repeats."""
MOST_TOLD = 20
"""Faults that one message tells; of the others it tells how many there are."""


def validate(
    kind: type[S], raw: Any, place: SettingPath, faults: list[tuple[SettingPath, str]], context: object = None
) -> S | None:
    """Settings of that kind from what was written at a place; None where it is wrong, and `faults` then say how."""
    try:
        return kind.model_validate(raw, context=context)
    except ValidationError as error:
        found: dict[SettingPath, list[Mapping[str, Any]]] = {}
        for fault in error.errors(include_url=False):
            found.setdefault(_steps(raw, fault), []).append(fault)
        # Where a union fits in no way, each branch tells why: the one that got furthest is what was meant.
        outer = {steps[:length] for steps in found for length in range(len(steps))}
        for number, (steps, same) in enumerate((steps, same) for steps, same in found.items() if steps not in outer):
            says = _explain(kind, steps, same, raw) if number < MOST_TOLD else ""  # finding the nearest name takes time
            faults.append(((*place, *steps), says))
        return None


def told(faults: Iterable[tuple[SettingPath, str]], text: str, name: str) -> str:
    """The message on all faults, from top to bottom, each with its line."""
    lines = Lines(text)
    every = sorted((lines.of(place), says) for place, says in faults)
    some = [f"{name}, line {line}: {says}" for line, says in every if says][:MOST_TOLD]
    more = len(every) - len(some)
    return "\n".join([*some, *([f"{name}: {more:,} more faults"] if more else [])])


def _steps(raw: Any, fault: Mapping[str, Any]) -> SettingPath:
    """The fault's place in what was written, without the names of union branches that pydantic puts into it."""
    steps: list[str | int] = []
    for step in fault["loc"]:
        if (isinstance(raw, dict) and step in raw) or (isinstance(raw, list) and step in range(len(raw))):
            raw = raw[step]
            steps.append(step)
    return (*steps, fault["loc"][-1]) if fault["type"] == "missing" else tuple(steps)


def _explain(kind: type[Settings], steps: SettingPath, faults: Sequence[Mapping[str, Any]], raw: Any) -> str:
    """The faults of one place in plain words: what was expected, what was got, and the nearest valid name."""
    where = shown(steps)
    types = {fault["type"] for fault in faults}
    if "extra_forbidden" in types:
        known = _fields(kind, steps, raw)
        meant = right_word(str(steps[-1]), known)
        return f"unknown setting '{where}'; {meant or nearest(str(steps[-1]), known)}"
    if "missing" in types:
        return f"the setting '{where}' is missing"
    says = " or ".join(dict.fromkeys(_plain(fault) for fault in faults))
    if not types <= {"value_error", "condition"}:
        says = says.replace(" or Input should be ", " or ")
        got = _shortened(faults[0]["input"])
        says = f"{says[0].lower()}{says[1:]}, got {got}"
        valid = [name for fault in faults for name in re.findall("'([^']*)'", fault.get("ctx", {}).get("expected", ""))]
        close = difflib.get_close_matches(got.strip("'"), valid, n=1)
        says += f"; did you mean {close[0]!r}?" if close else ""
    return f"{where}: {says}" if where else says


def _plain(fault: Mapping[str, Any]) -> str:
    """pydantic's own words in those of TOML and JSON."""
    if fault["type"] == "string_unicode":
        return "expected text that can be written as UTF-8"
    says = str(fault["msg"]).removeprefix("Value error, ").replace(" after validation", "")
    return re.sub(r"\b[Dd]ictionary\b", "table", re.sub(r"\b[Tt]uple\b", "list", says))


def _shortened(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    try:
        got = repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        got = f"an integer of about {int(value.bit_length() * 0.30103):,} digits"
    return got if len(got) <= LONGEST else got[:LONGEST] + " ..."


def _fields(kind: type[Settings], place: SettingPath, raw: Any) -> list[str]:
    """The names that are valid beside an unknown one, inside settings of that kind."""
    annotation: Any = kind
    for step in place[:-1]:
        fields = _meant(annotation, raw, place[-1]).model_fields
        field = fields.get(str(step)) or next((field for field in fields.values() if field.alias == step), None)
        annotation, raw = field.rebuild_annotation() if field else annotation, raw[step]  # a name in a dict is no field
    model = _meant(annotation, raw, place[-1])
    return [field.alias or name for name, field in model.model_fields.items()]


def _meant(annotation: Any, raw: Any, unknown: str | int) -> type[Settings]:
    """Of several classes, the one that is most like what was written."""
    return max(_models(annotation, raw), key=lambda model: _likeness(model, raw, unknown), default=Settings)


def _likeness(model: type[Settings], raw: Any, unknown: str | int) -> tuple[bool, bool, int]:
    """How well settings of that kind fit what was written: the family that it names first."""
    written, fields = (raw if isinstance(raw, dict) else {}), model.model_fields
    named = "family" in written and "family" in fields and fields["family"].default == written["family"]
    return named, unknown not in fields, len(written.keys() & fields.keys())


def _models(annotation: Any, raw: Any) -> list[type[Settings]]:
    """The settings classes named in a type, as in dict[str, Data] or Recipe | None, or chosen by what was written."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return [annotation]
    chosen = [mark.settings_for(raw) for mark in getattr(annotation, "__metadata__", ()) if isinstance(mark, Chosen)]
    return chosen or [model for inner in getattr(annotation, "__args__", ()) for model in _models(inner, raw)]
