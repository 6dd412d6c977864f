"""What a reader must know before trusting a number, computed from the records that it rests on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rungwise.evidence.collapse import Collapses
from rungwise.evidence.paired import LEVEL, wilcoxon_floor
from rungwise.records.record import Record
from rungwise.words import counted, listed

ENOUGH = 5
"""Seeds below which an interval is wide and its coverage rests on the normality of the noise."""
STEADY_EPOCHS = 3
"""The fewest epochs whose second half has a change from one epoch to the next."""
SLACK = 0.05
"""The share of the processors that a quiet system takes by itself."""
UNEVEN = 1.25
"""The longest over the shortest time of one model's seeds, above which timings say more of the machine."""


def few_seeds(n: int, *, ranked: bool = True) -> tuple[str, ...]:
    """Where n seeds are few, and where Wilcoxon's test, if it was made (`ranked`), cannot reach significance whatever
    the numbers."""
    floor = _floor(n) if ranked else ()
    if 0 < n < ENOUGH:
        few = f"It rests on {counted(n, 'seed')}; {ENOUGH} or more make an interval worth reading."
        return (few, *floor)
    return floor


def _floor(n: int) -> tuple[str, ...]:
    floor = wilcoxon_floor(n)
    if n < 2 or floor <= LEVEL:
        return ()
    return (f"With {n} seeds, Wilcoxon's test cannot go below p = {floor:.4f}, whatever the numbers.",)


def unequal(groups: Mapping[str, Sequence[Record]]) -> tuple[str, ...]:
    """Where models that are compared saw other data or another budget. `groups`: records by model."""
    data = {name: _of(records, _data) for name, records in groups.items()}
    budget = {name: _of(records, _budget) for name, records in groups.items()}
    found = []
    for what, by_model in (("training data", data), ("budgets", budget)):
        if len(set(filter(None, by_model.values()))) > 1:
            told = "; ".join(f"{', '.join(names)}: {value}" for value, names in _inverse(by_model).items())
            found.append(f"The models compared had different {what}: {told}.")
    return tuple(found)


def oscillating(differences: Iterable[tuple[str, Mapping[str, Sequence[Record]], float]]) -> tuple[str, ...]:
    """Where the last iterate still moves by as much as a difference that is told of it; the worst case is told.

    `differences`: (the metric, whose history has one value per epoch; the records by model; the difference).
    """
    found = []
    for curve, groups, difference in differences:
        for name, records in groups.items():
            move = _last_moves(records, curve)
            if move > abs(difference):
                found.append((move, name, curve, abs(difference)))
    if not found:
        return ()
    move, name, curve, difference = max(found)
    return (
        f"The last iterate oscillates: over the second half of training {curve} of {name} moves by {move:.4f} from "
        f"epoch to epoch, more than a difference of {difference:.4f}, which an epoch more or less might turn.",
    )


def collapsed(found: Mapping[str, Collapses]) -> tuple[str, ...]:
    """Where seeds lie far from the others: the interval of a mean knows such seeds badly. `found`: by model."""
    return tuple(
        f"{name} collapsed in {listed([f'seed {seed}' for seed in one.far])} of {one.n}: the other seeds lie from "
        f"{one.others[0]:.4g} to {one.others[1]:.4g}, the median is {one.median:.4g}. Look at the learning curve. A "
        'mean and its interval say little of such seeds: claim the median, with statistic = "median".'
        for name, one in found.items()
        if one.far
    )


def unsettled(groups: Mapping[str, Sequence[Record]]) -> tuple[str, ...]:
    """Where perceptrons were stopped before they settled: their last iterate is one of many."""
    restless = [name for name, records in groups.items() if any(r.summary.get("converged") == 0.0 for r in records)]
    if not restless:
        return ()
    return (
        f"The last iterate oscillates: {', '.join(restless)} did not reach the tolerance in every run, so what is told "
        "is the iterate at which training happened to stop.",
    )


def stopped(groups: Mapping[str, Sequence[Record]]) -> tuple[str, ...]:
    """Where nets were stopped early: by what, and on how many images. `groups`: records by model."""
    by = {name: _of(records, _stop) for name, records in groups.items()}
    return tuple(
        f"{listed(names)} {'was' if len(names) == 1 else 'were'} stopped early: "
        f"{'its' if len(names) == 1 else 'their'} numbers are those of the epoch with the best {metric} on the images "
        "set aside. The test images had no part in the choice."
        for metric, names in _inverse({name: metric for name, metric in by.items() if metric}).items()
    )


def busy(groups: Mapping[str, Sequence[Record]], seconds: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    """Where times were taken on a machine that had other things to do. `seconds`: one per seed, by model."""
    found = []
    records = [record for group in groups.values() for record in group]
    crowded = [r for r in records if _crowded(r)]
    if crowded:
        found.append(
            f"{len(crowded)} of {len(records)} trials were timed while other work kept the machine's cores busy."
        )
    elif any(record.environment.workers > 1 for record in records):
        most = max(record.environment.workers for record in records)
        shared = any(record.environment.device == "cuda" for record in records)
        where = "one GPU: each is longer than it would be alone, by what the others did" if shared else "one machine"
        found.append(f"Times were taken with {most} trials side by side on {where}.")
    uneven = {name: max(s) / min(s) for name, s in seconds.items() if len(s) > 1 and min(s) > 0}
    name, ratio = max(uneven.items(), key=lambda item: item[1], default=("", 1.0))
    if ratio > UNEVEN:
        found.append(
            f"Equal work took unequal time: the slowest seed of {name} took {ratio:.2f} times as long as its fastest, "
            "so the machine was busy or its clock changed."
        )
    return tuple(found)


def _crowded(record: Record) -> bool:
    """Whether other processes took so much that the trial's threads cannot all have had a core of their own."""
    environment = record.environment
    free = 1 - environment.threads / environment.cores
    return environment.others is not None and environment.others > free + SLACK


def _of(records: Sequence[Record], what: Any) -> str:
    return "; ".join(dict.fromkeys(filter(None, (what(record) for record in records))))


def _data(record: Record) -> str:
    data = record.spec.get("data")
    if not isinstance(data, dict):
        return ""
    images = data.get("train_images")
    return f"{data.get('source')}, {f'{images:,}' if images else 'all'} training images"


def _budget(record: Record) -> str:
    fit = record.spec.get("fit")
    if not isinstance(fit, dict):
        return ""
    return f"{fit.get('epochs')} epochs in batches of {fit.get('batch')} with {fit.get('optimiser')}"


def _stop(record: Record) -> str:
    fit = record.spec.get("fit")
    stop = fit.get("stop") if isinstance(fit, dict) else None
    return str(stop.get("metric", "accuracy")).removeprefix("validation_") if isinstance(stop, dict) else ""


def _inverse(by_model: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in by_model.items():
        found.setdefault(value, []).append(name)
    return found


def unsteadiness(curve: Sequence[float]) -> float | None:
    """Mean absolute change between epochs over the second half of a curve; None for fewer than 3 epochs."""
    if len(curve) < STEADY_EPOCHS:
        return None
    return float(np.abs(np.diff(curve[len(curve) // 2 :])).mean())


def _last_moves(records: Sequence[Record], curve: str) -> float:
    """Their mean `unsteadiness`; 0 where unknown, or where the numbers are not those of the last epoch."""
    last = [record for record in records if not _stop(record)]
    moves = [move for record in last if (move := unsteadiness(record.history.get(curve, ()))) is not None]
    return float(np.mean(moves)) if moves else 0.0
