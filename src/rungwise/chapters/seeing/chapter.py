"""Seeing: what the filters of one CNN answer to, and what it dreams of each class."""

from collections.abc import Mapping

from rungwise.chapters.seeing import figures as seeing_figures
from rungwise.chapters.seeing.method import FORMULAS, method
from rungwise.chapters.seeing.settings import Settings, trials
from rungwise.chapters.seeing.statements import depth_statements, dream_statements
from rungwise.chapters.seeing.tables import dream_table, layer_table
from rungwise.chapters.seeing.views import read_views
from rungwise.chapters.sentences import heading, seed_warnings
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    planned = trials(settings, seeds)
    views = read_views(planned, records, len(settings.net.filters))
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, f"Seeing inside {settings.model}"),
        question="What do the filters answer to, do they specialise with depth, and what does the net dream of?",
        method=method(settings),
        formulas=FORMULAS,
        statements=(*depth_statements(settings, views), *dream_statements(settings, views)),
        tables=(layer_table(settings, views), dream_table(settings, views)),
        figures=seeing_figures.figures(settings, views, records),
        warnings=seed_warnings(len(views), len(planned), len(views)),
        seeds=len(views),
    )


# What was done -------------------------------------------------------------------------------------------------


# Statements ----------------------------------------------------------------------------------------------------


# Tables --------------------------------------------------------------------------------------------------------
