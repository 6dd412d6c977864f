"""The CNNs' records, read, and beside them those of the MLPs that they are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass

from rungwise.chapters.cnns.settings import Settings
from rungwise.chapters.family import results as family
from rungwise.chapters.family.results import FamilyResults
from rungwise.records.record import Record


@dataclass(frozen=True, eq=False)
class Results:
    """What the chapter's statements, tables and figures are made from."""

    cnns: FamilyResults
    mlps: FamilyResults | None

    @property
    def families(self) -> dict[str, FamilyResults]:
        """Both families by name; empty where one of them has not run."""
        if self.mlps is None or not self.mlps.ran or not self.cnns.ran:
            return {}
        return {"MLPs": self.mlps, "CNNs": self.cnns}


def read_results(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Results:
    other = settings.against
    return Results(
        cnns=family.read_results(settings, seeds, records),
        mlps=family.read_results(other, _seeds(records), records) if other else None,
    )


def _seeds(records: Mapping[str, Record]) -> tuple[int, ...]:
    """The seeds of any record: the MLPs may have run with more of them, or fewer, than the CNNs."""
    found = {seed for record in records.values() if isinstance(seed := record.spec.get("seed"), int)}
    return tuple(sorted(found))
