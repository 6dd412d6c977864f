"""What is to be settled, what each claim needs, and what a further seed costs: what `settle` goes by."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from rungwise.errors import UserError, nearest
from rungwise.evidence.anytime import earliest
from rungwise.evidence.claims import Claim
from rungwise.evidence.conditions import Known, wanted
from rungwise.evidence.design import Design, design_of
from rungwise.evidence.looks import FIRST
from rungwise.evidence.paired import LEVEL
from rungwise.records.record import Record
from rungwise.records.store import Store
from rungwise.study.claim_checks import unsettleable
from rungwise.study.folder import Held, held_seeds
from rungwise.study.plan import TRIAL_S, plan
from rungwise.study.settling import Settle
from rungwise.study.study import Study
from rungwise.words import listed

EARLIEST = earliest(LEVEL)
"""No claim can be settled before so many seeds, but for numbers without noise."""
MOST_SEEDS = 60
ROUND_S = 2.0
"""Seconds that it takes to start workers, and to look."""
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def duration(text: str) -> float:
    """Seconds, from "90s", "30m", "2h" or "1h30m". ValueError where the text is no duration, or none above 0."""
    parts = _DURATION.findall(text.strip())
    whole = "".join(number + unit for number, unit in parts)
    seconds = math.fsum(float(number) * UNITS[unit] for number, unit in parts)
    if not parts or whole != re.sub(r"\s+", "", text) or not 0 < seconds < math.inf:
        raise ValueError(f"--budget should be a duration, as 90s, 30m, 2h or 1h30m; got {text!r}")
    return seconds


@dataclass(frozen=True)
class Aim:
    """A claim that is to be settled."""

    claim: Claim
    chapter: str
    needs: tuple[str, ...]
    """The chapters whose models it compares: each seed is run with all of their models, so that tables stay even."""


def aims(
    study: Study, known: Known, designs: Mapping[str, Design], asked: Sequence[str]
) -> tuple[list[Aim], list[str]]:
    """The claims that are to be settled, those of the ids `asked` or all, and why some cannot be."""
    claims = {claim.id: (chapter.name, claim) for chapter in study.chapters for claim in chapter.claims}
    if not claims:
        return [], ["the study declares no claims, so there is nothing to settle"]
    found: list[Aim] = []
    faults: list[str] = []
    alike: dict[str, list[str]] = {}
    for name in dict.fromkeys(asked or claims):
        if name not in claims:
            faults.append(f"--claims: no claim has the id {name!r}; {nearest(name, claims)}")
            continue
        chapter, claim = claims[name]
        if why := unsettleable(claim, chapter, known, designs):
            alike.setdefault(why, []).append(name)
        else:
            refs = (ref for each in claim.test for one in wanted(each, chapter, known) for ref in one.models)
            found.append(Aim(claim, chapter, tuple(dict.fromkeys(ref.chapter for ref in refs))))
    faults += [
        f"claim{'s' * (len(names) > 1)} {listed(names)} cannot be settled: {why}" for why, names in alike.items()
    ]
    if faults and found and not asked:
        faults.append(f"The others can be settled: --claims {','.join(aim.claim.id for aim in found)}")
    return found, faults


class Costs:
    """Seconds that a seed of each chapter takes, all its models together: by the records where there are some of a
    model, else by the plan."""

    def __init__(self, study: Study, rate: Callable[[str], float], workers: int) -> None:
        rows = plan(study.with_seeds(1), rate)
        self.each = [((row.chapter, row.label), row.time_s) for row in rows]
        self.workers, self.pace = workers, 1.0
        self.measured: dict[str, float] = {}
        """By a model's name."""

    def learn(self, records: Iterable[Record]) -> None:
        """Take the times of these records for those of their models."""
        found: dict[str, list[float]] = {}
        for record in records:
            found.setdefault(record.label, []).append(sum(record.timings.values()) + TRIAL_S)
        self.measured = {label: fmean(times) for label, times in found.items()}

    def correct(self, expected_s: float, took_s: float) -> None:
        """Take what a round took as a sign of what later ones will take."""
        if expected_s > 0:
            self.pace *= (took_s / expected_s) ** 0.5

    def seconds(self, seeds: Mapping[str, int]) -> float:
        """That a round with so many further seeds of some chapters takes."""
        times = [(self.measured.get(label, planned), seeds.get(name, 0)) for (name, label), planned in self.each]
        count = sum(number for _, number in times)
        total = sum(time_s * number for time_s, number in times)
        longest = max((time_s for time_s, number in times if number), default=0.0)
        return self.pace * (ROUND_S + max(longest, total / max(1, min(self.workers, count))))


def next_target(n: int) -> int:
    """How many seeds a claim needs for its next look."""
    return max(FIRST, n + 1)


@dataclass(frozen=True)
class Planned:
    """What is to be settled, in which study."""

    study: Study
    """With the seeds that the folder has, and what `settle` is to say in it."""
    aims: tuple[Aim, ...]
    budget_s: float | None
    resumed: bool
    """Whether seeds were added in the folder before."""

    @property
    def chapters(self) -> list[str]:
        """Those that the claims need."""
        return list(dict.fromkeys(name for aim in self.aims for name in aim.needs))


def plan_settling(
    study: Study,
    store: Store,
    known: Known,
    claims: Sequence[str],
    budget: str | float | None,
    most_seeds: int,
) -> Planned:
    """Raises UserError, with every reason in one message, where something cannot be had."""
    designs = {chapter.name: design_of(chapter.data) for chapter in study.chapters}
    found, faults = aims(study, known, designs, claims)
    budget_s = None
    try:
        budget_s = duration(budget) if isinstance(budget, str) else budget
    except ValueError as error:
        faults.append(str(error))
    if most_seeds < EARLIEST:
        faults.append(f"--most-seeds should be {EARLIEST} or more, for nothing is settled before; got {most_seeds}")
    if faults:
        raise UserError("\n".join(faults))
    held = held_seeds(store)
    return Planned(_begun(study, held, found), tuple(found), budget_s, held is not None and held.settle is not None)


def _begun(study: Study, held: Held | None, found: Sequence[Aim]) -> Study:
    """The study as it is when seeds begin to be added: with those that the folder has, if it has any."""
    seeds = {} if held is None else dict(held.seeds)
    settle = None if held is None else held.settle
    before = {chapter.name: seeds.get(chapter.name, 0) for chapter in study.chapters}
    if settle is not None:
        before |= settle.before
    needed = [name for aim in found for name in aim.needs]
    study = study.with_seeds_of(dict.fromkeys(needed, FIRST) | seeds)
    earlier = () if settle is None else settle.claims
    claims = tuple(dict.fromkeys((*earlier, *(aim.claim.id for aim in found))))
    return study.model_copy(update={"settle": Settle(claims=claims, before=before)}).with_own_settle()
