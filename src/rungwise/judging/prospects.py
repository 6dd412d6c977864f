"""What the claims of a study could show with the seeds that it plans, estimated from a pilot."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from pydantic import computed_field

from rungwise.evidence.claims import Claim
from rungwise.evidence.conditions import Known
from rungwise.evidence.design import HoldsFor
from rungwise.evidence.judgement import region
from rungwise.evidence.paired import LEVEL
from rungwise.evidence.power import POWER
from rungwise.evidence.prospect import chance, half_width, limit, seeds_for, unknown
from rungwise.evidence.ranges import Scale
from rungwise.evidence.sample import Sample
from rungwise.judging.judge import Asked, ledger_of, numbers_of
from rungwise.judging.ledger import Ledger
from rungwise.records.record import Record
from rungwise.settings import PlainData
from rungwise.study.reading import known_metrics
from rungwise.study.study import Study

NOTHING = "nothing in the pilot"


class NumberProspect(PlainData):
    """One number of a claim: what the pilot says of it, and what the planned seeds would."""

    says: str
    low: float | None = None
    high: float | None = None
    """The claim says that it lies above the one, below the other, or between them."""
    holds_for: HoldsFor | None = None
    """Which images the verdict will be about."""
    scale: Scale = "plain"
    """On which it is tested: share: its logit; positive: its logarithm; plain: as it is. The numbers here are in the
    unit of the values all the same."""
    exact: bool = False
    """Whether it has no noise."""
    pilot: int
    """Seeds of the pilot that have it."""
    mean: float | None = None
    """In the pilot; the median where the claim is about that."""
    sd: float | None = None
    """Standard deviation over the pilot's seeds, with n - 1."""
    planned: int
    """Seeds."""
    half_width: float | None = None
    """Half of what the 95% interval of the planned seeds is expected to span; None where there is none."""
    chance: float | None = None
    """Probability that the planned seeds settle it, were mean and scatter as in the pilot; None where unknown."""
    seeds_needed: int | None = None
    """Seeds that settle it four times in five; None where there is no such number, or it is unknown (`note`)."""
    note: str = ""
    """Why nothing can be said, or why no number of seeds is named."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def claimed(self) -> str:
        """Where the claim says that it lies, as "above 0"."""
        return region(self.low, self.high)


class ClaimProspect(PlainData):
    """One claim: the chance that the planned seeds settle it, and what it would take."""

    chapter: str
    id: str
    says: str
    planned: int
    """The fewest seeds that any of its numbers will have."""
    chance: float | None = None
    """That of its hardest number, as all must be settled; where numbers lie elsewhere in the pilot than the claim says,
    that of the easiest of these, at the level that Holm's correction leaves it, since one is enough to refute."""
    seeds_needed: int | None = None
    """Seeds that settle it four times in five: the most that a number takes; the fewest where one is enough."""
    note: str = ""
    numbers: tuple[NumberProspect, ...] = ()
    """The one that decides first."""


class _Case(NamedTuple):
    """A number with what decides about it."""

    asked: Asked
    found: NumberProspect


def prospects(planned: Study, pilot: Study, records: Mapping[str, Record]) -> tuple[ClaimProspect, ...]:
    """Each claim of the study. `pilot`: the study with the seeds that the records have; `records`: by id."""
    ledger, known = ledger_of(pilot, records), known_metrics(planned.chapters)
    seeds = {chapter.name: len(planned.seeds_of(chapter)) for chapter in planned.chapters}
    return tuple(
        prospect(claim, chapter.name, known, ledger, seeds) for chapter in planned.chapters for claim in chapter.claims
    )


def prospect(claim: Claim, chapter: str, known: Known, ledger: Ledger, seeds: Mapping[str, int]) -> ClaimProspect:
    """One claim of a chapter. `seeds`: how many each chapter is planned with, by name."""
    cases = [_Case(asked, _number(asked, seeds)) for asked in numbers_of(claim, chapter, known, ledger)]
    whole = {
        "chapter": chapter,
        "id": claim.id,
        "says": claim.says,
        "planned": min((case.found.planned for case in cases), default=seeds[chapter]),
    }
    if not cases:
        return ClaimProspect(**whole, note="nothing tests it")
    return ClaimProspect(**whole, **_decided(cases))


def _number(asked: Asked, seeds: Mapping[str, int]) -> NumberProspect:
    own, planned = asked.sample, min(seeds[ref.chapter] for ref in asked.wanted.models)
    told = _told(asked)
    return NumberProspect(
        says=own.says,
        low=own.low,
        high=own.high,
        holds_for=own.holds_for,
        scale=own.scale,
        exact=own.exact,
        pilot=len(own.values),
        mean=_centre(own),
        sd=float(np.std(own.tested, ddof=1)) if len(own.values) > 1 else None,
        planned=planned,
        half_width=None if told else half_width(own, planned),
        chance=None if told else chance(own, planned),
        seeds_needed=None if told else seeds_for(own),
        note=told or limit(own),
    )


def _told(asked: Asked) -> str:
    """Why nothing can be said of a number, in the words of a pilot."""
    if asked.reason and asked.sample.test is not None:
        return "the pilot's records are of unequal origin"
    return unknown(asked.sample).replace("nothing on record", NOTHING).replace("on record", "in the pilot")


def _centre(own: Sample) -> float | None:
    if own.median and own.test is not None:
        return own.test.centre
    return None if own.estimate is None else own.estimate.mean


def _decided(cases: Sequence[_Case]) -> dict[str, object]:
    """The claim's part of a prospect: what its numbers come to together, and these in order."""
    against = list(_elsewhere(cases))
    if against:
        found, level = max(against, key=lambda case: case.found.chance or 0.0), LEVEL / len(cases)
        own = found.asked.sample
        needed = [n for case in against if (n := seeds_for(case.asked.sample, level=level)) is not None]
        told = {
            "chance": chance(own, found.found.planned, level=level),
            "seeds_needed": min(needed, default=None),
            "note": "" if needed else limit(own),
        }
        hard = [case.found for case in cases if case is not found]
        return {**told, "numbers": (found.found, *_by_chance(hard))}
    numbers = _by_chance([case.found for case in cases])
    open_ = [number for number in numbers if number.seeds_needed is None]
    return {
        "chance": numbers[0].chance,
        "seeds_needed": None if open_ else max(number.seeds_needed or 0 for number in numbers),
        "note": open_[0].note if open_ else "",
        "numbers": tuple(numbers),
    }


def _elsewhere(cases: Sequence[_Case]) -> Iterator[_Case]:
    """Those of a known prospect that lie elsewhere in the pilot than the claim says: any one of them may refute it."""
    for case in cases:
        test = case.asked.sample.test
        if case.found.chance is not None and test is not None and not case.asked.sample.contains(test.centre):
            yield case


def _by_chance(numbers: Sequence[NumberProspect]) -> list[NumberProspect]:
    """The hardest first: unknown ones, then by their chance; of equal ones, those that take the most seeds."""

    def hardness(number: NumberProspect) -> tuple[float, float]:
        needed = float("inf") if number.seeds_needed is None else number.seeds_needed
        return -1.0 if number.chance is None else number.chance, -needed

    return sorted(numbers, key=hardness)


def settled(found: Sequence[ClaimProspect]) -> int:
    """How many of the claims the planned seeds settle at least four times in five."""
    return sum(each.chance is not None and each.chance >= POWER for each in found)
