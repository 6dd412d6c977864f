"""What a run found, in a few lines: the best of each chapter, its claims by verdict, what failed and why."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rungwise.evidence.answers import always
from rungwise.evidence.design import design_of
from rungwise.evidence.estimate import Estimate
from rungwise.evidence.judgement import Judgement
from rungwise.evidence.measure import Measurement, leading
from rungwise.evidence.measures import Measures
from rungwise.judging.judge import judged, measurements
from rungwise.records.found import Found as Holdings
from rungwise.records.record import Record
from rungwise.runs.run import Run
from rungwise.study.reading import known_metrics
from rungwise.study.study import Study, wanted


@dataclass(frozen=True)
class Best:
    """The model of a chapter whose mean is best."""

    chapter: str
    metric: str
    model: str
    found: Estimate
    models: int
    """Of how many that have been measured."""
    always: float | None = None
    """What always answering the most frequent class would get; None where the metric counts no answers."""


@dataclass(frozen=True)
class Failure:
    """Why trials failed; those whose reasons differ in numbers alone are told together."""

    why: str
    """Of the first of them."""
    trials: tuple[str, ...]
    """The names of models, with their seeds."""
    count: int
    differ: bool = False
    """Whether the numbers of their reasons do."""


@dataclass(frozen=True)
class Found:
    """What a run's records say."""

    planned: int
    """Trials of the study."""
    done: int
    best: tuple[Best, ...]
    """Of each chapter that has a metric to rank models by, and a number of it."""
    claims: Mapping[str, tuple[str, ...]]
    """The ids of claims by verdict."""
    failures: tuple[Failure, ...]

    @property
    def failed(self) -> int:
        """Trials."""
        return sum(failure.count for failure in self.failures)


class Clock:
    """Runs from its making on."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start


def found(run: Run) -> Found:
    """What the records of a run say, from the measurements that its report is made of."""
    return run.store.reading(wanted(run.study), lambda held: _found(run.study, held))


def _found(study: Study, held: Holdings) -> Found:
    measured, known = measurements(study, held.records), known_metrics(study.chapters)
    designs = {chapter.name: design_of(chapter.data) for chapter in study.chapters}
    ranked = (best(name, Measures(metrics, designs[name]), measured, held.records) for name, metrics in known.items())
    planned = wanted(study)
    return Found(
        planned=len(planned),
        done=len(held.records),
        best=tuple(each for each in ranked if each is not None),
        claims=verdicts(judged(study, held.records).values()),
        failures=failures([held.failures[trial] for trial in planned if trial in held.failures]),
    )


def best(
    chapter: str, measures: Measures, measured: Iterable[Measurement], records: Mapping[str, Record] | None = None
) -> Best | None:
    """The model whose mean is best by the chapter's leading metric, the first of equals; None where nothing ranks.

    `records`: those measured, by id, which know what the most frequent class would get.
    """
    name = leading(measures.metrics)
    if name is None:
        return None
    found: dict[str, dict[int, Measurement]] = {}
    for each in measured:
        if (each.chapter, each.metric) == (chapter, name):
            found.setdefault(each.model, {})[each.seed] = each
    values = {model: {seed: each.value for seed, each in own.items()} for model, own in found.items()}
    metric = measures.metrics[name]
    estimates = {model: e for model in metric.models if (e := measures.estimate(name, values.get(model, {})))}
    if not estimates:
        return None
    sign = 1 if metric.better == "higher" else -1
    model = max(estimates, key=lambda model: sign * estimates[model].mean)
    runs = [[records[trial] for trial in each.trials] for each in found[model].values()] if records else []
    frequent = always(runs, metric.answers, measures.reader) if metric.answers else None
    return Best(chapter, name, model, estimates[model], len(estimates), frequent)


def verdicts(judged: Iterable[Sequence[Judgement]]) -> dict[str, tuple[str, ...]]:
    """The ids of claims by verdict."""
    sorted_: dict[str, tuple[str, ...]] = {}
    for each in (claim for chapter in judged for claim in chapter):
        sorted_[each.verdict] = (*sorted_.get(each.verdict, ()), each.id)
    return sorted_


def failures(records: Iterable[Record]) -> tuple[Failure, ...]:
    """Each reason once, the most frequent first."""
    alike: dict[str, list[Record]] = {}
    for record in records:
        reason = record.error or "no reason is on record"
        alike.setdefault(re.sub(r"\d[\d.,]*(e[+-]?\d+)?|\bnan\b|-?\binf\b", "#", reason), []).append(record)
    grouped = sorted(alike.values(), key=len, reverse=True)
    return tuple(
        Failure(group[0].error or "", _names(group), len(group), len({record.error for record in group}) > 1)
        for group in grouped
    )


def _names(records: Sequence[Record]) -> tuple[str, ...]:
    """ "A (seeds 0, 1)" of each model."""
    seeds: dict[str, list[str]] = {}
    for record in records:
        seeds.setdefault(record.label, []).append(str(record.spec.get("seed", "?")))
    return tuple(
        f"{label} (seed{'s' * (len(found) > 1)} {', '.join(sorted(found, key=lambda seed: (len(seed), seed)))})"
        for label, found in seeds.items()
    )
