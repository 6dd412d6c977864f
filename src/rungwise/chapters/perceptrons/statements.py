"""The sentences of the chapter, computed from records."""

from collections.abc import Mapping, Sequence

import numpy as np

from rungwise.chapters.perceptrons.figures import SHOWN
from rungwise.chapters.perceptrons.results import LAST, Result
from rungwise.chapters.perceptrons.settings import Settings
from rungwise.chapters.sentences import told
from rungwise.evidence.bootstrap import bootstrap
from rungwise.findings import Statement


def statements(settings: Settings, done: list[Result]) -> tuple[Statement, ...]:
    if not done:
        return ()
    found = [*_convergence(settings, done)]
    easiest, hardest = (pick(done, key=lambda result: result.mean("test_accuracy")) for pick in (max, min))
    if len(done) > 1:
        found.append(
            Statement(
                text=f"The hardest pair is {hardest.name}, with a test accuracy of "
                f"{_told(hardest, 'test_accuracy')}; the easiest {easiest.name}, with "
                f"{_told(easiest, 'test_accuracy')}.",
                trials=(*hardest.ids, *easiest.ids),
            )
        )
    gaps = sorted(done, key=lambda result: -result.mean("gap"))
    above = [result for result in gaps if result.mean("gap") > settings.gap_threshold]
    found.append(
        Statement(
            text=f"The largest gap between training and test accuracy is {_told(gaps[0], 'gap')}, for "
            f"{gaps[0].name}: {'above' if above else 'not above'} the threshold of {settings.gap_threshold:g}"
            + (f", as for {len(above)} of {len(done)} pairs." if len(above) > 1 else "."),
            trials=tuple(trial for result in above or gaps[:1] for trial in result.ids),
        )
    )
    found += _unrest([result for result in done if result.unsettled])
    return tuple(found)


def _told(result: Result, key: str) -> str:
    found = result.estimate(key)
    assert found is not None
    return told(found)


def _median(by_result: Sequence[Mapping[int, float]]) -> str:
    """The median of all values, with its bootstrap interval over the seeds that all results have."""
    median = np.median([value for values in by_result for value in values.values()])
    seeds = sorted(set.intersection(*(set(values) for values in by_result)))
    found = bootstrap(np.array([[values[seed] for values in by_result] for seed in seeds]), np.median, resamples=1999)
    interval = f" (95% bootstrap interval over {len(seeds)} seeds {found[0]:.4f} to {found[1]:.4f})" if found else ""
    return f"{median:.4f}{interval}"


def _unrest(moving: list[Result]) -> list[Statement]:
    """How far the error still moved in the runs that never reached the tolerance."""
    if not moving:
        return []
    peak = max(moving, key=lambda result: result.most("late_peak"))
    restless = max(moving, key=lambda result: result.most("range"))
    ranges = [result.values("range") for result in moving]
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
            trials=tuple(trial for result in moving for trial in result.ids),
        ),
    ]


def _convergence(settings: Settings, done: list[Result]) -> list[Statement]:
    """Which pairs reached the tolerance in all their runs, in some, in none."""
    groups = {
        f"Converged, to a training error of at most {settings.tolerance:g}, in every run": [
            result for result in done if result.converged == len(result.records)
        ],
        f"Converged, to at most {settings.tolerance:g}, in some runs only": [
            result for result in done if 0 < result.converged < len(result.records)
        ],
        f"Not converged to {settings.tolerance:g} in any run of {settings.iterations:,} iterations": [
            result for result in done if result.converged == 0
        ],
    }
    found = []
    for says, group in groups.items():
        if not group:
            continue
        pairs = f"{len(group)} of {len(done)} pairs"
        names = ", ".join(result.name for result in group[:SHOWN]) + (", ..." if len(group) > SHOWN else "")
        found.append(
            Statement(text=f"{says}: {pairs} ({names}).", trials=tuple(t for result in group for t in result.ids))
        )
    return found
