"""What to find out: a study file, read and checked before anything runs."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SerializeAsAny, ValidationError

from rungwise.chapters import chapter_kinds, load_chapter
from rungwise.chapters.chapter import ChapterSettings
from rungwise.data.catalogue import nearest
from rungwise.errors import UserError
from rungwise.evidence.conditions import ConditionError, wanted
from rungwise.evidence.measure import Metric
from rungwise.places import Place, line_of
from rungwise.settings import Settings
from rungwise.trial import Trial

S = TypeVar("S", bound=Settings)
LONGEST = 60
"""Characters of a wrong value that a message repeats."""


class StudyError(UserError):
    """A study that cannot be run as it is written."""


class Study(Settings):
    """What to find out."""

    title: str
    seeds: int = Field(1, ge=1, le=10_000)
    """Every trial is run with the seeds 0, 1, ... seeds - 1, unless its chapter says otherwise."""
    chapters: tuple[SerializeAsAny[ChapterSettings], ...] = Field((), alias="chapter")

    def seeds_of(self, chapter: ChapterSettings) -> tuple[int, ...]:
        """The seeds of one of its chapters."""
        return tuple(range(chapter.seeds or self.seeds))

    def with_seeds(self, seeds: int) -> "Study":
        """The study with that many seeds for every chapter."""
        chapters = tuple(chapter.model_copy(update={"seeds": None}) for chapter in self.chapters)
        return self.model_copy(update={"seeds": seeds, "chapters": chapters})

    def only(self, names: Iterable[str]) -> "Study":
        """The study with these chapters alone, by name; StudyError where it has not one of them."""
        names = list(names)
        own = [chapter.name for chapter in self.chapters]
        for name in names:
            if name not in own:
                raise StudyError(f"the study has no chapter {name!r}; {nearest(name, own)}")
        return self.model_copy(update={"chapters": tuple(c for c in self.chapters if c.name in names)})

    def as_json(self) -> str:
        """The study with every default filled in; `read_study` takes it back."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1)

    def _repr_html_(self) -> str:
        from rungwise.notebook import study_html

        return study_html(self)


def study_trials(study: Study) -> list[tuple[ChapterSettings, Trial]]:
    """Every trial once, with the first chapter that calls for it; a trial's needs come before it."""
    found: dict[str, tuple[ChapterSettings, Trial]] = {}

    def add(chapter: ChapterSettings, trial: Trial) -> None:
        for need in trial.needs:
            add(chapter, need)
        found.setdefault(trial.id, (chapter, trial))

    for chapter in study.chapters:
        for trial in load_chapter(chapter.kind).trials(chapter, study.seeds_of(chapter)):
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
        return parse_study(resources.files("rungwise").joinpath(f"studies/{name}.toml").read_text("utf-8"), name)
    path = Path(name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except IsADirectoryError:
        raise StudyError(f"{name} is a folder; a study is a preset or a TOML file") from None
    except UnicodeDecodeError:
        raise StudyError(f"cannot read the study file {name}: it is not text in UTF-8") from None
    except OSError as error:
        if isinstance(error, FileNotFoundError) and path.suffix not in (".toml", ".json"):
            raise StudyError(
                f"no preset is called {name!r}, and there is no such file; {nearest(name, preset_names())}"
            ) from None
        raise StudyError(f"cannot read the study file {name}: {error.strerror}") from None
    return parse_study(text, name)


def parse_study(text: str, name: str) -> Study:
    """A study from its text; every fault is told with its line and the nearest valid name. Raises StudyError."""
    is_json = text.lstrip().startswith("{")
    try:
        raw = json.loads(text) if is_json else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise StudyError(f"{name} is not valid {'JSON' if is_json else 'TOML'}: {error}") from None
    faults: list[tuple[Place, str]] = []
    chapters = raw.pop("chapter", [])
    if not isinstance(chapters, list) or not chapters:
        faults.append((("chapter",), 'a study needs at least one [[chapter]] table with a kind, as kind = "mlps"'))
        chapters = []
    read = [_read_chapter(chapter, ("chapter", i), faults) for i, chapter in enumerate(chapters)]
    study = _validate(Study, raw, (), faults)
    known = tuple(chapter for chapter in read if chapter is not None)
    if not faults:
        faults = [*_names_told_twice(known), *_wrong_claims(known)]
    if faults:
        told = sorted((line_of(text, place), says) for place, says in faults)
        raise StudyError("\n".join(f"{name}, line {line}: {says}" for line, says in told))
    assert study is not None
    return study.model_copy(update={"chapters": tuple(chapter.beside(known) for chapter in known)})


def known_metrics(chapters: Iterable[ChapterSettings]) -> dict[str, Mapping[str, Metric]]:
    """What each chapter measures, by the chapters' names: what claims may speak of."""
    return {chapter.name: load_chapter(chapter.kind).metrics(chapter) for chapter in chapters}


def _names_told_twice(chapters: Sequence[ChapterSettings]) -> Iterator[tuple[Place, str]]:
    names, ids = set[str](), set[str]()
    for i, chapter in enumerate(chapters):
        if chapter.name in names:
            yield (
                ("chapter", i, "name"),
                f'two chapters are called {chapter.name!r}; give this one a name of its own, as name = "..."',
            )
        names.add(chapter.name)
        for j, claim in enumerate(chapter.claims):
            if claim.id in ids:
                yield (("chapter", i, "claim", j, "id"), f"two claims have the id {claim.id!r}; ids are unique")
            ids.add(claim.id)


def _wrong_claims(chapters: Sequence[ChapterSettings]) -> Iterator[tuple[Place, str]]:
    """Claims on a chapter, metric or model that the study doesn't have."""
    if not any(chapter.claims for chapter in chapters):
        return
    known = known_metrics(chapters)
    for i, chapter in enumerate(chapters):
        for j, claim in enumerate(chapter.claims):
            for k, condition in enumerate(claim.test):
                try:
                    wanted(condition, chapter.name, known)
                except ConditionError as error:
                    yield ("chapter", i, "claim", j, "test", k, error.key), f"claim {claim.id}: {error}"


def _read_chapter(raw: Any, place: Place, faults: list[tuple[Place, str]]) -> ChapterSettings | None:
    kinds = chapter_kinds()
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if not isinstance(kind, str):
        faults.append(((*place, "kind"), "a chapter needs its kind. Known: " + ", ".join(kinds)))
    elif kind not in kinds:
        faults.append(((*place, "kind"), f"no kind of chapter is called {kind!r}; {nearest(kind, kinds)}"))
    else:
        return _validate(load_chapter(kind).Settings, raw, place, faults)
    return None


def _validate(kind: type[S], raw: Any, place: Place, faults: list[tuple[Place, str]]) -> S | None:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        found: dict[Place, list[Mapping[str, Any]]] = {}
        for fault in error.errors():
            found.setdefault(_steps(raw, fault), []).append(fault)
        for steps, same in found.items():
            # Where a union fits in no way, each branch tells why: the one that got furthest is what was meant.
            if not any(steps == other[: len(steps)] and len(other) > len(steps) for other in found):
                faults.append(((*place, *steps), _explain(kind, steps, same, raw)))
        return None


def _steps(raw: Any, fault: Mapping[str, Any]) -> Place:
    """The fault's place in what was written, without the names of union branches that pydantic puts into it."""
    steps: list[str | int] = []
    for step in fault["loc"]:
        if (isinstance(raw, dict) and step in raw) or (isinstance(raw, list) and step in range(len(raw))):
            raw = raw[step]
            steps.append(step)
    return (*steps, fault["loc"][-1]) if fault["type"] == "missing" else tuple(steps)


def _explain(kind: type[Settings], steps: Place, faults: Sequence[Mapping[str, Any]], raw: Any) -> str:
    """The faults of one place in plain words: what was expected, what was got, and the nearest valid name."""
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
    types = {fault["type"] for fault in faults}
    if "extra_forbidden" in types:
        return f"unknown setting {where!r}; {nearest(str(steps[-1]), _fields(kind, steps, raw))}"
    if "missing" in types:
        return f"the setting {where!r} is missing"
    says = " or ".join(dict.fromkeys(fault["msg"].removeprefix("Value error, ") for fault in faults))
    if not types <= {"value_error", "condition"}:
        says = says.replace(" or Input should be ", " or ")
        got = repr(faults[0]["input"])
        says = f"{says[0].lower()}{says[1:]}, got {got if len(got) <= LONGEST else got[:LONGEST] + ' ...'}"
        valid = [name for fault in faults for name in re.findall("'([^']*)'", fault.get("ctx", {}).get("expected", ""))]
        close = difflib.get_close_matches(str(faults[0]["input"]), valid, n=1)
        says += f"; did you mean {close[0]!r}?" if close else ""
    return f"{where}: {says}" if where else says


def _fields(kind: type[Settings], place: Place, raw: Any) -> list[str]:
    """The names that are valid beside an unknown one, inside settings of that kind."""
    annotation: Any = kind
    for step in place[:-1]:
        fields = _meant(annotation, raw, place[-1]).model_fields
        field = fields.get(str(step)) or next((field for field in fields.values() if field.alias == step), None)
        annotation, raw = field.annotation if field else annotation, raw[step]  # a name in a dict is no field
    model = _meant(annotation, raw, place[-1])
    return [field.alias or name for name, field in model.model_fields.items()]


def _meant(annotation: Any, raw: Any, unknown: str | int) -> type[Settings]:
    """Of a union, the branch that is most like what was written."""
    return max(_models(annotation), key=lambda model: _likeness(model, raw, unknown), default=Settings)


def _likeness(model: type[Settings], raw: Any, unknown: str | int) -> tuple[bool, bool, int]:
    """How well settings of that kind fit what was written: the family that it names first."""
    written, fields = (raw if isinstance(raw, dict) else {}), model.model_fields
    named = "family" in written and "family" in fields and fields["family"].default == written["family"]
    return named, unknown not in fields, len(written.keys() & fields.keys())


def _models(annotation: Any) -> list[type[Settings]]:
    """The settings classes named in a type, as in dict[str, MlpSettings] or Recipe | None."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in _models(inner)]
