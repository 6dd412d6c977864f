"""Looks at the claims that are to be settled: what the records in a folder say of each now."""

from collections.abc import Sequence

from rungwise.chapters import load_chapter
from rungwise.evidence.conditions import Known
from rungwise.evidence.looks import FIRST
from rungwise.evidence.outlook import hopeless
from rungwise.judging.course import Course, course
from rungwise.judging.judge import ledger_of
from rungwise.records.found import Found
from rungwise.records.store import Store
from rungwise.runs.settle_plan import EARLIEST, Aim, Costs
from rungwise.runs.settle_states import State, numbers_of, outlook_of
from rungwise.study.study import Study, wanted


class Looks:
    """What is known of each claim, and what was given up."""

    def __init__(self, store: Store, aims: Sequence[Aim], known: Known, most_seeds: int) -> None:
        self.store, self.aims, self.known, self.most_seeds = store, aims, known, most_seeds
        self.stuck: set[str] = set()
        """Claims of which a seed failed, or has no value."""
        self._no_hope: dict[tuple[str, int], bool] = {}
        """By claim and number of seeds."""

    def states(self, study: Study, costs: Costs) -> list[State]:
        """Of each claim; `study`: the chapters that the claims need; `costs` learns from the times on record."""

        def courses(found: Found) -> list[Course]:
            costs.learn(found.records.values())
            ledger = ledger_of(study, found.records)
            return [course(aim.claim, aim.chapter, self.known, ledger) for aim in self.aims]

        found = self.store.reading(wanted(study), courses)
        return [self._state(aim, own) for aim, own in zip(self.aims, found, strict=True)]

    def _state(self, aim: Aim, found: Course) -> State:
        given_up = next((n for n in range(EARLIEST, found.n + 1) if self._hopeless(found, n)), None)
        return State(
            aim=aim,
            course=found,
            most=self.most_seeds,
            given_up=given_up,
            stuck=aim.claim.id in self.stuck,
            outlook=outlook_of(found, FIRST),
        )

    def _hopeless(self, found: Course, n: int) -> bool:
        """Whether an open claim was given up after n seeds: whatever comes later, it stays so in this session."""
        if found.settled is not None:
            return False
        key = (found.claim.id, n)
        if key not in self._no_hope:
            self._no_hope[key] = hopeless(numbers_of(found, n), self.most_seeds)
        return self._no_hope[key]


def done_seeds(study: Study, store: Store) -> dict[str, int]:
    """By chapter, how many of the seeds 0, 1, 2, ... have all their records."""
    done = {}
    for chapter in study.chapters:
        trials = load_chapter(chapter.kind).trials(chapter, study.seeds_of(chapter))
        lacking = [trial.seed for trial in trials if not store.has(trial.id)]
        done[chapter.name] = min(lacking, default=len(study.seeds_of(chapter)))
    return done
