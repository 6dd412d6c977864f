"""Capacity: two-layer nets of growing width on true and on random labels, and measures of what they can express."""

from collections.abc import Mapping, Sequence

from rungwise.chapters.capacity import figures as capacity_figures
from rungwise.chapters.capacity import statements as capacity_statements
from rungwise.chapters.capacity.method import FORMULAS, method
from rungwise.chapters.capacity.results import most_seeds, read_results
from rungwise.chapters.capacity.settings import Settings, trials
from rungwise.chapters.capacity.tables import fits_table, measures_table
from rungwise.chapters.sentences import heading, seed_warnings
from rungwise.findings import Findings
from rungwise.records.record import Record

# Measurements --------------------------------------------------------------------------------------------------


# Findings ------------------------------------------------------------------------------------------------------


def findings(settings: Settings, seeds: Sequence[int], records: Mapping[str, Record]) -> Findings:
    planned = trials(settings, seeds)
    results = read_results(planned, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Capacity"),
        question="Do more parameters generalise better, and why?",
        method=method(settings),
        formulas=FORMULAS,
        statements=capacity_statements.statements(results),
        tables=(fits_table(results, settings.name), measures_table(results, settings.name)),
        figures=capacity_figures.figures(results, settings),
        warnings=(
            *seed_warnings(most_seeds(results), len(planned), sum(len(result.records) for result in results)),
            *capacity_statements.unfinished(results),
        ),
        seeds=most_seeds(results),
    )
