"""What a reader must know before trusting a number, computed from the records that it rests on."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from rungwise.evidence.paired import wilcoxon_floor
from rungwise.records.record import Record

ENOUGH = 5
"""Seeds below which an interval is wide and its coverage rests on the normality of the noise."""
SLACK = 0.05
"""The share of the processors that a quiet system takes by itself."""
UNEVEN = 1.25
"""The longest over the shortest time of one model's seeds, above which timings say more of the machine."""


def few_seeds(n: int) -> tuple[str, ...]:
    """Where n seeds are few, and where Wilcoxon's test cannot reach significance whatever the numbers."""
    if 0 < n < ENOUGH:
        return (f"It rests on {n} seed{'' if n == 1 else 's'}; {ENOUGH} or more make an interval worth reading.",)
    if (floor := wilcoxon_floor(n)) > 0.05 and n:
        return (f"With {n} pairs, Wilcoxon's test cannot go below p = {floor:.4f}, whatever the numbers.",)
    return ()


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


def oscillating(groups: Mapping[str, Sequence[Record]], curve: str, difference: float) -> tuple[str, ...]:
    """Where the last iterate still moves by as much as the difference that is told of it.

    `curve`: the name of the metric's history, one value per epoch; models without it are passed over.
    """
    moves = {name: _last_moves(records, curve) for name, records in groups.items()}
    name, most = max(moves.items(), key=lambda item: item[1], default=("", 0.0))
    if most == 0 or most < abs(difference):
        return ()
    return (
        f"The last iterate oscillates: over the second half of training {curve} of {name} moves by {most:.4f} from "
        f"epoch to epoch, as much as the difference of {abs(difference):.4f}, so that stopping an epoch earlier might "
        "turn it.",
    )


def unsettled(records: Iterable[Record]) -> tuple[str, ...]:
    """Where perceptrons were stopped before they settled: their last iterate is one of many."""
    restless = [r for r in records if r.summary.get("converged") == 0.0]
    if not restless:
        return ()
    labels = ", ".join(dict.fromkeys(record.label for record in restless))
    return (
        f"The last iterate oscillates: {labels} did not reach the tolerance, so what is told is the iterate at which "
        "training happened to stop.",
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
        found.append(f"Times were taken with {most} trials side by side on one machine.")
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


def _inverse(by_model: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in by_model.items():
        found.setdefault(value, []).append(name)
    return found


def _last_moves(records: Sequence[Record], curve: str) -> float:
    """Mean absolute change between epochs over the second half of training, over the records; 0 where unknown."""
    curves = [record.history[curve] for record in records if len(record.history.get(curve, ())) > 2]
    halves = [values[len(values) // 2 :] for values in curves]
    moves = [abs(b - a) for half in halves for a, b in pairwise(half)]
    return float(np.mean(moves)) if moves else 0.0
