"""Learning curves as a tidy table."""

from collections.abc import Mapping
from typing import NamedTuple

from rungwise.records.record import Record
from rungwise.study.study import Study, study_trials


class Point(NamedTuple):
    """One value of one curve. A list of them is a tidy table: ``pandas.DataFrame(points)`` takes it as it is."""

    chapter: str
    label: str
    """The trial's name, as "CNN-1"."""
    seed: int
    metric: str
    step: int
    """Epoch or iteration, from 1."""
    value: float
    trial: str
    """The trial's id."""


def curves(study: Study, records: Mapping[str, Record]) -> list[Point]:
    """Every curve of the records, in the study's order; one of several chapters is under the first that has it."""
    return [
        Point(chapter.name, trial.label, trial.seed, metric, step, value, trial.id)
        for chapter, trial in study_trials(study)
        if trial.id in records
        for metric, values in records[trial.id].history.items()
        for step, value in enumerate(values, 1)
    ]
