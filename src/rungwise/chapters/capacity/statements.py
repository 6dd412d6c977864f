"""The sentences of the chapter on error and fitting, and what its reader must be warned of."""

from collections.abc import Sequence
from statistics import fmean

from rungwise.chapters.capacity.norm_statements import norm_statements
from rungwise.chapters.capacity.results import KINDS, CapacityResults, WidthResult, first_fitted, of_labels
from rungwise.chapters.capacity.settings import Labels
from rungwise.chapters.results import ids_of
from rungwise.chapters.sentences import compared, in_each, paired_in_words, seed_warnings
from rungwise.evidence.estimate import Estimate
from rungwise.findings import Statement
from rungwise.words import listed


def statements(results: CapacityResults) -> tuple[Statement, ...]:
    found: list[Statement] = []
    for labels in KINDS:
        own = of_labels(results, labels)
        found += [*_fitted(own, labels), *(_error(own) if labels == "true" else ())]
    return (*found, *_epochs(results), *norm_statements(results))


def _fitted(own: Sequence[WidthResult], labels: Labels) -> list[Statement]:
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
    return [Statement(text=text, trials=ids_of(own))]


def _error(own: Sequence[WidthResult]) -> list[Statement]:
    """Whether test error falls with width, over all widths and beyond the first that interpolates."""
    first, found = first_fitted(own), []
    starts = {"the smallest width": own[0]} if own else {}
    if first is not None and first is not own[0]:
        starts["the first width that fits all training images"] = first
    for which, start in starts.items():
        end = own[-1]
        change = end.lead(start, "test_error")
        if start is end or change is None:
            continue
        first_mean, last_mean = _means_of_both(start, end, "test_error")
        sizes = f"{first_mean:.4f} at {which}, h = {start.width:,}, and {last_mean:.4f}"
        text = (
            f"On true labels, test error is {sizes} at the largest, h = {end.width:,}: "
            f"{compared(change, 'higher', 'lower', 'no change')} {paired_in_words(change)}."
        )
        found.append(Statement(text=text, trials=ids_of((start, end))))
    return found


def _epochs(results: CapacityResults) -> list[Statement]:
    """How many epochs more random labels take than true ones, at the ends of what both have run."""
    true, random = ({r.width: r for r in of_labels(results, labels)} for labels in KINDS)
    widths = sorted(true.keys() & random.keys())
    parts, pairs = [], [(true[width], random[width]) for width in widths]
    fitted = [pair for pair in pairs if all(all(result.reached.values()) for result in pair)]
    if not fitted:
        return []
    for a, b in dict.fromkeys((fitted[0], fitted[-1])):
        more = b.lead(a, "epochs")
        if more is not None:
            of_a, of_b = _means_of_both(a, b, "epochs")
            parts.append(f"{of_b:.0f} against {of_a:.0f} at h = {a.width:,}{_difference_in_words(more)}")
    if not parts:
        return []
    text = (
        f"Both kinds of labels were fitted to the criterion in every run at {len(fitted)} of {len(pairs)} widths. "
        f"Epochs on random against true labels: {listed(parts)}."
    )
    return [Statement(text=text, trials=ids_of([result for pair in fitted for result in pair]))]


def _difference_in_words(more: Estimate) -> str:
    """ " (+117; 95% interval ...)", after two numbers of epochs."""
    if more.interval is None:
        return f" ({more.mean:+.0f}{in_each(more) or ', one run each'})"
    low, high = more.interval
    return f" ({more.mean:+.0f}, paired by seed, n = {more.n}; 95% interval {low:+.0f} to {high:+.0f})"


def _means_of_both(a: WidthResult, b: WidthResult, key: str) -> tuple[float, float]:
    """The means of two results over the seeds that both have: their difference is that of the pairs."""
    values = [result.values(key) for result in (a, b)]
    seeds = values[0].keys() & values[1].keys()
    of_a, of_b = (fmean(each[seed] for seed in seeds) for each in values)
    return of_a, of_b


def warnings(results: CapacityResults) -> tuple[str, ...]:
    return (*seed_warnings(results), *_unfinished(results))


def _unfinished(results: CapacityResults) -> tuple[str, ...]:
    """Where trials were stopped at the limit of epochs: they have not fitted their images."""
    late = {
        result: count for result in results.models if (count := sum(not ended for ended in result.reached.values()))
    }
    if not late:
        return ()
    names = "; ".join(f"{result.name}, {count} of {len(result.records)} runs" for result, count in late.items())
    return (
        f"{sum(late.values())} of {results.done} trials did not reach the stopping criterion within the limit of "
        f"epochs ({names}). Their epochs are that limit, their norms are those of nets still on the way, and where the "
        "margin is not above 0 there is no bound.",
    )
