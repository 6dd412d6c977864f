"""What to find out: a study file, read and checked before anything runs."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SerializeAsAny, ValidationError

from rungwise.chapters import chapter_kinds, load_chapter
from rungwise.chapters.chapter import ChapterSettings
from rungwise.data.catalogue import nearest
from rungwise.errors import UserError
from rungwise.settings import Settings
from rungwise.trial import Trial

S = TypeVar("S", bound=Settings)
Place = tuple[str | int, ...]
"""Where in a study something stands: ("chapter", 2, "nets", "MLP-1", "hidden")."""


class StudyError(UserError):
    """A study that cannot be run as it is written."""


class Study(Settings):
    """What to find out."""

    title: str
    seeds: int = Field(1, ge=1, le=10_000)
    """Every trial is run with the seeds 0, 1, ... seeds - 1."""
    chapters: tuple[SerializeAsAny[ChapterSettings], ...] = Field((), alias="chapter")

    @property
    def seed_list(self) -> tuple[int, ...]:
        return tuple(range(self.seeds))

    def only(self, kinds: Iterable[str]) -> "Study":
        """The study with these kinds of chapters alone; StudyError where it has none of one of them."""
        kinds = list(kinds)
        own = {chapter.kind for chapter in self.chapters}
        for kind in kinds:
            if kind not in own:
                raise StudyError(f"the study has no chapter {kind!r}; {nearest(kind, own)}")
        return self.model_copy(update={"chapters": tuple(c for c in self.chapters if c.kind in kinds)})

    def as_json(self) -> str:
        """The study with every default filled in; `read_study` takes it back."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1)


def study_trials(study: Study) -> list[tuple[ChapterSettings, Trial]]:
    """Every trial once, with the first chapter that calls for it; a trial's needs come before it."""
    found: dict[str, tuple[ChapterSettings, Trial]] = {}

    def add(chapter: ChapterSettings, trial: Trial) -> None:
        for need in trial.needs:
            add(chapter, need)
        found.setdefault(trial.id, (chapter, trial))

    for chapter in study.chapters:
        for trial in load_chapter(chapter.kind).trials(chapter, study.seed_list):
            add(chapter, trial)
    return list(found.values())


# Reading -------------------------------------------------------------------------------------------------------


def preset_names() -> list[str]:
    """The studies that come with rungwise."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in resources.files("rungwise").joinpath("studies").iterdir()
        if entry.name.endswith(".toml")
    )


def read_study(name: str) -> Study:
    """A preset by name, or a study file (TOML, or JSON as rungwise writes it). Raises StudyError."""
    if name in preset_names():
        return parse_study(resources.files("rungwise").joinpath(f"studies/{name}.toml").read_text(), name)
    path = Path(name)
    try:
        text = path.read_text()
    except IsADirectoryError:
        raise StudyError(f"{name} is a folder; a study is a preset or a TOML file") from None
    except (OSError, UnicodeDecodeError) as error:
        if path.suffix in (".toml", ".json"):
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise StudyError(f"cannot read the study file {name}: {reason}") from None
        raise StudyError(
            f"no preset is called {name!r}, and there is no such file; {nearest(name, preset_names())}"
        ) from None
    return parse_study(text, name)


def parse_study(text: str, name: str) -> Study:
    """A study from its text; every fault is told with its line and the nearest valid name. Raises StudyError."""
    try:
        raw = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise StudyError(f"{name} is not valid TOML: {error}") from None
    faults: list[tuple[Place, str]] = []
    chapters = raw.pop("chapter", [])
    if not isinstance(chapters, list) or not chapters:
        faults.append((("chapter",), 'a study needs at least one [[chapter]] table with a kind, as kind = "mlps"'))
        chapters = []
    read = [_read_chapter(chapter, ("chapter", i), faults) for i, chapter in enumerate(chapters)]
    study = _validate(Study, raw, (), faults)
    if faults:
        raise StudyError("\n".join(f"{name}, {_line(text, place)}: {says}" for place, says in faults))
    assert study is not None
    known = tuple(chapter for chapter in read if chapter is not None)
    return study.model_copy(update={"chapters": tuple(chapter.beside(known) for chapter in known)})


def _read_chapter(raw: Any, place: Place, faults: list[tuple[Place, str]]) -> ChapterSettings | None:
    kinds = chapter_kinds()
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if kind not in kinds:
        says = (
            f"no kind of chapter is called {kind!r}; {nearest(kind, kinds)}"
            if isinstance(kind, str)
            else ("a chapter needs its kind. Known: " + ", ".join(kinds))
        )
        faults.append(((*place, "kind"), says))
        return None
    return _validate(load_chapter(kind).Settings, raw, place, faults)


def _validate(kind: type[S], raw: Any, place: Place, faults: list[tuple[Place, str]]) -> S | None:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        for fault in error.errors():
            loc = (*place, *(step for step in fault["loc"]))
            faults.append((loc, _explain(kind, fault)))
        return None


def _explain(kind: type[Settings], fault: Mapping[str, Any]) -> str:
    """One fault in plain words: what was expected, what was got, and the nearest valid name."""
    where = ".".join(str(step) for step in fault["loc"] if step not in ("labels", "dict[str,tuple[int, ...]]"))
    if fault["type"] == "extra_forbidden":
        known = _fields(kind, fault["loc"][:-1])
        name = str(fault["loc"][-1])
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"unknown setting {where!r}; {hint}Known here: {', '.join(sorted(known))}"
    if fault["type"] == "missing":
        return f"the setting {where!r} is missing"
    says = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return f"{where}: {says}" if where else says
    return f"{where}: {says[0].lower()}{says[1:]}, got {fault['input']!r}"


def _fields(kind: type[Settings], loc: Place) -> list[str]:
    """The names that are valid at a place inside settings of that kind."""
    model: Any = kind
    for step in loc:
        field = getattr(model, "model_fields", {}).get(step)
        inner = field.annotation if field else model
        model = next((m for m in _models(inner)), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> list[type[Settings]]:
    """The settings classes named in a type, as in dict[str, MlpSettings] or Recipe | None."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in _models(inner)]


def _line(text: str, place: Place) -> str:
    """The line of a place in a TOML text, as "line 12"; the nearest enclosing one that can be found."""
    lines = text.splitlines()
    start, end = 0, len(lines)
    steps = list(place)
    if len(steps) > 1 and steps[0] == "chapter":
        heads = [i for i, line in enumerate(lines) if re.match(r"\s*\[\[\s*chapter\s*\]\]", line)]
        number = steps[1]
        if isinstance(number, int) and number < len(heads):
            start = heads[number]
            end = heads[number + 1] if number + 1 < len(heads) else len(lines)
        steps = steps[2:]
    found = start
    for step in steps:
        key = re.compile(rf"""(^|[\s{{,.\[])["']?{re.escape(str(step))}["']?\s*[\]=.]""")
        found = next((i for i in range(found, end) if key.search(lines[i])), found)
    return f"line {found + 1}"
