"""The chapter's findings, put together."""

from collections.abc import Mapping

from rungwise.chapters.projection.figures import figures
from rungwise.chapters.projection.method import FORMULAS, method
from rungwise.chapters.projection.results import read_results
from rungwise.chapters.projection.settings import Settings
from rungwise.chapters.projection.statements import statements, warnings
from rungwise.chapters.projection.tables import tables
from rungwise.chapters.sentences import heading
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = read_results(settings, seeds, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Projection"),
        question="How much of the classes can be seen in two dimensions, before anything is learnt?",
        method=method(settings),
        formulas=FORMULAS,
        statements=statements(results),
        tables=tables(results),
        figures=figures(results),
        warnings=warnings(results),
        seeds=results.most_seeds,
    )
