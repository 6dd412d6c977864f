"""Perceptrons: the simplest learner on pairs of classes, and how its last iterate behaves."""

from collections.abc import Mapping

from rungwise.chapters.perceptrons import figures as perceptron_figures
from rungwise.chapters.perceptrons.method import FORMULAS, method
from rungwise.chapters.perceptrons.results import read_results
from rungwise.chapters.perceptrons.settings import Settings, trials
from rungwise.chapters.perceptrons.statements import statements
from rungwise.chapters.perceptrons.tables import table
from rungwise.chapters.sentences import heading, seed_warnings
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    """What the chapter shows."""
    planned = trials(settings, seeds)
    results = read_results(planned, records)
    done = [result for result in results if result.records]
    most = max((len(result.records) for result in results), default=0)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Perceptrons"),
        question="How far does a single hyperplane through pixel space get, on pairs of classes?",
        method=method(settings),
        formulas=FORMULAS[settings.rule],
        statements=statements(settings, done),
        tables=(table(results, settings.name),),
        figures=perceptron_figures.figures(settings, done, several=most > 1),
        warnings=seed_warnings(most, len(planned), sum(len(result.records) for result in results)),
        seeds=most,
    )


# Statements and table ---------------------------------------------------------------------------------------
