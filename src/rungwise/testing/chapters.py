"""What every chapter must do."""

import json
import math
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch

from rungwise.bench import Bench
from rungwise.chapters import load_chapter
from rungwise.chapters.chapter import Chapter, ChapterSettings
from rungwise.data.images import Dataset, Split
from rungwise.data.load import load
from rungwise.data.settings import Data
from rungwise.data.split import split
from rungwise.findings import Findings
from rungwise.quantities import quantity
from rungwise.records.checks import numbers_fault
from rungwise.records.environment import environment_here
from rungwise.records.record import Record
from rungwise.testing.check import Check
from rungwise.trial import Trial
from rungwise.works import find_work


@dataclass(frozen=True)
class ChapterCase:
    settings: ChapterSettings
    seeds: tuple[int, ...]
    known: Mapping[str, Record] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.settings.name

    @cached_property
    def chapter(self) -> Chapter:
        return load_chapter(self.settings.kind)

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        return tuple(self.chapter.trials(self.settings, self.seeds))

    @cached_property
    def records(self) -> dict[str, Record]:
        """Of all trials, and of what they need; carried out here when they are first asked for."""
        return dict(self.known) if self.known is not None else carried_out(self.trials)

    def findings(self, records: Mapping[str, Record]) -> Findings:
        return self.chapter.findings(self.settings, self.seeds, records)


def chapter_checks(
    settings: ChapterSettings, seeds: Sequence[int] = (0, 1), records: Mapping[str, Record] | None = None
) -> list[Check]:
    """The checks of a chapter with settings that are quick to run, as a few epochs on the bundled digits.

    `records`: those of its trials by id, with what they need. Left out: the trials are carried out here, once.
    """
    case = ChapterCase(settings, tuple(seeds), records)
    return [Check(check, case) for check in CHECKS]


def carried_out(trials: Sequence[Trial]) -> dict[str, Record]:
    """The records of trials by id, with those of what they need, carried out one by one in this process."""
    records: dict[str, Record] = {}
    datasets: dict[str, Dataset] = {}

    def read(data: Data, seed: int) -> Split:
        if data.key not in datasets:
            datasets[data.key] = load(data, offline=True)
        return split(datasets[data.key], data, seed)

    for trial in _after_what_they_need(trials):
        outcome = find_work(trial.work)(trial, Bench("cpu", read, records))
        records[trial.id] = Record(
            id=trial.id, label=trial.label, spec=trial.spec, status="done", summary=outcome.summary,
            history=outcome.history, timings=outcome.timings, choices=outcome.choices, arrays=outcome.arrays,
            environment=environment_here(device="cpu", threads=torch.get_num_threads(), workers=1),
            weights={name: value.detach().numpy() for name, value in outcome.weights.items()},
        )  # fmt: skip
    return records


def _after_what_they_need(trials: Sequence[Trial]) -> list[Trial]:
    found: dict[str, Trial] = {}
    for trial in trials:
        for each in (*_after_what_they_need(trial.needs), trial):
            found.setdefault(each.id, each)
    return list(found.values())


# Settings and trials -------------------------------------------------------------------------------------------


def settings_are_found_again(case: ChapterCase) -> None:
    settings = case.settings
    assert case.chapter.Settings is type(settings), "the kind's entry point has another class"
    assert type(settings).model_validate_json(settings.model_dump_json(by_alias=True)) == settings


def trials_are_the_same_each_time(case: ChapterCase) -> None:
    """Whatever the chapter is called."""
    other = case.settings.model_copy(update={"name": "again", "title": "Another"})
    ids = [trial.id for trial in case.trials]
    assert [trial.id for trial in case.chapter.trials(case.settings, case.seeds)] == ids
    assert [trial.id for trial in case.chapter.trials(other, case.seeds)] == ids


def a_label_and_a_seed_are_one_trial(case: ChapterCase) -> None:
    labels = [(trial.label, trial.seed) for trial in case.trials]
    assert case.trials, "no trial at all"
    assert len(set(labels)) == len(labels), "two trials of a seed have one label"
    assert len({trial.id for trial in case.trials}) == len(labels), "the same trial under two labels"
    assert {trial.seed for trial in case.trials} <= set(case.seeds)


def more_seeds_keep_the_trials_of_fewer(case: ChapterCase) -> None:
    more = (*case.seeds, max(case.seeds) + 1)
    ids = {(trial.label, trial.seed) for trial in case.chapter.trials(case.settings, more)}
    assert {(trial.label, trial.seed) for trial in case.trials} < ids


def trials_are_the_same_in_another_process(case: ChapterCase) -> None:
    for trial in case.trials:
        again = pickle.loads(pickle.dumps(trial))
        assert again == trial
        assert again.id == trial.id
        assert json.loads(json.dumps(trial.spec)) == trial.spec, "a spec is of JSON types"


def works_are_found(case: ChapterCase) -> None:
    for trial in case.trials:
        assert callable(find_work(trial.work))
        assert not trial.together or callable(find_work(trial.together))


# Measurements --------------------------------------------------------------------------------------------------


def metrics_are_known_before_anything_runs(case: ChapterCase) -> None:
    for name, metric in case.chapter.metrics(case.settings).items():
        assert metric.says, f"{name}: what is it?"
        assert metric.models, f"{name} is measured of nothing"
        assert len(set(metric.models)) == len(metric.models), f"{name}: a model is named twice"


def what_is_measured_is_declared(case: ChapterCase) -> None:
    metrics, places = case.chapter.metrics(case.settings), set()
    for found in case.chapter.measured(case.settings, case.seeds, case.records):
        assert found.chapter == case.settings.name
        assert found.model in metrics[found.metric].models
        assert found.seed in case.seeds
        assert math.isfinite(found.value), f"{found}: what is undefined is left out"
        assert set(found.trials) <= case.records.keys(), f"{found} rests on trials that have no record"
        assert found.trials, f"{found} rests on no trial"
        places.add((found.metric, found.model, found.seed))
    measured = list(case.chapter.measured(case.settings, case.seeds, case.records))
    assert len(places) == len(measured), "a number is told twice"
    assert measured or not metrics, "nothing is measured"


def every_metric_is_in_the_table_of_quantities(case: ChapterCase) -> None:
    """With its kind, unit and range, in which each number lies; other packages add theirs by an entry point."""
    for name in case.chapter.metrics(case.settings):
        assert quantity(name) is not None, f"{name} needs an entry point in rungwise.quantities"
    for found in case.chapter.measured(case.settings, case.seeds, case.records):
        about = quantity(found.metric)
        assert about is not None
        assert about.holds(found.value), f"{found} is outside of {about.range}"
    for record in case.records.values():
        assert not numbers_fault(record.summary, record.history)


def nothing_is_measured_without_records(case: ChapterCase) -> None:
    for records in _some(case):
        for found in case.chapter.measured(case.settings, case.seeds, records):
            assert set(found.trials) <= records.keys(), f"{found} rests on trials that have no record"


# Findings ------------------------------------------------------------------------------------------------------


def findings_are_there_with_any_records(case: ChapterCase) -> None:
    for records in (*_some(case), case.records):
        found = case.findings(records)
        assert isinstance(found, Findings)
        assert (found.kind, found.name) == (case.settings.kind, case.settings.name)
        assert found.title
        assert found.question
        assert found.method, "what was done?"
        assert found.seeds <= len(case.seeds)
        for table in found.tables:
            assert all(len(row) == len(table.columns) for row in table.rows), f"{table.id} has ragged rows"


def findings_are_pure(case: ChapterCase) -> None:
    """The same records give the same findings, in whatever order they come, and as they were."""
    before = {id: record.model_dump_json() for id, record in case.records.items()}
    first = case.findings(case.records).model_dump_json()
    assert case.findings(case.records).model_dump_json() == first
    assert case.findings(dict(reversed(case.records.items()))).model_dump_json() == first
    assert {id: record.model_dump_json() for id, record in case.records.items()} == before, "records are changed"
    json.loads(first)


def a_statement_rests_on_trials(case: ChapterCase) -> None:
    for records in (*_some(case), case.records):
        for statement in case.findings(records).statements:
            assert statement.trials, f"rests on no trial: {statement.text}"
            assert set(statement.trials) <= records.keys(), f"rests on trials without a record: {statement.text}"


def tables_and_figures_have_names_of_their_own(case: ChapterCase) -> None:
    """That begin with the chapter's, so that two chapters of a kind are told apart."""
    again = case.settings.model_copy(update={"name": "again"})
    found = [case.findings(case.records), case.chapter.findings(again, case.seeds, case.records)]
    tables = [table.id for each in found for table in each.tables]
    figures = [figure.id for each in found for figure in each.figures]
    assert len(set(tables)) == len(tables), f"one id for two tables: {sorted(tables)}"
    assert len(set(figures)) == len(figures), f"one id for two figures: {sorted(figures)}"
    for each in found:
        ids = (*(table.id for table in each.tables), *(figure.id for figure in each.figures))
        assert all(id.startswith(f"{each.name}-") for id in ids), f"{ids} do not begin with {each.name}-"
    assert found[0].title != found[1].title, "two chapters of a kind have the same title"


def figures_say_what_is_seen(case: ChapterCase) -> None:
    for figure in case.findings(case.records).figures:
        assert figure.caption, f"{figure.id} has no caption"
        assert figure.alt, f"{figure.id} has no text for those who cannot see it"


def one_seed_is_warned_of(case: ChapterCase) -> None:
    (first, *_), ids = case.seeds, {trial.id for trial in case.trials if trial.seed == case.seeds[0]}
    records = {id: record for id, record in case.records.items() if id in ids or id not in _own(case)}
    found = case.chapter.findings(case.settings, (first,), records)
    assert any("seed" in warning for warning in found.warnings), "nothing warns of a single seed"


def _own(case: ChapterCase) -> set[str]:
    return {trial.id for trial in case.trials}


def _some(case: ChapterCase) -> tuple[dict[str, Record], ...]:
    """No records; those of the first trial and of what it needs; all but those of the last trial."""
    first = _after_what_they_need(case.trials[:1])
    return (
        {},
        {trial.id: case.records[trial.id] for trial in first},
        {id: record for id, record in case.records.items() if id != case.trials[-1].id},
    )


CHECKS = (
    settings_are_found_again,
    trials_are_the_same_each_time,
    a_label_and_a_seed_are_one_trial,
    more_seeds_keep_the_trials_of_fewer,
    trials_are_the_same_in_another_process,
    works_are_found,
    metrics_are_known_before_anything_runs,
    what_is_measured_is_declared,
    every_metric_is_in_the_table_of_quantities,
    nothing_is_measured_without_records,
    findings_are_there_with_any_records,
    findings_are_pure,
    a_statement_rests_on_trials,
    tables_and_figures_have_names_of_their_own,
    figures_say_what_is_seen,
    one_seed_is_warned_of,
)
