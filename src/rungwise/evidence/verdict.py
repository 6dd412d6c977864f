"""From numbers to a verdict: where the 95% interval of what was measured lies, against where the claim says it lies."""

from collections.abc import Sequence

from rungwise.evidence.decide import Median
from rungwise.evidence.judgement import Number, Verdict
from rungwise.evidence.paired import LEVEL, effect, holm, wilcoxon_p
from rungwise.evidence.prospect import seeds_for
from rungwise.evidence.sample import Sample


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
    test, several = sample.test, len(sample.values) > 1 and not sample.exact
    by_seed = several and not sample.ratio
    return Number(
        says=sample.says,
        low=sample.low,
        high=sample.high,
        verdict=verdict,
        estimate=sample.estimate,
        holds_for=sample.holds_for,
        interval=test.interval if test is not None and several else None,
        median=test.centre if isinstance(test, Median) else None,
        p=_p(sample) if several else None,
        p_holm=p_holm if several and test is not None and not sample.contains(test.centre) else None,
        p_wilcoxon=wilcoxon_p(sample.tested, _bound(sample)) if by_seed else None,
        effect=effect(sample.tested) if by_seed and sample.difference else None,
        seeds_needed=_needed(sample) if verdict == "not distinguishable" else None,
    )


def _verdict(sample: Sample, p_against: float) -> Verdict:
    if not sample.values:
        return "not run"
    test = sample.test
    certain = len(sample.values) > 1 or sample.exact
    same = sample.difference and certain and not any(sample.tested) and not sample.contains(0.0)
    interval = None if test is None else test.interval
    if same or (interval and sample.matters and max(map(abs, interval)) < sample.matters):
        return "not supported"
    if test is None or interval is None:
        return "not distinguishable"
    if all(sample.contains(end) for end in interval):
        return "supported"
    outside = any(interval[0] > bound or interval[1] < bound for bound in sample.bounds)
    refuted = outside and not sample.contains(test.centre) and (sample.exact or p_against < LEVEL)
    return "refuted" if refuted else "not distinguishable"


def _bound(sample: Sample) -> float:
    """The bound that decides: the nearest to the centre."""
    centre = 0.0 if sample.test is None else sample.test.centre
    return min(sample.bounds, key=lambda bound: abs(bound - centre))


def _p(sample: Sample) -> float | None:
    """Two-sided, of the bound that decides; where it takes both, twice the p of two one-sided tests (Schuirmann 1987),
    which is the larger of the two-sided ones."""
    test = sample.test
    if test is None:
        return None
    if len(sample.bounds) == 2 and sample.contains(test.centre):
        return max((p for bound in sample.bounds if (p := test.p(bound)) is not None), default=None)
    return test.p(_bound(sample))


def _p_against(sample: Sample) -> float:
    """How well the values agree with the claim: 1 where their mean lies in its region, or nothing is known."""
    if len(sample.values) < 2 or sample.test is None or sample.contains(sample.test.centre):
        return 1.0
    p = _p(sample)
    return 1.0 if p is None else p


def _needed(sample: Sample) -> int | None:
    """Seeds in all that would settle it; more than there are, for what there is has not."""
    n = len(sample.values)
    needed = seeds_for(sample) if n > 1 else None
    return None if needed is None else max(needed, n + 1)
