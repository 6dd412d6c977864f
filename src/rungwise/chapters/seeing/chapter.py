"""The chapter's findings, put together."""

from collections.abc import Mapping

from rungwise.chapters.seeing.figures import figures
from rungwise.chapters.seeing.method import FORMULAS, method
from rungwise.chapters.seeing.results import read_results
from rungwise.chapters.seeing.settings import Settings
from rungwise.chapters.seeing.statements import statements
from rungwise.chapters.seeing.tables import tables
from rungwise.chapters.sentences import heading, seed_warnings
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = read_results(settings, seeds, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, f"Seeing inside {settings.model}"),
        question="What do the filters answer to, do they specialise with depth, and what does the net dream of?",
        method=method(settings),
        formulas=FORMULAS,
        statements=statements(results),
        tables=tables(results),
        figures=figures(results),
        warnings=seed_warnings(results),
        seeds=results.most_seeds,
    )
