"""The chapter's findings, put together."""

from collections.abc import Mapping

from rungwise.chapters.family.figures import figures
from rungwise.chapters.family.results import read_results
from rungwise.chapters.family.statements import statements
from rungwise.chapters.mlps.method import formulas, method
from rungwise.chapters.mlps.settings import Settings
from rungwise.chapters.mlps.tables import tables
from rungwise.chapters.sentences import heading, seed_warnings
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = read_results(settings, seeds, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Multilayer perceptrons"),
        question="How much do depth and width help, and do more parameters generalise better?",
        method=method(settings),
        formulas=formulas(settings),
        statements=statements(results),
        tables=tables(results),
        figures=figures(results),
        warnings=seed_warnings(results),
        seeds=results.most_seeds,
    )
