"""The chapter's findings, put together."""

from collections.abc import Mapping

from rungwise.chapters.cnns.figures import figures
from rungwise.chapters.cnns.method import formulas, method
from rungwise.chapters.cnns.results import read_results
from rungwise.chapters.cnns.settings import Settings
from rungwise.chapters.cnns.statements import statements, warnings
from rungwise.chapters.cnns.tables import tables
from rungwise.chapters.sentences import heading
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = read_results(settings, seeds, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Convolutional nets"),
        question="What do convolutions buy, in accuracy, parameters and time, and against the MLPs?",
        method=method(settings),
        formulas=formulas(settings),
        statements=statements(results),
        tables=tables(results),
        figures=figures(results),
        warnings=warnings(results),
        seeds=results.cnns.most_seeds,
    )
