"""Rounds of seeds, and a look after each, until claims are settled.

The study in the folder says before each round how many seeds its chapters have, so that an interrupt loses at most the
trials that are running; the same command then goes on.
"""

from collections.abc import Mapping, Sequence

from rungwise.errors import UserError
from rungwise.evidence.conditions import Known
from rungwise.evidence.looks import FIRST
from rungwise.runs.outcome import Clock
from rungwise.runs.session import Session
from rungwise.runs.settle_looks import Looks, done_seeds
from rungwise.runs.settle_plan import Aim, Costs, next_target
from rungwise.runs.settle_states import Ended, Prospects, Settlement, State
from rungwise.runs.settle_words import told_forecasts, told_look
from rungwise.study.study import Study, study_trials


class Settling:
    """The work of `settle.settle_study`."""

    def __init__(
        self,
        session: Session,
        study: Study,
        aims: Sequence[Aim],
        known: Known,
        clock: Clock,
        budget_s: float | None,
        most_seeds: int,
    ) -> None:
        self.session, self.study = session, study
        self.clock, self.budget_s, self.most_seeds = clock, budget_s, most_seeds
        self.chapters = list(dict.fromkeys(name for aim in aims for name in aim.needs))
        self.costs = Costs(study.only(self.chapters), session.rate, session.engine.workers)
        self.failed: set[str] = set()
        """Trials that failed in this session: the next one tries them again."""
        self.looks = Looks(session.store, aims, known, most_seeds)
        self.states: list[State] = []
        self.states = self._look()

    @property
    def left_s(self) -> float:
        """Of the budget."""
        return float("inf") if self.budget_s is None else self.budget_s - self.clock.seconds

    def refuse_small_budget(self) -> None:
        """Raises UserError where there is something to do and the budget holds no look."""
        waiting = [state for state in self.states if state.open]
        first = min(waiting, key=self._seconds, default=None)
        if first is None or self._seconds(first) <= self.left_s:
            return
        seeds = next_target(first.course.n) - first.course.n
        raise UserError(
            f"--budget holds no look: {'the next seed takes' if seeds == 1 else f'the first {seeds} seeds take'} about "
            f"{self._seconds(first):.0f} s on this machine, and of {self.budget_s:g} s there are "
            f"{max(0.0, self.left_s):.0f} left. Give more, or leave it out"
        )

    def settle(self, *, resumed: bool) -> Settlement:
        """Rounds until all is settled or nothing more can be done; then the report. `resumed`: whether an earlier
        command began."""
        self._tell(told_forecasts(self.states, self.prospects(), self.budget_s))
        changed = self.session.note(self.study)
        with self.session.engine.staying(self.session.store):
            set_aside = self._finish_round() if resumed else {}
            while (chosen := self._best()) is not None:
                set_aside |= self._round(chosen)
        run = self.session.finish(self.study, set_aside, changed, (), stacklevel=3)
        return Settlement(run, tuple(self.states), self.prospects(), self._ended(), self.clock.seconds)

    # Rounds -----------------------------------------------------------------------------------------------------

    def _best(self) -> State | None:
        """The open claim that is likeliest to be settled per second; first those that had no look, of which nothing is
        known. None where no round is left, or fits into the budget."""
        fits = [state for state in self.states if state.open and self._seconds(state) <= self.left_s]
        return max(fits, key=self._worth, default=None)

    def _worth(self, state: State) -> tuple[bool, float]:
        if state.outlook is None:
            return True, -self._seconds(state)
        more = (state.outlook.seeds or state.outlook.most) - state.course.n
        return False, state.outlook.chance(self.most_seeds) / (self._seconds(state) * max(1, more))

    def _added(self, state: State, target: int) -> dict[str, int]:
        """By chapter, how many seeds a claim lacks for that many."""
        return {name: max(0, target - self.done[name]) for name in state.aim.needs}

    def _seconds(self, state: State) -> float:
        """Of the round that leads to the next look at a claim."""
        return self.costs.seconds(self._added(state, next_target(state.course.n)))

    def _round(self, state: State) -> dict[str, str]:
        """Add what the claim needs for its next look, and look at all of them."""
        before, target = state.course.n, next_target(state.course.n)
        asked = {chapter.name: len(self.study.seeds_of(chapter)) for chapter in self.study.chapters}
        self.study = self.study.with_seeds_of({name: max(target, asked[name]) for name in state.aim.needs})
        self.session.note(self.study)
        expected, started = self._seconds(state), self.clock.seconds
        set_aside = self._compute(state.aim.needs)
        self.costs.correct(expected, self.clock.seconds - started)
        self.states = self._look()
        if next(each for each in self.states if each.id == state.id).course.n == before:
            self.looks.stuck.add(state.id)
            self.states = self._look()
        return set_aside

    def _finish_round(self) -> dict[str, str]:
        """What an interrupted command has left undone of its last round, so that tables are even."""
        seeds = {chapter.name: len(self.study.seeds_of(chapter)) for chapter in self.study.chapters}
        names = [name for name in self.chapters if 0 < self.done[name] < seeds[name]]
        lacks = {name: seeds[name] - self.done[name] for name in names}
        if not names or self.costs.seconds(lacks) > self.left_s:
            return {}
        set_aside = self._compute(names)
        self.states = self._look()
        return set_aside

    def _compute(self, names: Sequence[str]) -> dict[str, str]:
        part = self.study.only(names)
        trials = [trial for _, trial in study_trials(part)]
        trials = [t for t in trials if self.failed.isdisjoint((t.id, *(need.id for need in t.needs)))]
        set_aside = self.session.compute(part, trials)
        self.failed |= self.session.store.failures([trial.id for trial in trials]).keys()
        return set_aside

    # Looks ------------------------------------------------------------------------------------------------------

    def _look(self) -> list[State]:
        """What is known of each claim now; a line is printed for each that had a new look."""
        part = self.study.only(self.chapters)
        self.done = done_seeds(part, self.session.store)
        before = {state.id: state.course.n for state in self.states}
        states = self.looks.states(part, self.costs)
        new = [s for s in states if s.id in before and s.course.n > before[s.id] and s.course.n >= FIRST]
        self._tell([told_look(state) for state in new])
        return states

    def prospects(self) -> Mapping[str, Prospects]:
        """What claims would take that are open, by their ids."""
        return {state.id: self._prospects(state) for state in self.states if state.open}

    def _prospects(self, state: State) -> Prospects:
        n, outlook = state.course.n, state.outlook
        affordable = n
        while affordable < self.most_seeds and self.costs.seconds(self._added(state, affordable + 1)) <= self.left_s:
            affordable += 1
        seeds = outlook.seeds if outlook else None
        return Prospects(
            look_s=self._seconds(state),
            seeds=seeds,
            needs_s=None if seeds is None else self.costs.seconds(self._added(state, seeds)),
            affordable=affordable,
            chance=outlook.chance(affordable) if outlook else None,
        )

    def _ended(self) -> Ended:
        if all(state.course.settled is not None for state in self.states):
            return "settled"
        return "budget" if any(state.open for state in self.states) else "nothing left"

    def _tell(self, lines: Sequence[str]) -> None:
        for line in lines if not self.session.quiet else ():
            console = self.session.console
            console.print(line, markup=False, highlight=False, soft_wrap=not console.is_terminal)
