"""What to find out: a study file, read and checked before anything runs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import Field, PrivateAttr, SerializeAsAny

from rungwise.chapters import load_chapter
from rungwise.chapters.chapter import ChapterSettings, Keep
from rungwise.data.settings import IDENTITY
from rungwise.errors import UserError, nearest
from rungwise.settings import Settings
from rungwise.shown import Shown
from rungwise.study.settling import Settle
from rungwise.trial import Trial

MOST_TRIALS = 100_000
"""Of a study: each has a folder of its own."""


class StudyError(UserError):
    """A study that cannot be run as it is written."""


class Whence:
    """Where a study was read, for the messages on faults that show later. Two of them are equal: it changes nothing."""

    def __init__(self, name: str = "", text: str = "", chapters: Sequence[str] = ()) -> None:
        self.name, self.text = name, text
        self.chapters = tuple(chapters)
        """Their names, in the order of the text."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Whence)

    def __hash__(self) -> int:
        return 0


class Study(Settings, Shown):
    """What to find out."""

    title: str = Field(min_length=1)
    seeds: int = Field(1, ge=1, le=10_000)
    """Every trial is run with the seeds 0, 1, ... seeds - 1, unless its chapter says otherwise."""
    mixed: bool = Field(False, exclude_if=lambda mixed: not mixed)
    """Whether claims are judged whose records come from different machines, devices or versions of the code."""
    control: Literal["holm", "benjamini-hochberg"] | None = Field(None, exclude_if=lambda control: control is None)
    """Control over all claims together: beside each verdict stands whether it survives that. "holm": the chance that
    any of them is wrong stays at 5%; "benjamini-hochberg": the expected share of wrong ones among those that survive.
    """
    keep_weights: Keep = Field("all", exclude_if=lambda kept: kept == "all")
    """Which weights of trained nets stay in the folder once a run has ended, unless a chapter says otherwise: those of
    all, those of each chapter's best model, or none."""
    settle: Settle | None = Field(None, exclude_if=lambda settle: settle is None)
    """How seeds were added until claims were settled; None: every number of seeds was fixed before."""
    chapters: tuple[SerializeAsAny[ChapterSettings], ...] = Field((), alias="chapter", max_length=1000)
    _whence: Whence = PrivateAttr(Whence())

    def seeds_of(self, chapter: ChapterSettings) -> tuple[int, ...]:
        """The seeds of one of its chapters."""
        return tuple(range(chapter.seeds or self.seeds))

    def keeps(self, chapter: ChapterSettings) -> Keep:
        """Which weights one of its chapters keeps."""
        return chapter.keep_weights or self.keep_weights

    def with_seeds(self, seeds: int) -> "Study":
        """The study with that many seeds for every chapter, a number that is fixed before."""
        chapters = tuple(chapter.model_copy(update={"seeds": None}) for chapter in self.chapters)
        return self.model_copy(update={"seeds": seeds, "chapters": chapters, "settle": None})

    def with_seeds_of(self, seeds: Mapping[str, int]) -> "Study":
        """The study with so many seeds for some chapters, by name. One that has so many stays as it is written."""
        new = {c.name: seeds[c.name] for c in self.chapters if seeds.get(c.name, 0) not in (0, len(self.seeds_of(c)))}
        chapters = tuple(c.model_copy(update={"seeds": new.get(c.name, c.seeds)}) for c in self.chapters)
        return self.model_copy(update={"chapters": chapters})

    def seeds_before(self, chapter: ChapterSettings) -> tuple[int, ...]:
        """The seeds of one of its chapters that were fixed before: without those that were added to settle claims."""
        before = self.settle.before.get(chapter.name) if self.settle else None
        return self.seeds_of(chapter) if before is None else tuple(range(before))

    def only(self, names: Iterable[str]) -> "Study":
        """The study with these chapters alone, by name; StudyError where it has not one of them."""
        names = list(names)
        own = [chapter.name for chapter in self.chapters]
        for name in names:
            if name not in own:
                raise StudyError(f"the study has no chapter {name!r}; {nearest(name, own)}")
        return self.model_copy(
            update={"chapters": tuple(c for c in self.chapters if c.name in names)}
        ).with_own_settle()

    def with_own_settle(self) -> "Study":
        """The study without what `settle` says of claims and chapters that it has not."""
        if self.settle is None:
            return self
        ids = {claim.id for chapter in self.chapters for claim in chapter.claims}
        names = {chapter.name for chapter in self.chapters}
        settle = Settle(
            claims=tuple(claim for claim in self.settle.claims if claim in ids),
            before={name: seeds for name, seeds in self.settle.before.items() if name in names},
        )
        return self.model_copy(update={"settle": settle})

    def read_from(self, name: str, text: str) -> "Study":
        """The study with the name and the text of its file."""
        study = self.model_copy()
        study._whence = Whence(name, text, [chapter.name for chapter in self.chapters])
        return study

    @property
    def whence(self) -> Whence:
        """Where it was read."""
        return self._whence

    def as_json(self) -> str:
        """The study with every default filled in; `read_study` takes it back."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1)

    def as_shown(self) -> str:
        """As `as_json`, with own images by their digest: a report does not tell where they are on somebody's disk."""
        return json.dumps(self.model_dump(mode="json", by_alias=True, context=IDENTITY), indent=1)


def check_size(study: Study) -> None:
    """Raise StudyError where a study has more trials than can be listed, let alone carried out."""
    counts = {c.name: len(load_chapter(c.kind).trials(c, (0,))) * len(study.seeds_of(c)) for c in study.chapters}
    if (total := sum(counts.values())) > MOST_TRIALS:
        most = max(counts, key=counts.__getitem__)
        raise StudyError(
            f"the study has {total:,} trials, of which {counts[most]:,} are in the chapter {most!r}; expected at most "
            f"{MOST_TRIALS:,}: choose fewer seeds or models"
        )


def study_trials(study: Study) -> list[tuple[ChapterSettings, Trial]]:
    """Every trial once, with the first chapter of whose trials it is one, else with the first that needs it; a trial's
    needs come before it."""
    check_size(study)
    found: dict[str, tuple[ChapterSettings, Trial]] = {}

    def add(chapter: ChapterSettings, trial: Trial) -> None:
        for need in trial.needs:
            add(chapter, need)
        found.setdefault(trial.id, (chapter, trial))

    own: set[str] = set()
    for chapter in study.chapters:
        for trial in load_chapter(chapter.kind).trials(chapter, study.seeds_of(chapter)):
            add(chapter, trial)
            if trial.id not in own:
                found[trial.id] = chapter, trial
                own.add(trial.id)
    return list(found.values())


def wanted(study: Study) -> dict[str, tuple[str, ...]]:
    """The ids of all trials of a study, each with those that it had in earlier versions of its results."""
    return {trial.id: trial.earlier_ids for _, trial in study_trials(study)}
