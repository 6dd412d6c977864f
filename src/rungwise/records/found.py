"""What a folder has of some trials."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rungwise.records.record import Record


@dataclass(frozen=True)
class Found:
    """What a folder has of some trials; each trial is in one of the three at most."""

    records: dict[str, Record] = field(default_factory=dict)
    failures: dict[str, Record] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    """What is wrong, with the path, by id."""

    def without(self, trial_id: str, why: str) -> "Found":
        """The same, but for a record that turned out to be damaged."""
        records = {key: record for key, record in self.records.items() if key != trial_id}
        return Found(records, self.failures, {**self.damaged, trial_id: why})


def culprit(found: Found, work: Callable[[Found], object]) -> str | None:
    """The one record without which `work` can be done, although it passes all checks: it was never sealed, or was
    sealed with content that cannot be. None where there is no such record: then the records are not at fault.

    Halves the suspects, so that of thousands it takes about ten tries.
    """

    def can(without: Iterable[str]) -> bool:
        left_out = set(without)
        records = {key: record for key, record in found.records.items() if key not in left_out}
        try:
            work(Found(records, found.failures, found.damaged))
        except Exception:
            return False
        return True

    suspects = sorted(found.records)
    while len(suspects) > 1:
        half = suspects[: len(suspects) // 2]
        suspects = half if can(half) else suspects[len(half) :]
    several = len(found.records) > 1  # of a single one, the code that reads it may as well be at fault
    return suspects[0] if several and can(suspects) else None
