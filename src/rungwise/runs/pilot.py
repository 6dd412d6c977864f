"""The power of a study before it runs: what its claims could show, by the records of a pilot."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rungwise.errors import UserError
from rungwise.judging.prospects import NOTHING, ClaimProspect, prospects
from rungwise.records.errors import StoreError
from rungwise.runs.run import Run, open_run
from rungwise.study.study import Study, StudyError, wanted


class Power(NamedTuple):
    """What a pilot tells of a study."""

    claims: tuple[ClaimProspect, ...]
    damaged: tuple[str, ...]
    """What is wrong with records of the pilot that were left out."""


def power(study: Study, folder: Path, chapters: Sequence[str] = (), *, named: bool = True) -> Power:
    """What each claim of a study could show with its planned seeds, from the records of the pilot in `folder`.

    The pilot is judged under the study's own chapters: what they ask for is found by content, whatever its own study
    is. `chapters`: only the claims of these; `named`: whether the folder was named as the pilot, not taken by default.
    Raises StudyError where no claim is about numbers, or a chapter is unknown, StoreError where the folder holds no
    run, and UserError where it has nothing of what the claims need, or one seed of it.
    """
    told = study.only(chapters) if chapters else study
    names = {chapter.name for chapter in told.chapters if any(claim.test for claim in chapter.claims)}
    if not names:
        raise StudyError(
            f"there is nothing to plan for: no claim of {told.title!r} is about numbers. Expected a [[chapter.claim]] "
            'with a test, as test = { metric = "test_accuracy", better = "A", than = "B" }'
        )
    run = _opened(folder, named)
    pilot, store = with_seeds_of(study, run.study), run.store
    asked = wanted(pilot)
    claims, broken = store.reading(asked, lambda held: (prospects(study, pilot, held.records), held.damaged))
    found = tuple(claim for claim in claims if claim.chapter in {chapter.name for chapter in told.chapters})
    damaged = tuple(broken.values())
    try:
        _check(found, study.title, folder)
    except UserError as error:
        raise UserError("; ".join([str(error), *(f"damaged: {why}" for why in damaged)])) from None
    return Power(found, damaged)


def _check(claims: Sequence[ClaimProspect], title: str, folder: Path) -> None:
    """UserError where the pilot says nothing of any number: it has none of them, or one seed."""
    numbers = [number for claim in claims for number in claim.numbers]
    if all(number.note == NOTHING for number in numbers):
        raise UserError(
            f"{folder} says nothing of {title!r}: it has no record that its claims need. Expected a run of this "
            "study, or of one with the same trials"
        )
    noisy = [number.pilot for number in numbers if not number.exact]
    if noisy and max(noisy) == 1:
        raise UserError(
            f"a pilot of one seed knows nothing of the scatter: expected two seeds or more in {folder}. Run it with "
            f"`rungwise run STUDY --seeds 2 --out {folder}`; the seed that is there is not computed again"
        )


def with_seeds_of(study: Study, pilot: Study) -> Study:
    """The study with the seeds that the pilot has of its chapters, by name; of others, with the most of any.

    With other seeds some trials are others: the dreams of a net are judged by the net of the next seed, that of the
    last one by the first.
    """
    seeds = {chapter.name: len(pilot.seeds_of(chapter)) for chapter in pilot.chapters}
    most = max(seeds.values(), default=1)
    chapters = (one.model_copy(update={"seeds": seeds.get(one.name, most)}) for one in study.chapters)
    return study.model_copy(update={"chapters": tuple(chapters)})


def _opened(folder: Path, named: bool) -> Run:
    try:
        return open_run(folder)
    except StoreError as error:
        if named or (folder / "study.json").exists():
            raise
        raise StoreError(
            f"{error}. Power is told from a pilot: run two seeds of the study first, or name the folder of another "
            "run with --pilot, as --pilot results/reference"
        ) from None
