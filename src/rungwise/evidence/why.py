"""A claim as a whole: its verdict from those of its numbers, and the reason in a sentence or two."""

from collections.abc import Sequence

from rungwise.evidence.claims import Claim
from rungwise.evidence.judgement import Judgement, Number, Verdict
from rungwise.evidence.power import MOST
from rungwise.evidence.verdict import overall


def judge_claim(claim: Claim, numbers: Sequence[Number], *, missing: str, test: str, unjudged: str = "") -> Judgement:
    """A claim with its verdict, and why. `missing`: what has no record, in words; `test`: the tests, in words;
    `unjudged`: why numbers were not judged."""
    verdict = overall([number.verdict for number in numbers])
    needed = [n.seeds_needed for n in numbers if n.verdict == "not distinguishable"]
    settled = None if verdict != "not distinguishable" or None in needed else max(filter(None, needed), default=None)
    return Judgement(
        id=claim.id,
        says=claim.says,
        note=claim.note,
        verdict=verdict,
        holds_for=next((number.holds_for for number in numbers if number.holds_for), None),
        why=unjudged if verdict == "not judged" else _why(verdict, numbers, missing, settled),
        test=test if verdict != "not run" else "",
        n=min((number.estimate.n if number.estimate else 0 for number in numbers), default=0),
        p=_p_of(verdict, numbers),
        seeds_needed=settled,
        numbers=tuple(numbers),
    )


def _p_of(verdict: Verdict, numbers: Sequence[Number]) -> float | None:
    """Of the verdict: that of its weakest number where all must hold, of its strongest where one decides; 1 where
    nothing was decided. None where nothing was tested."""
    known = [number.p for number in numbers if number.p is not None]
    if verdict in ("not run", "not judged", "not supported") or not known:
        return None
    if verdict == "supported":
        return max(known)
    against = [number.p if number.p_holm is None else number.p_holm for number in numbers if number.verdict == verdict]
    return min((p for p in against if p is not None), default=None) if verdict == "refuted" else 1.0


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
    says, centre = number.says, number.centre
    if centre is None or abs(centre) <= found.rounding:  # less than 32 bits hold: a sum of differences that cancel
        centre = 0.0
    if number.median is not None:
        says = f"the median {says}"
    width = 0.0 if number.interval is None else number.interval[1] - number.interval[0]
    if found.n > 1 and found.equal and width == 0:
        return f"{says} is {centre:.4g} in each of {found.n} seeds"
    if number.interval is None:
        return f"{says} is {centre:.4g} (n = {found.n})"
    low, high = number.interval
    what = "95% interval for new images" if number.holds_for == "new images" else "95% interval"
    return f"{says} is {centre:.4g} ({what} {low:.4g} to {high:.4g}, n = {found.n})"


def _seeds(number: Number, settled: int | None) -> str:
    """What would settle an open claim."""
    if number.estimate and number.estimate.n < 2:
        return " One seed tells nothing of its noise: run at least 3."
    if settled is not None:
        return f" About {settled} seeds would settle it, were mean and scatter as they are here."
    if number.holds_for == "new images":
        return " No number of seeds would settle it, were mean and scatter as they are here; more images would."
    return f" Not even {MOST:,} seeds would settle it, were mean and scatter as they are here."
