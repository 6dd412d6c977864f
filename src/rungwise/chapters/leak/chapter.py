"""The chapter's findings, put together."""

from collections.abc import Mapping

from rungwise.chapters.leak.figures import figures
from rungwise.chapters.leak.method import method
from rungwise.chapters.leak.results import read_results
from rungwise.chapters.leak.settings import Settings
from rungwise.chapters.leak.statements import statements
from rungwise.chapters.leak.tables import tables
from rungwise.chapters.sentences import heading, seed_warnings
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = read_results(settings, seeds, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "What the split leaks"),
        question="How much better do nets look if images of one group are on both sides of the split?",
        method=method(settings),
        statements=statements(results),
        tables=tables(results),
        figures=figures(results),
        warnings=seed_warnings(results),
        seeds=results.most_seeds,
    )
