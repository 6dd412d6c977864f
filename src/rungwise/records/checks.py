"""What a record must be to be believed: each function returns what is wrong, in words, or nothing."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rungwise.digests import digest_of
from rungwise.quantities import quantity
from rungwise.records.record import Record
from rungwise.trial import id_of

ARRAYS, WEIGHTS = "arrays.npz", "weights.safetensors"
TOLERANCE = 1e-6
"""Between an accuracy and the one counted again from the predictions: accuracies may have been kept in 32 bits."""


def parsed(content: bytes) -> dict[str, Any]:
    """A record's JSON. Raises ValueError with what is wrong with it."""
    try:
        raw = json.loads(content.decode(), parse_constant=_no_number, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    if not isinstance(raw, dict):
        raise ValueError("expected a JSON object")
    return raw


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def seal(raw: Mapping[str, Any]) -> str:
    """The digest that a record has: of everything in it but the digest itself."""
    return digest_of({key: value for key, value in raw.items() if key != "sha256"})


def identity_fault(raw: Mapping[str, Any], record: Record, trial_id: str, status: str) -> str:
    """Whether the record is that of the trial, and as it was written."""
    if record.id != trial_id:
        return f"it says that it is the record of {record.id}, and stands where that of {trial_id} belongs"
    if id_of(record.spec) != record.id:
        return f"its spec is that of {id_of(record.spec)}: the spec or the id was edited"
    if record.status != status:
        return f"its status is {record.status!r}, expected {status!r}"
    if record.version > 1 and record.sha256 != (digest := seal(raw)):
        return (
            f"its content was changed after it was written: its digest is {digest[:12]}, expected {record.sha256[:12]}"
        )
    if record.version == 1 and (record.sha256 or record.files):
        return "it says that it is of version 1, which has no digests, and has some"
    if record.version > 1 and status == "done" and ARRAYS not in record.files:
        return f"it has no digest of {ARRAYS}"
    return ""


def numbers_fault(summary: Mapping[str, float], history: Mapping[str, list[float]]) -> str:
    """The first number that cannot be, or a curve that is too short or too long."""
    return next(_numbers_faults(summary, history), "")


def _numbers_faults(summary: Mapping[str, float], history: Mapping[str, list[float]]) -> Iterator[str]:
    values = [(name, value) for name, value in summary.items()]
    values += [(name, value) for name, curve in history.items() for value in curve]
    for name, value in values:
        about = quantity(name)
        if not (about.holds(value) if about else np.isfinite(value)):
            yield f"{name} is {value:g}, expected {about.range if about else 'a finite number'}"
    lengths = {summary[name] for name in ("epochs", "iterations") if name in summary}
    for name, curve in history.items():
        if lengths and len(curve) not in {1, *lengths}:
            wanted = " or ".join(f"{length:g}" for length in sorted({1, *lengths}))
            yield f"the curve {name} has {len(curve)} values, expected {wanted}: one per epoch or iteration"


def recount_fault(record: Record) -> str:
    """Whether each accuracy is that of the predictions that were kept with it. Opens the arrays."""
    arrays = record.arrays
    names = set(arrays)
    for name, value in record.summary.items():
        counted = _counted(name, record, names)
        if counted is not None and abs(counted - value) > TOLERANCE:
            return f"{name} is {value:.6g}, and its predictions give {counted:.6g}"
    return ""


def _counted(name: str, record: Record, names: set[str]) -> float | None:
    """An accuracy from the predictions; None where they were not kept. ValueError where there are not enough."""
    if not name.startswith("test_accuracy"):
        return None
    suffix, arrays = name.removeprefix("test_accuracy"), record.arrays
    labels, predictions = f"test_labels{suffix}", f"test_predictions{suffix}"
    if not {labels, predictions} <= names:
        return None
    truth, said = arrays[labels], arrays[predictions]
    if truth.shape != said.shape or truth.ndim != 1 or not len(truth):
        raise ValueError(f"{predictions} {said.shape} and {labels} {truth.shape} are not about the same images")
    return float(np.mean(said == truth))
