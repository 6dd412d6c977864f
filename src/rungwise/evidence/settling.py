"""The reason for the verdict of a claim that seeds were added for, in a sentence or two."""

from collections.abc import Sequence

from rungwise.evidence.judgement import Number, Verdict
from rungwise.evidence.looks import FIRST
from rungwise.words import counted

TEST = "e-value, valid at every look"


def why_settled(numbers: Sequence[Number], verdict: Verdict, n: int) -> str:
    """At how many seeds it was settled, or that it is open after n, and the number that shows it best."""
    seeds = counted(n, "seed")
    same = [number for number in numbers if number.verdict == verdict]
    if verdict == "not distinguishable":
        if n < FIRST:
            return f"It is open after {seeds}: the first look is at {FIRST}."
        told = _told(max(same, key=_p))
        open_ = f". {_share(same, numbers, 'is', 'are')} open. The most open" if len(numbers) > 1 else ""
        return f"It is open after {seeds}{open_}: {told}"
    says = {
        "supported": f". All {len(numbers)} numbers lie where it says. The closest call",
        "refuted": f". {_share(same, numbers, 'lies', 'lie')} elsewhere. The clearest",
        "not supported": f". {_share(same, numbers, 'shows', 'show')} no difference that matters. One",
    }
    shown = min(same, key=_p) if verdict == "refuted" else max(same, key=_p)
    return f"It was settled at {seeds}{says[verdict] if len(numbers) > 1 else ''}: {_told(shown)}"


def _p(number: Number) -> float:
    """Of a number without noise, 0: it is the least open."""
    return 0.0 if number.p is None else number.p


def _share(same: Sequence[Number], numbers: Sequence[Number], one: str, many: str) -> str:
    return f"{len(same)} of {len(numbers)} numbers {one if len(same) == 1 else many}"


def _told(number: Number) -> str:
    assert number.centre is not None  # it was settled by its values
    assert number.estimate is not None
    says = f"the median {number.says}" if number.median is not None else number.says
    about = f"n = {number.estimate.n}"
    if number.interval is not None:
        low, high = number.interval
        about = f"{low:.4g} to {high:.4g} at the 95% level at every look, {about}"
    return f"{says} is {number.centre:.4g} ({about}), claimed to lie {number.claimed}."
