"""The verdicts of claims that seeds were added for, from their looks."""

from collections.abc import Sequence

from rungwise.evidence.anytime import p_value
from rungwise.evidence.judgement import Judgement, Look, Number, Verdict
from rungwise.evidence.methodology import few_seeds
from rungwise.evidence.settling import TEST, why_settled
from rungwise.evidence.verdict import overall
from rungwise.judging.course import Course, Track


def settled(judgement: Judgement, found: Course) -> Judgement:
    """The verdict of a claim by its looks, from what was judged of the same seeds as if their number were fixed.

    Numbers that are not judged stay so.
    """
    tracks = found.until.tracks
    numbers = [_number(*both) for both in zip(judgement.numbers, tracks, strict=True)]
    verdict = overall([number.verdict for number in numbers])
    unjudged = verdict in ("not judged", "not run") or not numbers
    return judgement.model_copy(
        update={
            "verdict": verdict,
            "design": "settled",
            "why": judgement.why if unjudged else why_settled(numbers, verdict, found.n),
            "test": TEST if any(number.looks for number in numbers) else "",
            "n": found.n,
            "p": _p_of(verdict, numbers),
            "seeds_needed": None,
            "numbers": tuple(numbers),
            "warnings": tuple(each for each in judgement.warnings if each not in few_seeds(found.n)),
        }
    )


def _p_of(verdict: Verdict, numbers: Sequence[Number]) -> float | None:
    """Of the weakest number, where all must hold; where one is enough, of the strongest, times how many there are."""
    known = [number.p for number in numbers if number.p is not None]
    if verdict in ("not run", "not judged", "not supported") or not known:
        return None
    return min(1.0, len(known) * min(known)) if verdict == "refuted" else max(known)


def _number(number: Number, track: Track) -> Number:
    """A number with what its looks found; tests and intervals that hold for a fixed number of seeds alone go."""
    plain = {"seeds_needed": None, "p_holm": None, "p_wilcoxon": None}
    if number.estimate is None or track.asked.exact:
        return number.model_copy(update=plain)
    estimate = number.estimate.model_copy(update={"values": number.estimate.values[: track.n], "new": None})
    seen = tuple(
        Look(n=look.n, mean=look.estimate, interval=look.interval, e=look.e, verdict=look.verdict)
        for look in track.looks
    )
    last = seen[-1] if seen else None
    return number.model_copy(
        update=plain
        | {
            "verdict": number.verdict if number.verdict == "not judged" else track.verdict,
            "estimate": estimate.model_validate(estimate.model_dump()),
            "interval": last and last.interval,
            "median": last.mean if last and track.question.median else None,
            "p": p_value(look.e for look in seen) if seen else None,
            "effect": None,
            "mcnemar": tuple(test for test in number.mcnemar if test.seed < track.n),
            "looks": seen,
        }
    )
