"""Where each claim stands while seeds are added, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from rungwise.evidence.judgement import Judgement
from rungwise.evidence.outlook import OpenNumber, Outlook, outlook
from rungwise.judging.course import Course
from rungwise.judging.judge import judged
from rungwise.runs.opened import Run
from rungwise.runs.settle_plan import Aim
from rungwise.study.study import wanted

HORIZON = 200
"""Seeds up to which it is told how many a claim would take; further where there are many already."""
Ended = Literal["settled", "budget", "nothing left"]
"""Why no seed was added any more: all is settled; the next round would not fit into the budget; or what is open has the
most seeds, was given up, or is stuck."""


@dataclass(frozen=True)
class State:
    """A claim, with the looks so far and the outlook."""

    aim: Aim
    course: Course
    most: int
    """Seeds that it may have."""
    given_up: int | None
    """The number of seeds at which it turned out that next to nothing would settle it."""
    stuck: bool
    """Whether a seed of it failed or has no value, which ends what can be looked at."""
    outlook: Outlook | None
    """None where it is settled, or where there was no look yet."""

    @property
    def id(self) -> str:
        return self.aim.claim.id

    @property
    def open(self) -> bool:
        """Whether further seeds may settle it."""
        ended = self.course.settled is not None or self.given_up is not None or self.stuck
        return not ended and self.course.n < self.most


def numbers_of(course: Course, n: int) -> list[OpenNumber]:
    """The numbers of a claim that have noise, as they were after n seeds."""
    return [OpenNumber(track.values[:n], track.question) for track in course.tracks if not track.asked.exact]


def outlook_of(course: Course, first: int) -> Outlook | None:
    """The outlook of an open claim; None before `first` seeds, and where it is settled."""
    numbers = numbers_of(course, course.n)
    if course.settled is not None or not numbers or course.n < first:
        return None
    return outlook(numbers, max(HORIZON, 2 * course.n))


@dataclass(frozen=True)
class Prospects:
    """What an open claim would take."""

    look_s: float
    """Seconds until its next look."""
    seeds: int | None
    """At how many it would be settled, were mean and scatter as so far: the median. None: unknown, or beyond what the
    outlook sees."""
    needs_s: float | None
    """Seconds until then."""
    affordable: int
    """Seeds that the budget holds, were it for this claim alone; at most as many as are allowed."""
    chance: float | None
    """To be settled by then; None where nothing is known yet."""


@dataclass(frozen=True)
class Settlement:
    """What came of it."""

    run: Run
    states: tuple[State, ...]
    prospects: Mapping[str, Prospects]
    """Of the claims that are open, by id."""
    ended: Ended
    seconds: float

    @property
    def page(self) -> Path:
        """The report."""
        return self.run.store.root / "report.html"

    @cached_property
    def judgements(self) -> dict[str, Judgement]:
        """The claims that were to be settled, by id, as the report has them."""
        ids = {state.id for state in self.states}
        study = self.run.study
        claims = self.run.store.reading(wanted(study), lambda found: judged(study, found.records))
        return {each.id: each for found in claims.values() for each in found if each.id in ids}
