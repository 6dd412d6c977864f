"""The table of the chapter."""

from rungwise.chapters.family.results import FamilyResults
from rungwise.chapters.family.tables import accuracy_table
from rungwise.findings import Table
from rungwise.models.mlp import MlpSettings


def tables(results: FamilyResults) -> tuple[Table, ...]:
    return (accuracy_table(results, "Hidden layers", _shape),)


def _shape(net: MlpSettings) -> str:
    """The hidden layers in short: "500 × 9" or "300, 100"."""
    widths = net.hidden
    return f"{widths[0]} × {len(widths)}" if len(set(widths)) == 1 else ", ".join(map(str, widths)) or "none"
