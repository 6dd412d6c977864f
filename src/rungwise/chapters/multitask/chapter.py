"""Multi-task: several tasks in one net; ways to balance and to share them; single-task nets as the baseline."""

from collections.abc import Mapping, Sequence

from rungwise.chapters.multitask import figures as multitask_figures
from rungwise.chapters.multitask import statements as multitask_statements
from rungwise.chapters.multitask import tables as multitask_tables
from rungwise.chapters.multitask.method import formulas, method, question
from rungwise.chapters.multitask.results import Results
from rungwise.chapters.multitask.settings import Settings
from rungwise.chapters.sentences import heading, seed_warnings
from rungwise.findings import Findings
from rungwise.records.record import Record

# Measurements --------------------------------------------------------------------------------------------------


# Findings ------------------------------------------------------------------------------------------------------


def findings(settings: Settings, seeds: Sequence[int], records: Mapping[str, Record]) -> Findings:
    results = Results(settings, tuple(seeds), records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Multi-task learning"),
        question=question(settings),
        method=method(settings),
        formulas=formulas(settings),
        statements=multitask_statements.statements(results),
        tables=multitask_tables.tables(results),
        figures=multitask_figures.figures(results),
        warnings=(
            *seed_warnings(results.most_seeds, results.planned, len(results.ids)),
            *multitask_statements.warnings(results),
        ),
        seeds=results.most_seeds,
    )
