"""Whether gains are more than noise: paired tests, and the sentences that report them."""

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import numpy as np
from scipy import stats

from rungwise.chapters.multitask.models import PlannedModel
from rungwise.chapters.multitask.results import Results
from rungwise.chapters.multitask.weights import weights_in_words
from rungwise.chapters.sentences import in_each
from rungwise.evidence.decide import line_of_seeds
from rungwise.evidence.estimate import Estimate
from rungwise.evidence.paired import holm, sign_p
from rungwise.findings import Statement
from rungwise.words import listed

LEVEL = 0.05
"""Of all tests of one question together."""


class GainTest(NamedTuple):
    model: PlannedModel
    gain: Estimate
    alone: float
    """Its p, if it were the only one tested."""
    p: float
    """Adjusted after Holm."""


def paired_tests(results: Results, models: Sequence[PlannedModel], on: PlannedModel) -> list[GainTest]:
    """The paired t-test of each model's gain on another, adjusted for their number; the best gain first.

    Where a gain does not vary there is no t: the sign test. Left out are models with fewer than two runs.
    """
    known = {m: results.gain_estimate(m.name, on.name) for m in models}
    gains = {m: gain for m, gain in known.items() if gain and gain.n > 1}
    ps = [_p(gain) for gain in gains.values()]
    found = [GainTest(m, gain, p, q) for (m, gain), p, q in zip(gains.items(), ps, holm(ps), strict=True)]
    return sorted(found, key=lambda test: -test.gain.mean)


def _p(gain: Estimate) -> float:
    test = line_of_seeds(gain.values, ratio=gain.ratio)
    if test is not None:
        return test.p(0.0)
    return 1.0 if gain.ratio else sign_p(gain.values, 0.0) or 1.0


def verdicts(results: Results) -> tuple[Statement, ...]:
    """Whether any adaptive method beats the tuned weights by more than noise; and equal ones, which need no tuning."""
    adaptive, ran = results.of("adaptive"), results.of("fixed")
    if not adaptive or results.tuned is None:
        return ()
    found, tuned, equal = [], results.tuned, results.equal
    if len(ran) > 1:
        after = f" To find the tuned weights took {len(ran)} runs for each seed; each adaptive method took one."
        found.append(
            _verdict(
                results, adaptive, tuned, f"the tuned weights ({weights_in_words(tuned.weights, results.tasks)})", after
            )
        )
    if equal and (equal is not tuned or len(ran) == 1):
        found.append(
            _verdict(results, adaptive, equal, f"equal weights ({weights_in_words(equal.weights, results.tasks)})", "")
        )
    return tuple(found)


def _verdict(results: Results, models: Sequence[PlannedModel], on: PlannedModel, name: str, after: str) -> Statement:
    question = f"Does any adaptive method beat {name} by more than noise?"
    family, trials = paired_tests(results, models, on), results.record_ids(*(m.name for m in models), on.name)
    if not family:
        return Statement(text=f"{question} One run each cannot tell.", trials=trials)
    better = [t for t in family if t.gain.mean > 0 and t.p < LEVEL]
    worse = [t for t in reversed(family) if t.gain.mean < 0 and t.p < LEVEL]
    best, others = family[0], len(family)
    how = f"(paired t-tests of the gain by seed, level {LEVEL:g} after Holm over {others})"
    if better:
        verb = "is" if len(better) == 1 else "are"
        text = f"{question} Yes: of {others}, {len(better)} {verb} more accurate {how}: {_each(better)}."
    else:
        text = (
            f"{question} No: of {others}, none is more accurate {how}. The best, {best.model.name}, has a gain of "
            f"{gain_in_words(best.gain)}, adjusted p = {best.p:.2g}."
        )
    if worse:
        text += f" {len(worse)} {'is' if len(worse) == 1 else 'are'} less accurate by more than noise: {_each(worse)}."
    if alone := [t for t in family if t.gain.mean > 0 and t.alone < LEVEL <= t.p]:
        each = listed([f"{t.model.name} ({t.gain.mean:+.2f}%, p = {t.alone:.2g})" for t in alone])
        text += f" Tested alone, without the correction, {each} would count as more accurate."
    text += (
        f" For half the methods, the best of {others} would need a gain above {_least(family):.2f}% to be told from "
        "noise."
        if others > 1
        else f" A gain above {_least(family):.2f}% would be told from noise."
    )
    return Statement(text=text + after, trials=trials)


def _least(family: Sequence[GainTest]) -> float:
    """The median over the family of the smallest mean gain that would pass Holm's first, strictest step, in percent."""
    errors = [float(np.std(t.gain.values, ddof=1)) / math.sqrt(t.gain.n) for t in family]
    wanted = [float(stats.t.isf(LEVEL / 2 / len(family), t.gain.n - 1)) for t in family]
    return median(error * t for error, t in zip(errors, wanted, strict=True))


def _each(family: Sequence[GainTest]) -> str:
    return listed([f"{t.model.name} ({t.gain.mean:+.2f}%, adjusted p = {t.p:.2g})" for t in family])


def gain_in_words(gain: Estimate) -> str:
    """ "+0.12% (95% interval -0.05% to +0.29%, n = 5)"."""
    if gain.interval is None:
        return f"{gain.mean:+.2f}%{in_each(gain)}"
    low, high = gain.interval
    return f"{gain.mean:+.2f}% (95% interval {low:+.2f}% to {high:+.2f}%, n = {gain.n})"
