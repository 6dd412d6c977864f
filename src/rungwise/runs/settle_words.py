"""What `settle` says: a forecast before it starts, a line for each look, and what came of it."""

from collections.abc import Mapping, Sequence

from rungwise.evidence.looks import FIRST
from rungwise.evidence.outlook import NO_HOPE
from rungwise.judging.course import Course, Track
from rungwise.judging.samples import says_of
from rungwise.runs.display import duration
from rungwise.runs.settle_plan import EARLIEST, next_target
from rungwise.runs.settle_states import HORIZON, Prospects, Settlement, State
from rungwise.words import counted


def told_forecasts(states: Sequence[State], prospects: Mapping[str, Prospects], budget_s: float | None) -> list[str]:
    """A line for each claim: its seeds, and how many more it would take."""
    within = "" if budget_s is None else f" in {duration(budget_s)}"
    head = f"{counted(len(states), 'claim')} to be settled{within}:"
    return [head, *(f"  {state.id}: {_forecast(state, prospects.get(state.id), within)}" for state in states)]


def told_look(state: State) -> str:
    """One look at a claim: the number of it that decides, its estimate and interval, and the verdict."""
    course = state.course
    shown = _shown(course)
    look, asked = shown.looks[-1], shown.asked
    interval = "any value" if look.interval is None else f"{look.interval[0]:.4g} to {look.interval[1]:.4g}"
    several = f" ({len(course.tracks)} numbers)" if len(course.tracks) > 1 else ""
    says = says_of(asked, course.chapter)
    return (
        f"{state.id}, {counted(course.n, 'seed')}: {says} {look.estimate:.4g} ({interval}), {course.verdict}{several}"
    )


def told_end(settlement: Settlement) -> list[str]:
    """What was settled and at how many seeds, and what is open and would take."""
    found = settlement.judgements
    settled = [state for state in settlement.states if state.course.settled is not None]
    are = "is" if len(settled) == 1 else "are"
    count = counted(len(settlement.states), "claim")
    lines = [f"{len(settled)} of {count} {are} settled. It took {duration(settlement.seconds)}."]
    for state in settlement.states:
        verdict = found[state.id].verdict
        at = state.course.settled
        if verdict == "not judged":
            lines.append(f"  {state.id}: not judged. {found[state.id].why}")
        elif at is not None:
            lines.append(f"  {state.id}: {verdict}, settled at {counted(at, 'seed')}")
        else:
            lines.append(f"  {state.id}: {_open(state, settlement.prospects.get(state.id))}")
    if settlement.ended == "budget":
        lines.append("The next round would not fit into the budget. The same command goes on from here.")
    return lines


def _forecast(state: State, prospects: Prospects | None, within: str) -> str:
    at = state.course.settled
    if at is not None:
        return f"{state.course.verdict}, settled at {counted(at, 'seed')} already"
    n = state.course.n
    so_far = f"{counted(n, 'seed')} so far"
    if why := _hindered(state):
        return f"{so_far}, {why}"
    if prospects is None or prospects.chance is None:
        first = "" if prospects is None else f"; {next_target(n)} take about {duration(prospects.look_s)}"
        return f"{so_far}; nothing is known before {FIRST}, and nothing is settled before {EARLIEST}{first}"
    chance = f"chance to be settled{within or f' within {state.most} seeds'} {_percent(prospects.chance)}"
    return f"{so_far}, {_takes(prospects)}; {chance}"


def _open(state: State, prospects: Prospects | None) -> str:
    seeds = counted(state.course.n, "seed")
    if why := _hindered(state):
        return f"open after {seeds}, {why}"
    if prospects is None or prospects.chance is None:
        return f"open after {seeds}; nothing is known before {FIRST}"
    return f"open after {seeds}, {_takes(prospects)}"


def _takes(prospects: Prospects) -> str:
    if prospects.seeds is None:
        return f"more than {HORIZON} are expected"
    takes = "" if prospects.needs_s is None else f", in about {duration(prospects.needs_s)}"
    return f"about {prospects.seeds} are expected{takes}"


def _hindered(state: State) -> str:
    """Why no seed is added for an open claim; empty where some may be."""
    if state.stuck:
        return (
            f"stuck: its seed {state.course.n} failed or has no value, and no look sees those behind it. The report "
            "says why; the same command tries it again"
        )
    if state.given_up is not None:
        return (
            f"cannot be settled: after {counted(state.given_up, 'seed')} the chance to settle it within {state.most} "
            f"is below {NO_HOPE:.0%}, even where the true means lie most favourably in their 95% intervals"
        )
    if state.course.n >= state.most:
        return "which are all that --most-seeds allows"
    return ""


def _shown(course: Course) -> Track:
    """The number that decides: the one that settled it, or the most open."""
    noisy = [track for track in course.until.tracks if track.looks]
    same = [track for track in noisy if track.verdict == course.verdict] or noisy
    sign = -1 if course.verdict == "refuted" else 1
    return min(same, key=lambda track: sign * track.looks[-1].e)


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f}%" if 0.01 <= chance <= 0.99 else "below 1%" if chance < 0.01 else "above 99%"
