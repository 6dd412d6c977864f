"""What the capacity chapter says: computed sentences on error, fitting, units, and the bound."""

import math
from collections.abc import Sequence
from statistics import fmean

from rungwise.chapters.capacity.results import HALF, Result, first_fitted, of_labels, slope
from rungwise.chapters.capacity.settings import Labels
from rungwise.chapters.sentences import compared, told, told_pairs
from rungwise.evidence.estimate import Estimate, paired_difference
from rungwise.findings import Statement
from rungwise.words import listed

KINDS: tuple[Labels, ...] = ("true", "random")


def statements(results: Sequence[Result]) -> tuple[Statement, ...]:
    found: list[Statement] = []
    for labels in KINDS:
        own = of_labels(results, labels)
        found += [*_fitted(own, labels), *(_error(own) if labels == "true" else ())]
    found += _epochs(results)
    for labels in KINDS:
        own = of_labels(results, labels)
        found += [*_units(own, labels), *_capacity(own, labels)]
    return (*found, *_random_above_true(results), *_vacuous(results))


def unfinished(results: Sequence[Result]) -> tuple[str, ...]:
    """A warning where trials were stopped at the limit of epochs: they have not fitted their images."""
    late = {result: count for result in results if (count := sum(not ended for ended in result.reached.values()))}
    if not late:
        return ()
    runs = sum(len(result.records) for result in results)
    names = "; ".join(f"{result.name}, {count} of {len(result.records)} runs" for result, count in late.items())
    return (
        f"{sum(late.values())} of {runs} trials did not reach the stopping criterion within the limit of epochs "
        f"({names}). Their epochs are that limit, their norms are those of nets still on the way, and where the margin "
        "is not above 0 there is no bound.",
    )


def _ids(results: Sequence[Result]) -> tuple[str, ...]:
    return tuple(trial for result in results for trial in result.ids)


# Error and fitting ---------------------------------------------------------------------------------------------


def _fitted(own: Sequence[Result], labels: Labels) -> list[Statement]:
    """Where training error first reaches 0."""
    if not own:
        return []
    first = first_fitted(own)
    if first is None:
        least = min(own, key=lambda result: result.mean("train_error"))
        text = (
            f"On {labels} labels, no width has a training error of 0 in every run; the lowest mean is "
            f"{least.mean('train_error'):.4f}, at h = {least.width:,}."
        )
    elif first is own[0]:
        text = f"On {labels} labels, training error is 0 in every run from the smallest width on, h = {first.width:,}."
    else:
        text = f"On {labels} labels, training error first is 0 in every run at h = {first.width:,}."
    again = [r for r in own if first and r.width > first.width and any(r.values("train_error").values())]
    if again:
        text += f" It is not 0 in every run again at h = {listed([f'{r.width:,}' for r in again])}."
    return [Statement(text=text, trials=_ids(own))]


def _error(own: Sequence[Result]) -> list[Statement]:
    """Whether test error falls with width, over all widths and beyond the first that interpolates."""
    first, found = first_fitted(own), []
    starts = {"the smallest width": own[0]} if own else {}
    if first is not None and first is not own[0]:
        starts["the first width that fits all training images"] = first
    for which, start in starts.items():
        end = own[-1]
        change = paired_difference(end.values("test_error"), start.values("test_error"))
        if start is end or change is None:
            continue
        first_mean, last_mean = _means_of_both(start, end, "test_error")
        sizes = f"{first_mean:.4f} at {which}, h = {start.width:,}, and {last_mean:.4f}"
        text = (
            f"On true labels, test error is {sizes} at the largest, h = {end.width:,}: "
            f"{compared(change, 'higher', 'lower', 'no change')} {told_pairs(change)}."
        )
        found.append(Statement(text=text, trials=_ids((start, end))))
    return found


def _epochs(results: Sequence[Result]) -> list[Statement]:
    """How many epochs more random labels take than true ones, at the ends of what both have run."""
    true, random = ({r.width: r for r in of_labels(results, labels)} for labels in KINDS)
    widths = sorted(true.keys() & random.keys())
    parts, pairs = [], [(true[width], random[width]) for width in widths]
    fitted = [pair for pair in pairs if all(all(result.reached.values()) for result in pair)]
    if not fitted:
        return []
    for a, b in dict.fromkeys((fitted[0], fitted[-1])):
        more = paired_difference(b.values("epochs"), a.values("epochs"))
        if more is not None:
            of_a, of_b = _means_of_both(a, b, "epochs")
            parts.append(f"{of_b:.0f} against {of_a:.0f} at h = {a.width:,}{_of(more)}")
    if not parts:
        return []
    text = (
        f"Both kinds of labels were fitted to the criterion in every run at {len(fitted)} of {len(pairs)} widths. "
        f"Epochs on random against true labels: {listed(parts)}."
    )
    return [Statement(text=text, trials=_ids([result for pair in fitted for result in pair]))]


def _means_of_both(a: Result, b: Result, key: str) -> tuple[float, float]:
    """The means of two results over the seeds that both have: their difference is that of the pairs."""
    values = [result.values(key) for result in (a, b)]
    seeds = values[0].keys() & values[1].keys()
    of_a, of_b = (fmean(each[seed] for seed in seeds) for each in values)
    return of_a, of_b


def _of(more: Estimate) -> str:
    """ " (+117; 95% interval ...)", after two numbers of epochs."""
    if more.interval is None:
        return f" ({more.mean:+.0f}, one run each)"
    low, high = more.interval
    return f" ({more.mean:+.0f}, paired by seed, n = {more.n}; 95% interval {low:+.0f} to {high:+.0f})"


# Units, measure and bound --------------------------------------------------------------------------------------


def _units(own: Sequence[Result], labels: Labels) -> list[Statement]:
    """The slopes of unit capacity and unit impact on log-log axes, against that of 1/sqrt(h).

    Over the widths whose runs all reached the criterion: what is compared is the cost of an equal fit.
    """
    found, own = [], [result for result in own if all(result.reached.values())]
    for key, name in (("unit_capacity", "unit capacity"), ("unit_impact", "unit impact")):
        fitted = slope(own, key)
        if fitted is None:
            continue
        text = (
            f"On {labels} labels, mean {name} goes with h to the power {told(fitted)}: {_against_root(fitted)} "
            f"(least squares on log-log axes over the widths fitted to the criterion in every run, h = "
            f"{own[0].width:,} to {own[-1].width:,})."
        )
        found.append(Statement(text=text, trials=_ids(own)))
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


def _capacity(own: Sequence[Result], labels: Labels) -> list[Statement]:
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
    return [Statement(text=f"On {labels} labels, {'; '.join(parts)}.", trials=_ids(own))] if parts else []


def _rounded(value: float) -> str:
    """Three significant digits, thousands separated."""
    return f"{float(f'{value:.3g}'):,.10g}"


def _random_above_true(results: Sequence[Result]) -> list[Statement]:
    """At how many widths the measure and the bound are larger for random labels than for true ones."""
    true, random = ({r.width: r for r in of_labels(results, labels)} for labels in KINDS)
    parts: list[str] = []
    used: dict[str, Result] = {}
    for key, name in (("measure", "measure"), ("bound", "bound")):
        pairs = {w: paired_difference(random[w].values(key), true[w].values(key)) for w in true.keys() & random.keys()}
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
    text = "; ".join(parts)
    return [Statement(text=f"{text[:1].upper()}{text[1:]}.", trials=_ids(list(used.values())))]


def _vacuous(results: Sequence[Result]) -> list[Statement]:
    """The least that any bound says of an error rate."""
    known = [result for result in results if result.values("bound")]
    if not known:
        return []
    least = min(known, key=lambda result: min(result.values("bound").values()))
    images = least.planned[0].data.size
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
