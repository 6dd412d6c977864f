"""Projection: what two principal components keep of a data set, and how well lines tell its classes apart."""

from collections.abc import Mapping

from rungwise.chapters.projection import figures as projection_figures
from rungwise.chapters.projection.method import FORMULAS, method
from rungwise.chapters.projection.settings import Settings, trials
from rungwise.chapters.projection.statements import statements
from rungwise.chapters.projection.tables import class_table, pair_table, variance_table
from rungwise.chapters.projection.views import View, over_pairs, read_views
from rungwise.chapters.sentences import heading, seed_warnings
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    """What the chapter shows."""
    planned = trials(settings, seeds)
    names = settings.data.classes
    views = read_views(planned, records, len(names))
    pairs = over_pairs(views, names)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Projection"),
        question="How much of the classes can be seen in two dimensions, before anything is learnt?",
        method=method(settings),
        formulas=FORMULAS,
        statements=statements(views, pairs, names),
        tables=(
            class_table(settings, views),
            variance_table(settings.name, views),
            pair_table(settings.name, pairs),
        ),
        figures=projection_figures.figures(views, pairs, names, settings.name),
        warnings=(*seed_warnings(len(views), len(planned), len(views)), *_unconverged(settings, views)),
        seeds=len(views),
    )


# Statements and tables --------------------------------------------------------------------------------------


def _unconverged(settings: Settings, views: list[View]) -> tuple[str, ...]:
    count = sum(view.unconverged for view in views)
    if count == 0:
        return ()
    return (
        f"{count} of the linear SVMs stopped at {settings.svm_iterations:,} iterations without converging; "
        "raise svm_iterations.",
    )
