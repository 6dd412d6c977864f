"""The chapter's findings, put together."""

from collections.abc import Mapping

from rungwise.chapters.audit.cautions import cautions
from rungwise.chapters.audit.figures import figures
from rungwise.chapters.audit.method import FORMULAS, method
from rungwise.chapters.audit.results import read_results
from rungwise.chapters.audit.settings import Settings
from rungwise.chapters.audit.statements import statements, warnings
from rungwise.chapters.audit.tables import tables
from rungwise.chapters.sentences import heading
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = read_results(settings, seeds, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "The data, looked at"),
        question="Is there anything in the images or their labels that makes verdicts on them doubtful?",
        method=method(settings),
        formulas=FORMULAS,
        statements=statements(results, cautions(settings, seeds, records)),
        tables=tables(results),
        figures=figures(results),
        warnings=warnings(results),
        seeds=results.most_seeds,
    )
