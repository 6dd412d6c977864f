"""Transfer: a further task on a trunk that is trained already, with few labels and with many, beside a new net."""

from collections.abc import Mapping, Sequence

from rungwise.chapters.sentences import heading, seed_warnings
from rungwise.chapters.transfer.method import method
from rungwise.chapters.transfer.results import Results
from rungwise.chapters.transfer.settings import Settings, trials
from rungwise.findings import Findings
from rungwise.records.record import Record

# Trials --------------------------------------------------------------------------------------------------------


# Measurements --------------------------------------------------------------------------------------------------


# Findings ------------------------------------------------------------------------------------------------------


def findings(settings: Settings, seeds: Sequence[int], records: Mapping[str, Record]) -> Findings:
    planned = trials(settings, seeds)
    results = Results(settings, planned, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "A further task"),
        question="Is a further task cheap on a trunk that is trained already?",
        method=method(settings),
        statements=results.statements(),
        tables=(results.table(),),
        figures=results.figures(),
        warnings=seed_warnings(results.most_seeds(), len(planned), sum(map(len, results.runs.values()))),
        seeds=results.most_seeds(),
    )
