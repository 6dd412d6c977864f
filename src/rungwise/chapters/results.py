"""What the chapters share in reading records: one result per model, and what is measured of it."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from rungwise.chapters.chapter import ChapterSettings
from rungwise.evidence.design import design_of
from rungwise.evidence.estimate import Estimate
from rungwise.evidence.measure import Measurement, Metric
from rungwise.evidence.measures import Measures
from rungwise.records.record import Record


@dataclass(frozen=True, eq=False)
class ModelResult(ABC):
    """One model of a chapter, as a net or a pair of classes, with the records of its seeds."""

    name: str
    records: dict[int, Record]
    """By seed; only those of trials that have finished."""
    measures: Measures
    """What the chapter measures."""

    @abstractmethod
    def values(self, key: str) -> dict[int, float]:
        """One of the chapter's metrics by seed; undefined values are left out."""

    def estimate(self, key: str) -> Estimate | None:
        """Of one of the metrics, with the interval for new images where there is one; None where no seed has it."""
        return self.measures.estimate(key, self.values(key), {seed: (own,) for seed, own in self.records.items()})

    def lead(self, other: "ModelResult", key: str = "test_accuracy") -> Estimate | None:
        """By how much a metric is above another model's, paired by seed; None where they have no seed in common."""
        both = tuple({seed: (own,) for seed, own in model.records.items()} for model in (self, other))
        return self.measures.difference(key, self.values(key), other.values(key), (both[0], both[1]))

    def known(self, key: str) -> Estimate:
        """`estimate` of a model that has the number for some seed."""
        found = self.estimate(key)
        assert found is not None
        return found

    def mean(self, key: str) -> float:
        """NaN where no seed has the number."""
        values = tuple(self.values(key).values())
        return float(np.mean(values)) if values else math.nan

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(record.id for record in self.records.values())


S = TypeVar("S", bound=ChapterSettings)
M = TypeVar("M", bound=ModelResult)


@dataclass(frozen=True, eq=False)
class Results(Generic[S, M]):
    """What a chapter's statements, tables and figures are made from."""

    settings: S
    models: list[M]
    """In the order of the study; some may have no record."""
    planned: int
    """The number of trials that the chapter calls for."""

    @property
    def done(self) -> int:
        """How many of them have finished."""
        return sum(len(model.records) for model in self.models)

    @property
    def most_seeds(self) -> int:
        """The most that any model rests on."""
        return most_seeds(self.models)

    @property
    def ran(self) -> list[M]:
        """The models that have a record."""
        return [model for model in self.models if model.records]


def measures_of(settings: ChapterSettings, metrics: Mapping[str, Metric]) -> Measures:
    """What a chapter measures, on its data."""
    return Measures(metrics, design_of(settings.data))


def most_seeds(models: Iterable[ModelResult]) -> int:
    return max((len(model.records) for model in models), default=0)


def ids_of(models: Iterable[ModelResult]) -> tuple[str, ...]:
    """The ids of all trials behind some models."""
    return tuple(trial for model in models for trial in model.ids)


def measured_of(results: Results[S, M], metrics: Iterable[str]) -> Iterator[Measurement]:
    """Every number of these metrics that the records hold."""
    for key in metrics:
        for model in results.models:
            ids = {seed: (record.id,) for seed, record in model.records.items()}
            yield from measurements(results.settings.name, key, model.name, model.values(key), ids)


def measurements(
    chapter: str, metric: str, model: str, values: Mapping[int, float], trials: Mapping[int, tuple[str, ...]]
) -> Iterator[Measurement]:
    """The values and the ids of their trials, both by seed, as measurements; undefined values are left out."""
    for seed, value in values.items():
        if math.isfinite(value):
            yield Measurement(chapter, model, metric, seed, float(value), trials[seed])
