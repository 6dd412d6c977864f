"""Study files, read and checked before anything runs."""

from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from rungwise.chapters import chapter_kinds, load_chapter
from rungwise.chapters.chapter import ChapterSettings
from rungwise.data.reading import Reading
from rungwise.errors import nearest
from rungwise.extensions import ExtensionError
from rungwise.study.checks import known_metrics as known_metrics
from rungwise.study.checks import study_faults
from rungwise.study.faults import told, validate
from rungwise.study.lines import SettingPath
from rungwise.study.study import Study, StudyError
from rungwise.study.text import parse_text, read_text


def preset_names() -> list[str]:
    """The studies that come with rungwise."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in resources.files("rungwise").joinpath("studies").iterdir()
        if entry.name.endswith(".toml")
    )


def read_study(name: str, reading: Reading | None = None) -> Study:
    """A preset by name, or a study file (TOML, or JSON as rungwise writes it). Raises StudyError.

    Paths in a file are relative to its folder. `reading`: how own images are looked at.
    """
    if name in preset_names():
        text = resources.files("rungwise").joinpath(f"studies/{name}.toml").read_text("utf-8")
        return parse_study(text, name, reading)
    path = Path(name)
    try:
        text = read_text(path)
    except StudyError as error:
        cause = error.__cause__
        if isinstance(cause, IsADirectoryError) or path.is_dir():
            raise StudyError(f"{name} is a folder; a study is a preset or a TOML file") from None
        if isinstance(cause, FileNotFoundError) and path.suffix not in (".toml", ".json"):
            raise StudyError(
                f"no preset is called {name!r}, and there is no such file; {nearest(name, preset_names())}"
            ) from None
        raise
    return parse_study(text, name, replace(reading or Reading(), base=path.parent))


def parse_study(text: str, name: str, reading: Reading | None = None) -> Study:
    """A study from its text; every fault is told with its line and the nearest valid name. Raises StudyError.

    `reading`: how own images are looked at, and what their paths are relative to.
    """
    text = text.removeprefix("\ufeff")
    raw = parse_text(text, name)
    faults: list[tuple[SettingPath, str]] = []
    chapters = raw.pop("chapter", [])
    if not isinstance(chapters, list) or not chapters:
        faults.append((("chapter",), 'a study needs at least one [[chapter]] table with a kind, as kind = "mlps"'))
        chapters = []
    reading = reading or Reading()
    read = [_read_chapter(chapter, ("chapter", i), faults, reading) for i, chapter in enumerate(chapters)]
    study = validate(Study, raw, (), faults)
    known = tuple(chapter for chapter in read if chapter is not None)
    if study is not None and not faults:
        study = study.model_copy(update={"chapters": tuple(chapter.beside(known) for chapter in known)})
        faults = study_faults(study)
    if faults or study is None:
        raise StudyError(told(faults, text, name))
    return study.read_from(name, text)


def _read_chapter(
    raw: Any, place: SettingPath, faults: list[tuple[SettingPath, str]], reading: Reading
) -> ChapterSettings | None:
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if not isinstance(kind, str):
        faults.append(((*place, "kind"), "a chapter needs its kind. Known: " + ", ".join(chapter_kinds())))
        return None
    try:
        chapter = load_chapter(kind)
    except ExtensionError as error:
        faults.append(((*place, "kind"), str(error)))
        return None
    return validate(chapter.Settings, raw, place, faults, reading)
