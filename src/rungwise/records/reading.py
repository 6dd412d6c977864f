"""Reads one record, and says what is wrong with it."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from rungwise.records.checks import identity_fault, parsed, recount_fault, seal
from rungwise.records.errors import DamagedRecordError
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
    return suspects[0] if suspects and can(suspects) else None


def sealed_text(record: Record) -> str:
    """The text of record.json, with the digest of all else in it. ValueError where a number is not finite."""
    content = record.model_dump(mode="json", exclude={"sha256"})
    return json.dumps({**content, "sha256": seal(content)}, indent=1, allow_nan=False)


def unsealed_fault(record: Record) -> str:
    """What can be seen of damage without digests: files that cannot be read, accuracies that predictions deny."""
    try:
        for name in record.arrays:
            _ = record.arrays[name]
        return recount_fault(record)
    except DamagedRecordError as error:
        return f"{error.path.name}: {error.why}"
    except ValueError as error:
        return str(error)


def read_record(path: Path, trial_id: str, status: str) -> Record:
    """A record, its identity checked. Raises DamagedRecordError."""
    try:
        raw = parsed(path.read_bytes())
        record = Record.model_validate(raw, strict=True)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        raise DamagedRecordError(
            trial_id, path, f"it is no record of this version of rungwise: {where}: {wrong['msg']}"
        ) from None
    except ValueError as error:
        raise DamagedRecordError(trial_id, path, f"it is no JSON ({str(error)[:100]})") from None
    except OSError as error:
        raise DamagedRecordError(trial_id, path, f"it cannot be read ({error.strerror})") from None
    if fault := identity_fault(raw, record, trial_id, status):
        raise DamagedRecordError(trial_id, path, fault)
    return record
