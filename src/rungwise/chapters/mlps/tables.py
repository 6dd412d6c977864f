"""The table of the chapter."""

from rungwise.chapters.family.class_tables import class_tables
from rungwise.chapters.family.confusions import confusion_tables
from rungwise.chapters.family.results import FamilyResults
from rungwise.chapters.family.tables import accuracy_table
from rungwise.findings import Table


def tables(results: FamilyResults) -> tuple[Table, ...]:
    return (
        accuracy_table(results, "Hidden layers"),
        *class_tables(results),
        *confusion_tables(results.ran, results.settings.name),
    )
