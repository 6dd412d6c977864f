"""The sentences of the chapter, computed from records."""

from collections.abc import Mapping, Sequence

import numpy as np

from rungwise.chapters.perceptrons.results import LAST, SHOWN, PairResult, PerceptronResults
from rungwise.chapters.perceptrons.settings import Settings
from rungwise.chapters.results import ids_of
from rungwise.chapters.sentences import in_words
from rungwise.evidence.bootstrap import bootstrap
from rungwise.findings import Statement


def statements(results: PerceptronResults) -> tuple[Statement, ...]:
    settings, ran = results.settings, results.ran
    if not ran:
        return ()
    return (
        *_convergence(settings, ran),
        *_extremes(ran),
        _gap(settings, ran),
        *_unrest([pair for pair in ran if pair.unsettled]),
    )


def _convergence(settings: Settings, ran: Sequence[PairResult]) -> list[Statement]:
    """Which pairs reached the tolerance in all their runs, in some, in none."""
    groups = {
        f"Converged, to a training error of at most {settings.tolerance:g}, in every run": [
            pair for pair in ran if pair.converged == len(pair.records)
        ],
        f"Converged, to at most {settings.tolerance:g}, in some runs only": [
            pair for pair in ran if 0 < pair.converged < len(pair.records)
        ],
        f"Not converged to {settings.tolerance:g} in any run of {settings.iterations:,} iterations": [
            pair for pair in ran if pair.converged == 0
        ],
    }
    found = []
    for says, group in groups.items():
        if not group:
            continue
        pairs = f"{len(group):,} of {len(ran):,} pairs"
        names = ", ".join(pair.name for pair in group[:SHOWN]) + (", ..." if len(group) > SHOWN else "")
        which = names if len(ran) == 1 else f"{pairs} ({names})"
        found.append(Statement(text=f"{says}: {which}.", trials=ids_of(group)))
    return found


def _extremes(ran: Sequence[PairResult]) -> list[Statement]:
    """The pairs with the lowest and with the highest test accuracy."""
    if len(ran) < 2:
        return []
    easiest, hardest = (pick(ran, key=lambda pair: pair.mean("test_accuracy")) for pick in (max, min))
    text = (
        f"The hardest pair is {hardest.name}, with a test accuracy of {in_words(hardest.known('test_accuracy'))}; the "
        f"easiest {easiest.name}, with {in_words(easiest.known('test_accuracy'))}."
    )
    return [Statement(text=text, trials=(*hardest.ids, *easiest.ids))]


def _gap(settings: Settings, ran: Sequence[PairResult]) -> Statement:
    """The largest gap between training and test accuracy, and how many are above the threshold."""
    gaps = sorted(ran, key=lambda pair: -pair.mean("gap"))
    above = [pair for pair in gaps if pair.mean("gap") > settings.gap_threshold]
    text = (
        f"The largest gap between training and test accuracy is {in_words(gaps[0].known('gap'))}, for "
        f"{gaps[0].name}: {'above' if above else 'not above'} the threshold of {settings.gap_threshold:g}"
        + (f", as for {len(above):,} of {len(ran):,} pairs." if len(above) > 1 else ".")
    )
    return Statement(text=text, trials=ids_of(above or gaps[:1]))


def _unrest(moving: Sequence[PairResult]) -> list[Statement]:
    """How far the error still moved in the runs that never reached the tolerance."""
    if not moving:
        return []
    peak = max(moving, key=lambda pair: pair.most("late_peak"))
    restless = max(moving, key=lambda pair: pair.most("range"))
    ranges = [pair.values("range") for pair in moving]
    return [
        Statement(
            text=f"In the second half of a run the training error still rose to {peak.most('late_peak'):.3f} "
            f"at worst ({peak.name}): a run that had stopped there would have ended with that error.",
            trials=peak.ids,
        ),
        Statement(
            text=f"Where the tolerance is not reached, the last iterate moves: over the last {LAST} iterations of one "
            f"run the training error of {restless.name} ranged over {restless.most('range'):.3f}, the largest "
            f"range of all; the median over those pairs and seeds is {_median(ranges)}.",
            trials=ids_of(moving),
        ),
    ]


def _median(by_pair: Sequence[Mapping[int, float]]) -> str:
    """The median of all values, with its bootstrap interval over the seeds that all pairs have."""
    median = np.median([value for values in by_pair for value in values.values()])
    seeds = sorted(set.intersection(*(set(values) for values in by_pair)))
    found = bootstrap(np.array([[values[seed] for values in by_pair] for seed in seeds]), np.median, resamples=1999)
    interval = f" (95% bootstrap interval over {len(seeds)} seeds {found[0]:.4f} to {found[1]:.4f})" if found else ""
    return f"{median:.4f}{interval}"
