"""The seal of a folder: one digest by which its study and its records are known again."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rungwise.digests import digest_of
from rungwise.records.record import Record
from rungwise.words import counted


def folder_seal(study: Mapping[str, Any], records: Iterable[Record]) -> str:
    """The SHA-256 over the study's content and the digests of its finished records, 64 hexadecimal digits.

    Empty where there is no record, or one is unsealed. The digest of a record covers those of its files, so the seal
    covers all but times of files, failed trials, and what the study does not report.
    """
    digests = sorted(record.sha256 for record in records)
    return digest_of({"study": study, "records": digests}) if digests and all(digests) else ""


def state(record: Record) -> str:
    """Whether and when a record got its digests: "sealed", "sealed later" or "unsealed"."""
    if record.version == 1:
        return "unsealed"
    return "sealed later" if record.sealed_later else "sealed"


def told_seal(seal: str, records: Iterable[Record]) -> str:
    """The seal and what it rests on, in a line."""
    counts = Counter(map(state, records))
    if seal:
        later = f", {counts['sealed later']} of them sealed after they were computed" * bool(counts["sealed later"])
        return f"{seal} (SHA-256 over the study and {counted(counts.total(), 'record')}{later})"
    if not counts:
        return "none: nothing has finished"
    unsealed = f"{counts['unsealed']} of {counted(counts.total(), 'record')} unsealed"
    return f"none: {unsealed}; rungwise verify --seal seals them"
