"""What the chapters share in telling their results."""

from collections.abc import Mapping, Sequence

from rungwise.evidence.estimate import Estimate
from rungwise.records.record import Record
from rungwise.trial import Trial


def present(trials: Sequence[Trial], records: Mapping[str, Record]) -> list[Record]:
    """The records of those trials that have finished, in the trials' order."""
    return [records[trial.id] for trial in trials if trial.id in records]


def seed_warnings(seeds: int, planned: int, done: int) -> tuple[str, ...]:
    """What a reader must know of the number of runs behind a chapter."""
    warnings = []
    if seeds == 1:
        warnings.append(
            "Every number here comes from one seed. Nothing can be said about noise: differences between rows may "
            "be chance. Run with --seeds 5 or more for intervals."
        )
    if done < planned:
        warnings.append(f"{planned - done} of {planned} trials have not finished; their rows are empty.")
    return tuple(warnings)


def told(estimate: Estimate, digits: int = 3) -> str:
    """An estimate in a sentence: mean, interval and n; the bare value where there is no interval."""
    mean = f"{estimate.mean:.{digits}f}"
    if estimate.interval is None:
        return mean
    low, high = estimate.interval
    return f"{mean} (95% interval {low:.{digits}f} to {high:.{digits}f}, n = {estimate.n})"
