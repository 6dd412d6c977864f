"""Claims that seeds are added for, through their looks: by the seeds 0, 1, 2, ... in that order and without a gap.

In which order machines finish plays no part, and a seed that failed or is missing ends what is looked at. A claim that
was settled once stays so, whatever seeds come after: its verdict rests on those until then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rungwise.evidence.claims import Claim
from rungwise.evidence.conditions import Known, Wanted, wanted
from rungwise.evidence.judgement import Verdict
from rungwise.evidence.looks import Look, Question, looks
from rungwise.evidence.measure import Answers
from rungwise.evidence.paired import LEVEL, ROUNDING
from rungwise.evidence.sample import Sample
from rungwise.evidence.verdict import overall, verdicts
from rungwise.judging.ledger import Ledger
from rungwise.judging.samples import slope_of


@dataclass(frozen=True)
class Track:
    """One number of a claim, through its looks."""

    asked: Wanted
    question: Question
    values: tuple[float, ...]
    """Of the seeds 0, 1, 2, ... that all models of the claim have."""

    @cached_property
    def looks(self) -> list[Look]:
        """Up to the one that settles it; none where the number is exact, for which one seed is enough."""
        if self.asked.exact:
            return []
        return looks(self.values, self.question)

    @property
    def verdict(self) -> Verdict:
        """By all of its looks."""
        if not self.values:
            return "not run"
        if self.asked.exact:
            return _exact(self.asked, self.values[0])
        return self.looks[-1].verdict if self.looks else "not distinguishable"

    @property
    def n(self) -> int:
        """The seeds at which it was settled, else all that there are."""
        if self.verdict in ("not distinguishable", "not run"):
            return len(self.values)
        return 1 if self.asked.exact else self.looks[-1].n


@dataclass(frozen=True)
class Course:
    """A claim that seeds are added for, as far as they go."""

    claim: Claim
    chapter: str
    tracks: tuple[Track, ...]

    @cached_property
    def settled(self) -> int | None:
        """The number of seeds at which it was settled: at the first number that speaks against it, or where all of them
        support it; None while it is open."""
        against = [track.n for track in self.tracks if track.verdict in ("refuted", "not supported")]
        if against:
            return min(against)
        supported = all(track.verdict == "supported" for track in self.tracks)
        return max(track.n for track in self.tracks) if supported and self.tracks else None

    @property
    def n(self) -> int:
        """The seeds that its verdict rests on."""
        if self.settled is not None:
            return self.settled
        return min((len(track.values) for track in self.tracks), default=0)

    @cached_property
    def until(self) -> "Course":
        """What was known when it was settled: later seeds change nothing."""
        tracks = tuple(Track(t.asked, t.question, t.values[: self.n]) for t in self.tracks)
        return Course(self.claim, self.chapter, tracks)

    @property
    def verdict(self) -> Verdict:
        return overall([track.verdict for track in self.until.tracks])


def course(claim: Claim, chapter: str, known: Known, ledger: Ledger) -> Course:
    """The looks at a claim of a chapter. Raises ConditionError where it speaks of what `known` has not.

    Each number supports it at the level 5%, since all must; against it each counts at 5% over the number of them that
    have noise, since one is enough.
    """
    asked = [each for condition in claim.test for each in wanted(condition, chapter, known)]
    noisy = max(1, sum(not each.exact for each in asked))
    n = ledger.prefix(asked) if asked else 0
    return Course(claim, chapter, tuple(_track(each, n, LEVEL / noisy, ledger) for each in asked))


def _track(asked: Wanted, n: int, against: float, ledger: Ledger) -> Track:
    question = Question(asked.low, asked.high, LEVEL, against, asked.matters, _step(asked, ledger), asked.median)
    values = [ledger[ref, asked] for ref in asked.models]
    return Track(asked, question, tuple(value_of([each[seed] for each in values]) for seed in range(n)))


def value_of(row: Sequence[float]) -> float:
    """One seed's number from its models' values; 0 where they differ by no more than 32 bits lose.

    It looks at this seed alone: a seed's number must not depend on later ones.
    """
    if len(row) > 1 and max(row) - min(row) <= ROUNDING * max(map(abs, row)):
        return 0.0
    return slope_of(row)


def _step(asked: Wanted, ledger: Ledger) -> float:
    """The resolution of a number that counts answers to single test images; 0: unknown.

    A mean over k tasks goes by 1 / (k images), and a slope by that over the sum of the squared arms of its contrast.
    How many images a precision counts depends on the seed, so that later seeds would change earlier looks: unknown.
    """
    steps = [_step_of(metric.answers, ledger.images(ref, asked, metric))
             for ref, metric in zip(asked.models, asked.about, strict=True)]  # fmt: skip
    if asked.exact or not steps or not all(steps):
        return 0.0
    arms = np.arange(len(steps)) - (len(steps) - 1) / 2
    return max(steps) / (float(arms @ arms) if len(steps) > 2 else 1.0)


def _step_of(answers: Answers | None, images: int | None) -> float:
    if answers is None or answers.statistic == "precision" or not images:
        return 0.0
    return 1 / (len(answers.tasks) * images)


def _exact(asked: Wanted, value: float) -> Verdict:
    """Of a number without noise."""
    difference = len(asked.models) > 1
    sample = Sample("", (value,), asked.low, asked.high, matters=asked.matters, difference=difference, exact=True)
    return verdicts([sample])[0]
