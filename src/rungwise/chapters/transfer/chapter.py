"""The chapter's findings, put together."""

from collections.abc import Mapping

from rungwise.chapters.sentences import heading, seed_warnings
from rungwise.chapters.transfer.figures import figures
from rungwise.chapters.transfer.method import method
from rungwise.chapters.transfer.results import read_results
from rungwise.chapters.transfer.settings import Settings
from rungwise.chapters.transfer.statements import statements
from rungwise.chapters.transfer.tables import tables
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = read_results(settings, seeds, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "A further task"),
        question="Is a further task cheap on a trunk that is trained already?",
        method=method(settings),
        statements=statements(results),
        tables=tables(results),
        figures=figures(results),
        warnings=seed_warnings(results),
        seeds=results.most_seeds,
    )
