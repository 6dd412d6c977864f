"""The chapter's findings, put together."""

from collections.abc import Mapping

from rungwise.chapters.perceptrons.figures import figures
from rungwise.chapters.perceptrons.method import FORMULAS, method
from rungwise.chapters.perceptrons.results import read_results
from rungwise.chapters.perceptrons.settings import Settings
from rungwise.chapters.perceptrons.statements import statements
from rungwise.chapters.perceptrons.tables import tables
from rungwise.chapters.sentences import heading, seed_warnings
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = read_results(settings, seeds, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Perceptrons"),
        question="How far does a single hyperplane through pixel space get, on pairs of classes?",
        method=method(settings),
        formulas=FORMULAS[settings.rule],
        statements=statements(results),
        tables=tables(results),
        figures=figures(results),
        warnings=seed_warnings(results),
        seeds=results.most_seeds,
    )
