"""What is said of each number: worse, better or the same within noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from rungwise.comparison.numbers import Pair
from rungwise.errors import UserError
from rungwise.evidence.decide import line_of_seeds
from rungwise.evidence.estimate import Estimate
from rungwise.evidence.measure import scale_of
from rungwise.evidence.paired import LEVEL, McNemar, holm, mcnemar_p, sign_p
from rungwise.settings import PlainData

NumberOutcome = Literal[
    "worse", "better", "differs", "within margin", "too few seeds", "same within noise", "identical"
]
OUTCOMES: tuple[NumberOutcome, ...] = (
    "worse",
    "better",
    "differs",
    "within margin",
    "too few seeds",
    "same within noise",
    "identical",
)
"""The most important first."""


@dataclass(frozen=True)
class Options:
    """What to compare, and what counts. UserError where the margin is no number from 0 up."""

    metrics: tuple[str, ...] = ()
    """Only these; all where there are none."""
    margin: float = 0.0
    """A loss that is not certainly larger is not called worse; in the metric's own unit."""
    times: bool = False
    """Whether wall-clock times decide too."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.margin) and self.margin >= 0):
            raise UserError(f"a margin is a number from 0 up, in the metric's unit, as 0.002; got {self.margin}")


class ComparedNumber(PlainData):
    """One number of both runs, and what came of it."""

    chapter: str
    model: str
    metric: str
    says: str
    """What the metric is."""
    better: Literal["higher", "lower"] | None
    exact: bool
    timing: bool
    of_class: bool = Field(False, exclude_if=lambda of_class: not of_class)
    """Whether it is about a single class of the data."""
    decides: bool
    """Whether the exit code depends on it."""
    outcome: NumberOutcome
    seeds: tuple[int, ...]
    """Those that both runs have; the values below are in their order."""
    base: Estimate
    other: Estimate
    difference: Estimate
    """other - base, by seed."""
    test: Literal["paired t", "sign", "McNemar", ""]
    p: float | None
    """Two-sided, of no difference; None where nothing was tested."""
    p_holm: float | None
    """Corrected over the numbers that decide; for one that doesn't, over all that don't, those of single classes by
    themselves."""
    p_margin: float | None
    """Of a loss no larger than the margin, corrected; None where there is no margin, or the number doesn't decide."""
    mcnemar: McNemar | None
    base_trials: tuple[str, ...]
    other_trials: tuple[str, ...]

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the difference, 95%; None where there is no scatter to make one of, which a width of 0 would hide."""
        return self.difference.interval if self.test == "paired t" else None


def judge(pairs: Sequence[Pair], options: Options) -> list[ComparedNumber]:
    """A row per pair, in their order. Numbers that decide and numbers that don't are two families of tests, and numbers
    of single classes, which don't, a third: there may be hundreds of them."""
    rows: dict[int, ComparedNumber] = {}
    kinds = [(decides(pair, options), pair.about.of_class) for pair in pairs]
    families = [(decide, of_class and not decide) for decide, of_class in kinds]
    for family in dict.fromkeys(families):
        indices = [i for i, own in enumerate(families) if own == family]
        rows |= zip(indices, _family([pairs[i] for i in indices], family[0], options.margin), strict=True)
    return [rows[i] for i in range(len(pairs))]


def listed(rows: Sequence[ComparedNumber]) -> list[ComparedNumber]:
    """Without the numbers of single classes that neither decide nor changed beyond noise."""
    return [row for row in rows if row.decides or not row.of_class or row.outcome in ("worse", "better")]


def decides(pair: Pair, options: Options) -> bool:
    """Whether a loss in this number counts: one way is better, it has noise, and it isn't left to the clock. A number
    of a single class counts where it is asked for by name."""
    about = pair.about
    if about.of_class and pair.metric not in options.metrics:
        return False
    return about.better is not None and not about.exact and (options.times or not about.timing)


def _family(pairs: Sequence[Pair], decide: bool, margin: float) -> list[ComparedNumber]:
    plain = [_p(pair, 0.0) for pair in pairs]
    corrected = _corrected(plain)
    beyond = _corrected([_p_beyond(pair, p, margin) for pair, p in zip(pairs, plain, strict=True)])
    if not (decide and margin):
        beyond = corrected
    return [
        ComparedNumber(
            chapter=pair.chapter,
            model=pair.model,
            metric=pair.metric,
            says=pair.about.says,
            better=pair.about.better,
            exact=pair.about.exact,
            timing=pair.about.timing,
            of_class=pair.about.of_class,
            decides=decide,
            outcome=_outcome(pair, p_holm, p_margin),
            seeds=pair.seeds,
            base=_estimate(pair, pair.base),
            other=_estimate(pair, pair.other),
            difference=pair.difference,
            test=_test(pair) if p is not None else "",
            p=p,
            p_holm=p_holm,
            p_margin=p_margin if decide and margin else None,
            mcnemar=pair.nets.mcnemar if pair.nets else None,
            base_trials=pair.base_trials,
            other_trials=pair.other_trials,
        )
        for pair, p, p_holm, p_margin in zip(pairs, plain, corrected, beyond, strict=True)
    ]


def _estimate(pair: Pair, values: tuple[float, ...]) -> Estimate:
    about = pair.about
    scale = "plain" if about.exact else scale_of(pair.metric, about)
    return Estimate(values=values, scale=scale, most=about.most or 1.0, ratio=pair.own_ratio)


def _outcome(pair: Pair, p: float | None, p_beyond: float | None) -> NumberOutcome:
    """`p`: of no difference; `p_beyond`: of a loss within the margin; both corrected."""
    if pair.identical:
        return "identical"
    if pair.about.exact:
        return "differs"
    if p is None or p_beyond is None:
        return "too few seeds"
    if pair.about.better is None:
        return "differs" if p < LEVEL else "same within noise"
    if pair.gain < 0 and p_beyond < LEVEL:
        return "worse"
    if p >= LEVEL:
        return "same within noise"
    return "better" if pair.gain > 0 else "within margin"


# Tests ----------------------------------------------------------------------------------------------------------


def _test(pair: Pair) -> Literal["paired t", "sign", "McNemar"]:
    if len(pair.seeds) == 1:
        return "McNemar"
    return "sign" if pair.steady else "paired t"


def _p(pair: Pair, bound: float) -> float | None:
    """Two-sided p that the difference is `bound`; None where nothing can be tested, or there is no noise.

    Where every seed differs by the same amount the sign test takes the t-test's place, whose p would be 0: of two
    seeds on 449 test images, one pair in ten differs so. It takes seeds to be independent, which those that split one
    pool of images are not: then nothing can be said.
    """
    if pair.identical or pair.about.exact:
        return None
    if len(pair.seeds) == 1:
        return _p_nets(pair, abs(bound))
    test = None if pair.steady else line_of_seeds(pair.differences, ratio=pair.own_ratio)
    if test is not None:
        return test.p(bound)
    return 1.0 if pair.own_ratio else sign_p(pair.differences, bound)


def _p_nets(pair: Pair, margin: float) -> float | None:
    """McNemar's p, with the images of the margin forgiven: half of them (rounded up) change sides, so that the
    number of images on which the nets differ, and with it the variance, stays."""
    if pair.nets is None:
        return None
    more, less = sorted((pair.nets.mcnemar.first_only, pair.nets.mcnemar.second_only), reverse=True)
    moved = math.ceil(margin * pair.nets.images / 2 - 1e-9)
    return mcnemar_p(more - moved, less + moved) if more - moved > less + moved else 1.0


def _p_beyond(pair: Pair, p: float | None, margin: float) -> float | None:
    """The p of a loss within the margin: 1 where what was seen is one, that of no difference for a gain."""
    if p is None or not pair.gain < 0:
        return p
    return _p(pair, margin if pair.about.better == "lower" else -margin) if pair.gain < -margin else 1.0


def _corrected(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's correction over those that are there."""
    corrected = iter(holm([p for p in ps if p is not None]))
    return [None if p is None else next(corrected) for p in ps]
