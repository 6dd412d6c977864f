"""All claims of a study together: which of many hypotheses still fall where their errors are controlled in common."""

import math
from collections.abc import Sequence
from typing import Literal

from rungwise.evidence.paired import LEVEL, holm

Control = Literal["holm", "benjamini-hochberg", "e-benjamini-hochberg"]
"""What is kept at the level. holm: the probability of any false rejection (Holm 1979), whatever the dependence.
benjamini-hochberg: the expected share of false ones among the rejections (Benjamini and Hochberg 1995), where the p
are independent or positively dependent. e-benjamini-hochberg: the same from e-values, whatever the dependence (Wang
and Ramdas 2022)."""


def survives(values: Sequence[float], method: Control, *, level: float = LEVEL) -> tuple[bool, ...]:
    """Which of m hypotheses are rejected under control over all of them, in the order given.

    values: one p in [0, 1] each, or for "e-benjamini-hochberg" one e-value >= 0 each. Errors as for `adjusted`.
    """
    return tuple(p <= level for p in adjusted(values, method))


def adjusted(values: Sequence[float], method: Control) -> list[float]:
    """For each hypothesis the least level, in [0, 1], at which it is rejected, in the order given.

    values: as for `survives`. e-BH is Benjamini and Hochberg's procedure on 1/e. ValueError where a value is outside
    its range.
    """
    top, kind = (math.inf, "an e-value") if method == "e-benjamini-hochberg" else (1.0, "a p-value")
    wrong = [value for value in values if not 0 <= value <= top]
    if wrong:
        raise ValueError(f"{kind} lies between 0 and {top:g}; got {wrong[0]}")
    if method == "holm":
        return holm(values)
    return _step_up([1 / value if value else math.inf for value in values] if math.isinf(top) else values)


def _step_up(ps: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p: the least of m p(j) / j over j >= the rank, at most 1."""
    result, least = [0.0] * len(ps), 1.0
    for rank, index in sorted(enumerate(sorted(range(len(ps)), key=lambda i: ps[i]), 1), reverse=True):
        least = min(least, len(ps) * ps[index] / rank)
        result[index] = least
    return result
