"""Reads one record, and says what is wrong with it."""

import json
import os
from pathlib import Path

from pydantic import ValidationError

from rungwise.records.checks import ARRAYS, WEIGHTS, identity_fault, numbers_fault, parsed, recount_fault, seal
from rungwise.records.errors import DamagedRecordError
from rungwise.records.index import Index
from rungwise.records.record import Record
from rungwise.records.tensors import Arrays, Weights


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


def open_record(folder: Path, trial_id: str, index: Index) -> Record:
    """A finished trial's record from its folder, checked, with its arrays. Weights are checked when they are opened.

    Raises KeyError where there is nothing, DamagedRecordError where it is not what its id says.
    """
    if not os.path.lexists(folder):
        raise KeyError(trial_id)
    if not (folder / "record.json").is_file():
        raise DamagedRecordError(trial_id, folder, "expected a folder with a record.json")
    record = read_record(folder / "record.json", trial_id, "done")

    def check(name: str) -> None:
        if why := file_fault(folder / name, record, index):
            raise DamagedRecordError(trial_id, folder, why)

    arrays = Arrays(folder / ARRAYS, trial_id)
    weights = Weights(folder / WEIGHTS, trial_id, lambda: check(WEIGHTS))
    record = record.model_copy(update={"arrays": arrays, "weights": weights})
    if record.version > 1:
        check(ARRAYS)
    if fault := numbers_fault(record.summary, record.history) or (
        unsealed_fault(record) if record.version == 1 else ""
    ):
        raise DamagedRecordError(trial_id, folder, fault)
    return record


def verify_record(folder: Path, trial_id: str, index: Index) -> Record:
    """As `open_record`, with every file read again, and accuracies counted again from predictions."""
    record = open_record(folder, trial_id, index)
    for name in (ARRAYS, *([WEIGHTS] if os.path.lexists(folder / WEIGHTS) else [])):
        if why := file_fault(folder / name, record, index, anew=True):
            raise DamagedRecordError(trial_id, folder, why)
    if fault := unsealed_fault(record):
        raise DamagedRecordError(trial_id, folder, fault)
    len(record.weights)
    return record


def file_fault(path: Path, record: Record, index: Index, *, anew: bool = False) -> str:
    """Whether a file is as it was when the record was sealed; of unsealed ones nothing is known.

    `anew`: whether it is read again, whatever the index says.
    """
    if not path.is_file():
        return f"{path.name} is {'no file' if os.path.lexists(path) else 'missing'}"
    if record.version == 1:
        return ""
    if path.name not in record.files:
        return f"{path.name} is no part of the record: it has no digest of it"
    try:
        digest = index.digest(path, anew=anew)
        if digest != record.files[path.name]:  # unless it is the index that is wrong
            digest = index.digest(path, anew=True)
    except OSError as error:
        return f"{path.name} cannot be read ({error.strerror})"
    if digest == record.files[path.name]:
        return ""
    return f"{path.name} was changed: its SHA-256 is {digest[:12]}, expected {record.files[path.name][:12]}"
