"""From numbers to a verdict: where the 95% interval of what was measured lies, against where the claim says it lies."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rungwise.evidence.claims import Claim
from rungwise.evidence.estimate import estimate
from rungwise.evidence.judgement import LEVEL, Judgement, Number, Verdict
from rungwise.evidence.paired import effect, equal, holm, sign_p, t_p, tost_p, wilcoxon_p
from rungwise.evidence.power import MOST, seeds_needed


@dataclass(frozen=True)
class Sample:
    """Values of one quantity, one per seed, and the region in which a claim says that it lies."""

    says: str
    values: tuple[float, ...]
    low: float | None = None
    high: float | None = None
    """One of the two bounds may be absent."""
    matters: float = 0
    """Of a difference, the smallest that matters; 0: any does."""
    difference: bool = False
    """Whether 0 means that two models are equal."""
    exact: bool = False
    """Without noise: one seed is enough."""

    @property
    def bounds(self) -> tuple[float, ...]:
        return tuple(bound for bound in (self.low, self.high) if bound is not None)


def judge_numbers(samples: Sequence[Sample]) -> list[Number]:
    """The numbers of one claim, each with its verdict."""
    against = holm([_p_against(sample) for sample in samples])
    judged = zip(samples, verdicts(samples), against, strict=True)
    return [_number(sample, verdict, p if len(samples) > 1 else None) for sample, verdict, p in judged]


def verdicts(samples: Sequence[Sample]) -> list[Verdict]:
    """The verdict of each number of one claim.

    A number is refuted only where Holm's correction over the claim's numbers leaves its p below `LEVEL`: any one of
    them can refute the claim, so that without it a claim of many numbers would be refuted by chance.
    """
    against = holm([_p_against(sample) for sample in samples])
    return [_verdict(sample, p) for sample, p in zip(samples, against, strict=True)]


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict of a claim from those of its numbers: it is supported where every one of them is.

    Any number that is refuted refutes it, whatever the others are.
    """
    order: tuple[Verdict, ...] = ("refuted", "not supported", "not judged", "not run", "not distinguishable")
    return next((each for each in order if each in verdicts), "supported") if verdicts else "not run"


def _number(sample: Sample, verdict: Verdict, p_holm: float | None) -> Number:
    values, several = sample.values, len(sample.values) > 1 and not sample.exact
    bound = _bound(sample)
    against = several and not _inside(sample, _mean(values))
    return Number(
        says=sample.says,
        low=sample.low,
        high=sample.high,
        verdict=verdict,
        estimate=estimate(values),
        p=_p(sample) if several else None,
        p_holm=p_holm if against else None,
        p_wilcoxon=wilcoxon_p(values, bound) if several else None,
        effect=effect(values) if several and sample.difference else None,
        seeds_needed=_needed(sample) if verdict == "not distinguishable" else None,
    )


def _verdict(sample: Sample, p_against: float) -> Verdict:
    if not sample.values:
        return "not run"
    values = sample.values
    certain = len(values) > 1 or sample.exact
    same = sample.difference and certain and not any(values) and not _inside(sample, 0.0)
    interval = _interval(sample)
    if same or (interval and sample.matters and max(map(abs, interval)) < sample.matters):
        return "not supported"
    if interval is None:
        return "not distinguishable"
    if all(_inside(sample, end) for end in interval):
        return "supported"
    outside = any(interval[0] > bound or interval[1] < bound for bound in sample.bounds)
    refuted = outside and not _inside(sample, _mean(values)) and (sample.exact or p_against < LEVEL)
    return "refuted" if refuted else "not distinguishable"


def _inside(sample: Sample, value: float) -> bool:
    """Whether a value lies in the region; the ends of a region with two bounds belong to it."""
    if sample.low is not None and sample.high is not None:
        return sample.low <= value <= sample.high
    return value > sample.low if sample.low is not None else value < (sample.high or 0.0)


def _interval(sample: Sample) -> tuple[float, float] | None:
    """The 95% interval that the verdict goes by; None where the values allow none.

    Equal values have no scatter to judge by, and a t-interval of no width would claim too much: the sign test then
    decides, which needs six of them.
    """
    found = estimate(sample.values)
    assert found is not None
    if sample.exact or (_equal(sample.values) and found.n > 1 and 2.0 ** (1 - found.n) < LEVEL):
        return found.mean, found.mean
    return None if _equal(sample.values) else found.interval


def _equal(values: Sequence[float]) -> bool:
    """Whether the values agree as far as a test can tell."""
    return len(values) == 1 or equal(values)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _bound(sample: Sample) -> float:
    """The bound that decides: the nearest to the mean."""
    mean = _mean(sample.values) if sample.values else 0.0
    return min(sample.bounds, key=lambda bound: abs(bound - mean))


def _p(sample: Sample) -> float | None:
    """Two-sided, of the bound that decides; twice the p of two one-sided tests where it takes both bounds."""
    if len(sample.bounds) == 2 and not _equal(sample.values) and _inside(sample, _mean(sample.values)):
        p = tost_p(sample.values, *sample.bounds)
        return None if p is None else min(1.0, 2 * p)
    test = sign_p if _equal(sample.values) else t_p
    return test(sample.values, _bound(sample))


def _p_against(sample: Sample) -> float:
    """How well the values agree with the claim: 1 where their mean lies in its region, or nothing is known."""
    if len(sample.values) < 2 or _inside(sample, _mean(sample.values)):
        return 1.0
    p = _p(sample)
    return 1.0 if p is None else p


def _needed(sample: Sample) -> int | None:
    """Seeds in all that would settle it; more than there are, for what there is has not."""
    n = len(sample.values)
    if n < 2:
        return None
    if _equal(sample.values):
        return None if sample.values[0] in sample.bounds else math.ceil(1 - math.log2(LEVEL))
    needed = seeds_needed(
        _mean(sample.values), statistics.stdev(sample.values), sample.low, sample.high, sample.matters
    )
    return None if needed is None else max(needed, n + 1)


# The claim as a whole -------------------------------------------------------------------------------------------


def judge_claim(claim: Claim, numbers: Sequence[Number], *, missing: str, test: str, mixed: str = "") -> Judgement:
    """A claim with its verdict, and why. `missing`: what has no record, in words; `test`: the tests, in words;
    `mixed`: why numbers were not judged."""
    verdict = overall([number.verdict for number in numbers])
    needed = [n.seeds_needed for n in numbers if n.verdict == "not distinguishable"]
    settled = None if verdict != "not distinguishable" or None in needed else max(filter(None, needed), default=None)
    return Judgement(
        id=claim.id,
        says=claim.says,
        note=claim.note,
        verdict=verdict,
        why=mixed if verdict == "not judged" else _why(verdict, numbers, missing, settled),
        test=test if verdict != "not run" else "",
        n=min((number.estimate.n if number.estimate else 0 for number in numbers), default=0),
        seeds_needed=settled,
        numbers=tuple(numbers),
    )


def _why(verdict: Verdict, numbers: Sequence[Number], missing: str, settled: int | None) -> str:
    """The reason in a sentence or two: what decided, and the number that shows it best."""
    if not numbers:
        return "It is declared without a condition on recorded numbers, so nothing tests it."
    if verdict == "not run":
        ran = [number for number in numbers if number.verdict != "not run"]
        held = sum(number.verdict == "supported" for number in ran)
        so_far = f" Of the {len(ran)} numbers that have run, {held} lie where it says." if len(ran) > 1 else ""
        return f"It needs what has no record: {missing or 'seeds in common'}.{so_far}"
    same = [number for number in numbers if number.verdict == verdict]
    sign = -1 if verdict == "refuted" else 1  # the clearest where it is refuted, else the closest call
    shown = max(same, key=lambda number: sign * (number.p or 0.0))
    told = f"{_told(shown)}, claimed to lie {shown.claimed}."
    if len(numbers) == 1:
        return f"{told}{_seeds(shown, settled) if verdict == 'not distinguishable' else ''}"
    share = f"{len(same)} of {len(numbers)} numbers"
    return {
        "supported": f"All {len(numbers)} numbers lie where it says. The closest call: {told}",
        "refuted": f"{share} {'lies' if len(same) == 1 else 'lie'} elsewhere. The clearest: {told}",
        "not supported": f"{share} {'shows' if len(same) == 1 else 'show'} no difference that matters. One: {told}",
        "not distinguishable": f"{share} {'is' if len(same) == 1 else 'are'} open. The most open: {told}"
        f"{_seeds(shown, settled)}",
    }[verdict]


def _told(number: Number) -> str:
    found = number.estimate
    assert found is not None
    if found.interval is None:
        return f"{number.says} is {found.mean:.4g} (n = {found.n})"
    if _equal(found.values):
        return f"{number.says} is {found.mean:.4g} in each of {found.n} seeds"
    low, high = found.interval
    return f"{number.says} is {found.mean:.4g} (95% interval {low:.4g} to {high:.4g}, n = {found.n})"


def _seeds(number: Number, settled: int | None) -> str:
    """What would settle an open claim."""
    if number.estimate and number.estimate.n < 2:
        return " One seed tells nothing of its noise: run at least 3."
    if settled is not None:
        return f" About {settled} seeds would settle it, were mean and scatter as they are here."
    return f" Not even {MOST:,} seeds would settle it, were mean and scatter as they are here."
