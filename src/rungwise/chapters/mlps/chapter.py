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
from rungwise.models.mlp import MlpSettings
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
        tables=(accuracy_table(results, settings.name, "Hidden layers", _shape),),
        figures=figures(results, settings.name),
        warnings=family.warnings(results),
        seeds=family.most_seeds(results),
    )


def _shape(net: MlpSettings) -> str:
    """The hidden layers in short: "500 × 9" or "300, 100"."""
    widths = net.hidden
    return f"{widths[0]} × {len(widths)}" if len(set(widths)) == 1 else ", ".join(map(str, widths)) or "none"
