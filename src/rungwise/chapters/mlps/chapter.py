"""MLPs: five depths and widths; learning curves; whether more parameters generalise better."""

from collections.abc import Mapping

from rungwise.chapters.family import results as family
from rungwise.chapters.family.figures import figures
from rungwise.chapters.family.method import told_recipe
from rungwise.chapters.family.statements import statements
from rungwise.chapters.family.tables import accuracy_table
from rungwise.chapters.mlps.method import FORMULAS
from rungwise.chapters.mlps.settings import Settings
from rungwise.chapters.sentences import heading
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = family.collect(settings, seeds, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Multilayer perceptrons"),
        question="How much do depth and width help, and do more parameters generalise better?",
        method=(told_recipe(settings),),
        formulas=FORMULAS,
        statements=statements(results),
        tables=(accuracy_table(results, settings.name, "Hidden layers"),),
        figures=figures(results, settings.name),
        warnings=family.warnings(results),
        seeds=family.most_seeds(results),
    )
