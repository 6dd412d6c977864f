"""The sentences of the chapter on what norms say: unit capacity and impact, the measure, and the bound."""

import math
from collections.abc import Sequence

from rungwise.chapters.capacity.results import HALF, KINDS, CapacityResults, WidthResult, of_labels, slope
from rungwise.chapters.capacity.settings import Labels
from rungwise.chapters.results import ids_of
from rungwise.chapters.sentences import capitalised, in_words
from rungwise.evidence.estimate import Estimate
from rungwise.findings import Statement


def norm_statements(results: CapacityResults) -> list[Statement]:
    found = []
    for labels in KINDS:
        own = of_labels(results, labels)
        found += [*_units(own, labels), *_capacity(own, labels)]
    return [*found, *_random_above_true(results), *_vacuous(results)]


def _units(own: Sequence[WidthResult], labels: Labels) -> list[Statement]:
    """The slopes of unit capacity and unit impact on log-log axes, against that of 1/sqrt(h).

    Over the widths whose runs all reached the criterion: what is compared is the cost of an equal fit.
    """
    found, own = [], [result for result in own if all(result.reached.values())]
    for key, name in (("unit_capacity", "unit capacity"), ("unit_impact", "unit impact")):
        fitted = slope(own, key)
        if fitted is None:
            continue
        text = (
            f"On {labels} labels, mean {name} goes with h to the power {in_words(fitted)}: {_against_root(fitted)} "
            f"(least squares on log-log axes over the widths fitted to the criterion in every run, h = "
            f"{own[0].width:,} to {own[-1].width:,})."
        )
        found.append(Statement(text=text, trials=ids_of(own)))
    return found


def _against_root(fitted: Estimate) -> str:
    root = f"1/√h, whose power is {HALF:g}"
    low, high = fitted.interval or (fitted.mean, fitted.mean)
    if low > 0:
        says = "it rises"
    elif high < HALF:
        says = f"it falls faster than {root}"
    elif low <= HALF:
        says = f"the interval contains {HALF:g}, the power of 1/√h"
    else:
        says = f"it falls more slowly than {root}" if high < 0 else f"it falls more slowly than {root}, if at all"
    return says if fitted.interval else f"in one run, {says}"


def _capacity(own: Sequence[WidthResult], labels: Labels) -> list[Statement]:
    """How the measure and the bound change from the smallest to the largest width, and where they are least."""
    parts = []
    for key, name in (("measure", "the measure"), ("bound", "the bound")):
        known = [result for result in own if len(result.values(key)) == len(result.records)]  # in every run
        if len(known) < 2:
            continue
        start, end, least = known[0], known[-1], min(known, key=lambda result: result.mean(key))
        times = end.mean(key) / start.mean(key)
        parts.append(
            f"{name} is {_rounded(start.mean(key))} at h = {start.width:,} and {_rounded(end.mean(key))} at h = "
            f"{end.width:,}, {times:.2f} times as much, and least at h = {least.width:,}"
        )
    return [Statement(text=f"On {labels} labels, {'; '.join(parts)}.", trials=ids_of(own))] if parts else []


def _random_above_true(results: CapacityResults) -> list[Statement]:
    """At how many widths the measure and the bound are larger for random labels than for true ones."""
    true, random = ({r.width: r for r in of_labels(results, labels)} for labels in KINDS)
    parts: list[str] = []
    used: dict[str, WidthResult] = {}
    for key, name in (("measure", "measure"), ("bound", "bound")):
        pairs = {w: random[w].lead(true[w], key) for w in true.keys() & random.keys()}
        known = {width: more for width, more in pairs.items() if more is not None}
        if known:
            above = sum(more.mean > 0 for more in known.values())
            sure = sum(more.interval is not None and more.interval[0] > 0 for more in known.values())
            parts.append(
                f"the mean {name} is larger on random than on true labels at {above} of {len(known)} widths, and its "
                f"95% interval of the paired difference above 0 at {sure}"
            )
            used |= {result.name: result for width in known for result in (true[width], random[width])}
    if not parts:
        return []
    return [Statement(text=f"{capitalised('; '.join(parts))}.", trials=ids_of(list(used.values())))]


def _vacuous(results: CapacityResults) -> list[Statement]:
    """The least that any bound says of an error rate."""
    known = [result for result in results.models if result.values("bound")]
    if not known:
        return []
    least = min(known, key=lambda result: min(result.values("bound").values()))
    images = least.trial.data.size
    root = math.sqrt(min(least.values("bound").values()) / images)
    says = (
        "more than any error rate can be. It guarantees nothing here; what speaks for it is how it changes with h "
        "and with the labels"
        if root > 1
        else "less than 1, so it says something of the test error itself"
    )
    text = (
        f"The smallest bound of all runs, one of {least.name}, allows a test error of √(C/m) = {_rounded(root)}: "
        f"{says}."
    )
    return [Statement(text=text, trials=least.ids)]


def _rounded(value: float) -> str:
    """Three significant digits, thousands separated."""
    return f"{float(f'{value:.3g}'):,.10g}"
