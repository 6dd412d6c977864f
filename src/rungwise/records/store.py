"""Where records are kept: one plain folder per trial, which can be copied, read and deleted by hand.

    DIR/study.json                 the resolved study
    DIR/trials/ID/record.json      spec, summary, history, timings, environment
    DIR/trials/ID/arrays.npz       predictions, maps, images
    DIR/trials/ID/weights.safetensors
    DIR/failed/ID.json             the record of a trial that failed; it is tried again next time

A folder under trials/ is complete from the moment it has its name: it is written under another name and renamed.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import numpy as np
from filelock import FileLock
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from rungwise.errors import UserError
from rungwise.files import flush_to_disk, naming, rename, write_atomically
from rungwise.records.record import Environment, Record
from rungwise.trial import Outcome, Trial


class StoreError(UserError):
    """A folder of records cannot be read or written as it is."""


class Store:
    """The records under one folder. Several processes may write to it at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self) -> Self:
        """Make the folder, and clear away what a killed run left half written."""
        try:
            for name in ("trials", "failed", "partial", "locks"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot write to {self.root}: {error.strerror}. Choose another --out") from None
        self.sweep()
        return self

    def sweep(self) -> None:
        """Clear away what processes that are no more left half written."""
        for partial in (self.root / "partial").iterdir():
            lock = self.lock(partial.name)
            if not lock.is_locked and _try(lock):
                shutil.rmtree(partial, ignore_errors=True)
                lock.release()

    def lock(self, trial_id: str) -> FileLock:
        """Held by the process that computes the trial. The system frees it when that process dies."""
        return FileLock(self.root / "locks" / trial_id)

    def has(self, trial_id: str) -> bool:
        return (self.root / "trials" / trial_id / "record.json").is_file()

    def load(self, trial_id: str) -> Record:
        """A finished trial's record; KeyError where there is none, StoreError where it is damaged."""
        folder = self.root / "trials" / trial_id
        path = folder / "record.json"
        if not path.is_file():
            raise KeyError(trial_id)
        record = _read(path)
        return record.model_copy(
            update={
                "arrays": _Arrays(folder / "arrays.npz"),
                "weights": _Weights(folder / "weights.safetensors"),
            }
        )

    def load_all(self, trial_ids: set[str]) -> dict[str, Record]:
        """The finished ones among these trials."""
        return {trial_id: self.load(trial_id) for trial_id in sorted(trial_ids) if self.has(trial_id)}

    def failures(self, trial_ids: set[str]) -> dict[str, Record]:
        """The failed ones among these trials."""
        folder = self.root / "failed"
        paths = {trial_id: folder / f"{trial_id}.json" for trial_id in sorted(trial_ids)}
        return {trial_id: _read(path) for trial_id, path in paths.items() if path.is_file()}

    def save(self, trial: Trial, outcome: Outcome, environment: Environment, data_sha256: dict[str, str]) -> None:
        """Keep a finished trial. Where another process was first, its record stays.

        Raises OSError, which names the trial's folder, where that cannot be written; then nothing of it is left."""
        record = Record(
            id=trial.id,
            label=trial.label,
            spec=trial.spec,
            status="done",
            summary=outcome.summary,
            history=outcome.history,
            timings=outcome.timings,
            choices=outcome.choices,
            data_sha256=data_sha256,
            environment=environment,
        )
        partial = self.root / "partial" / trial.id
        shutil.rmtree(partial, ignore_errors=True)
        final = self.root / "trials" / trial.id
        try:
            with naming(final):
                partial.mkdir()
                _write(partial, outcome, record)
                if not final.exists():
                    rename(partial, final)
                    flush_to_disk(final.parent)
        finally:  # where it has not got its name
            shutil.rmtree(partial, ignore_errors=True)
        (self.root / "failed" / f"{trial.id}.json").unlink(missing_ok=True)

    def fail(self, trial: Trial, error: str, environment: Environment, traceback: str | None = None) -> None:
        """Keep why a trial failed."""
        record = Record(
            id=trial.id,
            label=trial.label,
            spec=trial.spec,
            status="failed",
            error=error,
            traceback=traceback,
            environment=environment,
        )
        write_atomically(self.root / "failed" / f"{trial.id}.json", _json(record))


def _write(folder: Path, outcome: Outcome, record: Record) -> None:
    np.savez_compressed(folder / "arrays.npz", **outcome.arrays)  # type: ignore[arg-type]
    if outcome.weights:  # not by save_file, which hides the number of the system's error
        (folder / "weights.safetensors").write_bytes(save(outcome.weights))
    (folder / "record.json").write_text(_json(record), encoding="utf-8", newline="\n")
    for path in folder.iterdir():
        flush_to_disk(path)


class _Arrays(Mapping[str, np.ndarray]):
    """The arrays of one NPZ file, each read when asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __getitem__(self, key: str) -> np.ndarray:
        with np.load(self.path, allow_pickle=False) as arrays:
            return np.asarray(arrays[key])

    def __iter__(self) -> Iterator[str]:
        with np.load(self.path, allow_pickle=False) as arrays:
            return iter(list(arrays.files))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Weights(Mapping[str, np.ndarray]):
    """The tensors of one safetensors file, each read when asked for; empty where the trial has no weights."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __getitem__(self, key: str) -> np.ndarray:
        try:
            with safe_open(self.path, framework="np") as tensors:
                return np.asarray(tensors.get_tensor(key))
        except (FileNotFoundError, SafetensorError):
            raise KeyError(key) from None

    def __iter__(self) -> Iterator[str]:
        if not self.path.is_file():
            return iter(())
        with safe_open(self.path, framework="np") as tensors:
            return iter(list(tensors.keys()))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _json(record: Record) -> str:
    return json.dumps(record.model_dump(mode="json"), indent=1, allow_nan=False)


def _read(path: Path) -> Record:
    try:
        return Record.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        raise StoreError(
            f"{path} is not a record of this version of rungwise ({str(error).splitlines()[0]}). "
            "Delete its folder: the next run computes the trial again"
        ) from None


def _try(lock: FileLock) -> bool:
    """Whether the lock was free; it is then held."""
    try:
        lock.acquire(blocking=False)
    except TimeoutError:
        return False
    return True
