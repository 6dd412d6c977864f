"""What to find out: a study file, read and checked before anything runs."""

import json
from collections.abc import Iterable

from pydantic import Field, SerializeAsAny

from rungwise.chapters import load_chapter
from rungwise.chapters.chapter import ChapterSettings, Keep
from rungwise.errors import UserError, nearest
from rungwise.settings import Settings
from rungwise.shown import Shown
from rungwise.trial import Trial


class StudyError(UserError):
    """A study that cannot be run as it is written."""


class Study(Settings, Shown):
    """What to find out."""

    title: str
    seeds: int = Field(1, ge=1, le=10_000)
    """Every trial is run with the seeds 0, 1, ... seeds - 1, unless its chapter says otherwise."""
    mixed: bool = Field(False, exclude_if=lambda mixed: not mixed)
    """Whether claims are judged whose records come from different machines, devices or versions of the code."""
    keep_weights: Keep = Field("all", exclude_if=lambda kept: kept == "all")
    """Which weights of trained nets stay in the folder once a run has ended, unless a chapter says otherwise: those of
    all, those of each chapter's best model, or none."""
    chapters: tuple[SerializeAsAny[ChapterSettings], ...] = Field((), alias="chapter")

    def seeds_of(self, chapter: ChapterSettings) -> tuple[int, ...]:
        """The seeds of one of its chapters."""
        return tuple(range(chapter.seeds or self.seeds))

    def keeps(self, chapter: ChapterSettings) -> Keep:
        """Which weights one of its chapters keeps."""
        return chapter.keep_weights or self.keep_weights

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


def wanted(study: Study) -> dict[str, tuple[str, ...]]:
    """The ids of all trials of a study, each with those that it had in earlier versions of its results."""
    return {trial.id: trial.earlier_ids for _, trial in study_trials(study)}
