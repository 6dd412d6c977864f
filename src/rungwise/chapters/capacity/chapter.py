"""The chapter's findings, put together."""

from collections.abc import Mapping

from rungwise.chapters.capacity.figures import figures
from rungwise.chapters.capacity.method import FORMULAS, method
from rungwise.chapters.capacity.results import read_results
from rungwise.chapters.capacity.settings import Settings
from rungwise.chapters.capacity.statements import statements, warnings
from rungwise.chapters.capacity.tables import tables
from rungwise.chapters.sentences import heading
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = read_results(settings, seeds, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Capacity"),
        question="Do more parameters generalise better, and why?",
        method=method(settings),
        formulas=FORMULAS,
        statements=statements(results),
        tables=tables(results),
        figures=figures(results),
        warnings=warnings(results),
        seeds=results.most_seeds,
    )
