"""A run as it is compared: a name, and what its folder holds, read once."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rungwise.comparison import differences
from rungwise.comparison.result import ComparedRun
from rungwise.evidence.design import design_of
from rungwise.evidence.measure import Measurement, Metric
from rungwise.judging.judge import measurements
from rungwise.records.found import Found
from rungwise.records.record import Record
from rungwise.report.assemble import trial_rows
from rungwise.runs.run import Run
from rungwise.study.reading import known_metrics
from rungwise.study.study import study_trials, wanted


@dataclass(frozen=True)
class Opened:
    """A run with what is read from its folder, once."""

    name: str
    run: Run

    @cached_property
    def found(self) -> Found:
        """What the folder has of the study's trials; damaged records are left out of all else."""
        return self.run.store.reading(wanted(self.run.study), self._sound)

    def _sound(self, found: Found) -> Found:
        measurements(self.run.study, found.records)  # opens what the chapters read
        return found

    @property
    def records(self) -> dict[str, Record]:
        return self.found.records

    @property
    def failures(self) -> dict[str, Record]:
        return self.found.failures

    @cached_property
    def planned(self) -> int:
        """Trials."""
        return len(study_trials(self.run.study))

    @cached_property
    def metrics(self) -> dict[str, Mapping[str, Metric]]:
        return known_metrics(self.run.study.chapters)

    @property
    def ratios(self) -> dict[str, float]:
        """Of test images over those left to learn from, by chapter, where its seeds split one pool; else 0."""
        return {chapter.name: design_of(chapter.data).ratio for chapter in self.run.study.chapters}

    @cached_property
    def measured(self) -> list[Measurement]:
        return measurements(self.run.study, self.records)

    def source(self) -> ComparedRun:
        ends = [record.environment.finished_at for record in (*self.records.values(), *self.failures.values())]
        return ComparedRun(
            name=self.name,
            folder=str(self.run.store.root),
            title=self.run.study.title,
            planned=self.planned,
            finished=len(self.records),
            failed=len(self.failures),
            damaged=tuple(f"{self.run.store.root / why}" for why in self.found.damaged.values()),
            ended=max(ends, default=datetime.date.min.isoformat()),
            facts=differences.facts(self.records.values()),
            trials=tuple(
                row.model_copy(update={"id": f"{self.name}/{row.id}"}) for row in trial_rows(self.run.study, self.found)
            ),
        )


def names(folders: Sequence[Path]) -> list[str]:
    """A name for each run: the last parts of its path, as many as tell it from the others."""
    paths = [folder.resolve() for folder in folders]
    for depth in range(1, max(len(path.parts) for path in paths) + 1):
        found = [Path(*path.parts[-depth:]).as_posix() for path in paths]
        if len(set(found)) == len(set(paths)):
            break
    return [name if name not in found[:i] else f"{name} ({found[:i].count(name) + 1})" for i, name in enumerate(found)]
