"""The chapter's findings, put together."""

from collections.abc import Mapping

from rungwise.chapters.multitask.figures import figures
from rungwise.chapters.multitask.method import formulas, method, question
from rungwise.chapters.multitask.results import read_results
from rungwise.chapters.multitask.settings import Settings
from rungwise.chapters.multitask.statements import statements, warnings
from rungwise.chapters.multitask.tables import tables
from rungwise.chapters.sentences import heading
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = read_results(settings, seeds, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Multi-task learning"),
        question=question(settings),
        method=method(settings),
        formulas=formulas(settings),
        statements=statements(results),
        tables=tables(results),
        figures=figures(results),
        warnings=warnings(results),
        seeds=results.most_seeds,
    )
