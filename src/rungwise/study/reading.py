"""Study files, read and checked before anything runs."""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from rungwise.chapters import chapter_kinds, load_chapter
from rungwise.chapters.chapter import ChapterSettings
from rungwise.errors import nearest
from rungwise.evidence.conditions import ConditionError, wanted
from rungwise.evidence.measure import Metric
from rungwise.extensions import ExtensionError
from rungwise.files import check_regular
from rungwise.study.faults import validate
from rungwise.study.lines import SettingPath, line_of
from rungwise.study.study import Study, StudyError


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
        if not path.is_dir():
            check_regular(path)  # a FIFO would be waited at
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
    faults: list[tuple[SettingPath, str]] = []
    chapters = raw.pop("chapter", [])
    if not isinstance(chapters, list) or not chapters:
        faults.append((("chapter",), 'a study needs at least one [[chapter]] table with a kind, as kind = "mlps"'))
        chapters = []
    read = [_read_chapter(chapter, ("chapter", i), faults) for i, chapter in enumerate(chapters)]
    study = validate(Study, raw, (), faults)
    known = tuple(chapter for chapter in read if chapter is not None)
    if not faults:
        faults = [*_names_told_twice(known), *_wrong_claims(known), *_wrong_nets(known)]
    if faults:
        told = sorted((line_of(text, place), says) for place, says in faults)
        raise StudyError("\n".join(f"{name}, line {line}: {says}" for line, says in told))
    assert study is not None
    return study.model_copy(update={"chapters": tuple(chapter.beside(known) for chapter in known)})


def known_metrics(chapters: Iterable[ChapterSettings]) -> dict[str, Mapping[str, Metric]]:
    """What each chapter measures, by the chapters' names: what claims may speak of."""
    return {chapter.name: load_chapter(chapter.kind).metrics(chapter) for chapter in chapters}


def _names_told_twice(chapters: Sequence[ChapterSettings]) -> Iterator[tuple[SettingPath, str]]:
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


def _wrong_claims(chapters: Sequence[ChapterSettings]) -> Iterator[tuple[SettingPath, str]]:
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


def _wrong_nets(chapters: Sequence[ChapterSettings]) -> Iterator[tuple[SettingPath, str]]:
    """Other packages' nets that are not what a net must be."""
    for i, chapter in enumerate(chapters):
        nets = [trial for trial in load_chapter(chapter.kind).trials(chapter, (0,)) if hasattr(trial, "net")]
        if not nets:
            continue
        from rungwise.models.families import FAMILIES  # chapters without nets are read without PyTorch
        from rungwise.models.net import net_fault
        from rungwise.training.settings import Fit

        for trial in nets:
            if not isinstance(trial, Fit) or trial.net.family_name() in FAMILIES.own:
                continue
            if fault := net_fault(trial.net, trial.data.facts.image, trial.outputs):
                place = "chapter", i, "nets", trial.label
                yield place, f"{trial.label}, a net of the family {trial.net.family_name()!r}: {fault}"


def _read_chapter(raw: Any, place: SettingPath, faults: list[tuple[SettingPath, str]]) -> ChapterSettings | None:
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if not isinstance(kind, str):
        faults.append(((*place, "kind"), "a chapter needs its kind. Known: " + ", ".join(chapter_kinds())))
        return None
    try:
        chapter = load_chapter(kind)
    except ExtensionError as error:
        faults.append(((*place, "kind"), str(error)))
        return None
    return validate(chapter.Settings, raw, place, faults)
