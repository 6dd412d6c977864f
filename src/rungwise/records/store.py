"""Where records are kept: one plain folder per trial, which can be copied, read and deleted by hand.

    DIR/study.json                 the resolved study
    DIR/trials/ID/record.json      spec, summary, history, timings, environment, and the digests of the other files
    DIR/trials/ID/arrays.npz       predictions, maps, images
    DIR/trials/ID/weights.safetensors
    DIR/failed/ID.json             the record of a trial that failed; it is tried again next time
    DIR/damaged/ID                 what a run set aside, since it was not what its id says
    DIR/index.json                 which files were checked (`records.index`)

A folder under trials/ is complete from the moment it has its name: it is written under another name and renamed. It is
read with suspicion all the same: what was changed since is named, and used for nothing.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from filelock import FileLock
from safetensors.torch import save

from rungwise.digests import file_digest
from rungwise.errors import UserError
from rungwise.files import flush_to_disk, naming, rename, write_atomically
from rungwise.records.checks import ARRAYS, WEIGHTS, numbers_fault
from rungwise.records.errors import DamagedRecordError, StoreError
from rungwise.records.found import Found, culprit
from rungwise.records.index import Index
from rungwise.records.reading import open_record, read_record, sealed_text, verify_record
from rungwise.records.record import Environment, Record
from rungwise.trial import Outcome, Trial

T = TypeVar("T")
DAMAGED = "damaged"
"""The folder of what a run set aside."""
ABANDONED_S = 3600
"""Age of a file on its way to its name (`files.write_atomically`) whose writer was killed: writing takes seconds."""


class Store:
    """The records under one folder. Several processes may write to it at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._index: Index | None = None
        self._unusable: dict[str, tuple[str, str]] = {}
        """Of records that turned out damaged after they had been read: their digest, and what is wrong; by id."""

    def __reduce__(self) -> tuple[type[Self], tuple[Path]]:
        return type(self), (self.root,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Store) and self.root == other.root

    def __hash__(self) -> int:
        return hash(self.root)

    @property
    def index(self) -> Index:
        """Of the files that were checked."""
        if self._index is None:
            self._index = Index(self.root)
        return self._index

    def forget_index(self) -> None:
        """Believe no earlier check: every file is read again."""
        self.index.entries.clear()
        self.index.changed = True

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
        for place in (".", "failed", "figures", "trials/*"):
            for part in self.root.glob(f"{place}/.*.part"):
                with contextlib.suppress(OSError):  # another run was first
                    if time.time() - part.stat().st_mtime > ABANDONED_S:
                        part.unlink()

    def lock(self, trial_id: str) -> FileLock:
        """Held by the process that computes the trial. The system frees it when that process dies."""
        return FileLock(self.root / "locks" / trial_id)

    def folder(self, trial_id: str) -> Path:
        """Of a finished trial."""
        return self.root / "trials" / trial_id

    def names(self) -> list[str]:
        """Of all that stands under trials/, in order: ids, where nothing strange lies there."""
        folder = self.root / "trials"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    # Reading ----------------------------------------------------------------------------------------------------

    def has(self, trial_id: str) -> bool:
        """Whether there is a record of the finished trial, unread as it may be."""
        return (self.folder(trial_id) / "record.json").is_file()

    def load(self, trial_id: str) -> Record:
        """A finished trial's record, checked, with its arrays. KeyError where there is nothing of the trial,
        DamagedRecordError where it is not what its id says. Weights are checked when they are opened."""
        return open_record(self.folder(trial_id), trial_id, self.index)

    def verify(self, trial_id: str) -> Record:
        """As `load`, with every file read again, and accuracies counted again from predictions."""
        return verify_record(self.folder(trial_id), trial_id, self.index)

    def lacks_weights(self, record: Record) -> bool:
        """Whether a record's weights were kept once, and are not in this folder."""
        return WEIGHTS in record.files and not os.path.lexists(self.folder(record.id) / WEIGHTS)

    def read(self, wanted: Mapping[str, Iterable[str]] | Iterable[str]) -> Found:
        """What there is of these trials: by id, or with the ids under which each was kept before.

        A record under an earlier id counts where there is none under the present one, and has the present id.
        """
        earlier = wanted if isinstance(wanted, Mapping) else dict.fromkeys(wanted, ())
        found = Found()
        for trial_id in sorted(earlier):
            for name in (trial_id, *earlier[trial_id]):
                try:
                    found.records[trial_id] = self.load(name).model_copy(update={"id": trial_id})
                    found.damaged.pop(trial_id, None)
                    break
                except DamagedRecordError as damage:
                    found.damaged.setdefault(trial_id, self.told(damage))
                except KeyError:
                    continue
            if trial_id not in found.records:
                self._read_failure(trial_id, found)
        for trial_id, (digest, why) in self._unusable.items():
            if trial_id in found.records and found.records[trial_id].sha256 == digest:
                found = found.without(trial_id, why)
        return found

    def told(self, damage: DamagedRecordError) -> str:
        """What is wrong, with the path in this folder."""
        return f"{damage.path.relative_to(self.root).as_posix()}: {damage.why}"

    def _read_failure(self, trial_id: str, found: Found) -> None:
        path = self.root / "failed" / f"{trial_id}.json"
        if not path.is_file() or trial_id in found.damaged:
            return
        try:
            found.failures[trial_id] = read_record(path, trial_id, "failed")
        except DamagedRecordError as damage:
            found.damaged[trial_id] = self.told(damage)

    def reading(self, wanted: Mapping[str, Iterable[str]] | Iterable[str], work: Callable[[Found], T]) -> T:
        """`work` with what there is of these trials; again without a record that turns out damaged on the way, and from
        then on counts as that. What no record can be blamed for is raised."""
        found = self.read(wanted)
        while True:
            try:
                return work(found)
            except DamagedRecordError as error:
                if error.trial_id not in found.records:
                    raise
                damage = error
            except (UserError, MemoryError):
                raise
            except Exception as error:
                if (trial_id := culprit(found, work)) is None:
                    raise
                why = f"what it holds cannot be used ({type(error).__name__}: {str(error)[:100]})"
                damage = DamagedRecordError(trial_id, self.folder(trial_id), why)
            self._unusable[damage.trial_id] = found.records[damage.trial_id].sha256, self.told(damage)
            found = found.without(damage.trial_id, self.told(damage))

    def load_all(self, trial_ids: Iterable[str]) -> dict[str, Record]:
        """The finished ones among these trials. Raises DamagedRecordError where one is not what its id says."""
        return {
            trial_id: self.load(trial_id) for trial_id in sorted(trial_ids) if os.path.lexists(self.folder(trial_id))
        }

    def failures(self, trial_ids: Iterable[str]) -> dict[str, Record]:
        """The failed ones among these trials that have not been done since."""
        return self.read(trial_ids).failures

    # Writing ----------------------------------------------------------------------------------------------------

    def set_aside(self, trial_ids: Iterable[str]) -> dict[str, str]:
        """Move what is damaged of these trials to ``damaged/``, and forget failures of what is done; what is wrong with
        each that was moved, by id. Trials that another run is computing are left to it."""
        moved: dict[str, str] = {}
        for trial_id in sorted(trial_ids):
            failed = self.root / "failed" / f"{trial_id}.json"
            if not os.path.lexists(self.folder(trial_id)) and not os.path.lexists(failed):
                continue
            lock = self.lock(trial_id)
            if not _try(lock):
                continue
            try:
                if why := self._damage(trial_id):
                    place = self.move_out(trial_id, DAMAGED).relative_to(self.root)
                    moved[trial_id] = f"{why} (now {place.as_posix()})"
                if self.has(trial_id):
                    failed.unlink(missing_ok=True)
            finally:
                lock.release()
        self.index.save()
        return moved

    def _damage(self, trial_id: str) -> str:
        """What is wrong with a finished trial's folder; empty where nothing is, or where there is none."""
        try:
            len(self.load(trial_id).weights)
        except DamagedRecordError as damage:
            return self.told(damage)
        except KeyError:
            return ""
        return ""

    def move_out(self, trial_id: str, to: str) -> Path:
        """Move a finished trial's folder below another one, as ``damaged``, under a name that is free there: where it
        is now."""
        (self.root / to).mkdir(exist_ok=True)
        place, number = self.root / to / trial_id, 1
        while os.path.lexists(place):
            number += 1
            place = self.root / to / f"{trial_id}-{number}"
        rename(self.folder(trial_id), place)
        return place

    def save(self, trial: Trial, outcome: Outcome, environment: Environment, data_sha256: dict[str, str]) -> None:
        """Keep a finished trial. Where another process was first, its record stays; what is damaged makes room.

        Raises ValueError where a number of the outcome is out of its range, or a curve has another length than its
        epochs; OSError, which names the trial's folder, where that cannot be written. Then nothing of it is left.
        """
        if fault := numbers_fault(outcome.summary, outcome.history):
            raise ValueError(f"{fault}. What each number may be: rungwise.quantities")
        partial, final = self.root / "partial" / trial.id, self.folder(trial.id)
        shutil.rmtree(partial, ignore_errors=True)
        try:
            with naming(final):
                partial.mkdir()
                files = _write_tensors(partial, outcome)
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
                    images=trial.data.described,
                    environment=environment,
                    files=files,
                )
                (partial / "record.json").write_text(sealed_text(record), encoding="utf-8", newline="\n")
                for path in partial.iterdir():
                    flush_to_disk(path)
                if os.path.lexists(final) and self._damage(trial.id):
                    self.move_out(trial.id, DAMAGED)
                if not os.path.lexists(final):
                    rename(partial, final)
                    flush_to_disk(final.parent)
        finally:  # where it has not got its name
            shutil.rmtree(partial, ignore_errors=True)
        (self.root / "failed" / f"{trial.id}.json").unlink(missing_ok=True)

    def fail(self, trial: Trial, error: str, environment: Environment, traceback: str | None = None) -> None:
        """Keep why a trial failed; nothing where it is done all the same, as by a worker that died after saving."""
        if self.has(trial.id):
            return
        record = Record(
            id=trial.id,
            label=trial.label,
            spec=trial.spec,
            status="failed",
            error=error,
            traceback=traceback,
            environment=environment,
        )
        write_atomically(self.root / "failed" / f"{trial.id}.json", sealed_text(record))

    def seal(self, trial_id: str) -> bool:
        """Give an unsealed record its digests; whether it had none. Raises as `verify`."""
        record, folder = self.verify(trial_id), self.folder(trial_id)
        if record.version > 1:
            return False
        files = {name: file_digest(folder / name) for name in (ARRAYS, WEIGHTS) if (folder / name).is_file()}
        sealed = record.model_copy(update={"version": 2, "files": files, "sealed_later": True})
        write_atomically(folder / "record.json", sealed_text(sealed))
        return True


def _write_tensors(folder: Path, outcome: Outcome) -> dict[str, str]:
    """Write the arrays and weights; the digests of their files by name."""
    np.savez_compressed(folder / ARRAYS, **outcome.arrays)  # type: ignore[arg-type]
    if outcome.weights:  # not by save_file, which hides the number of the system's error
        (folder / WEIGHTS).write_bytes(save(outcome.weights))
    return {path.name: file_digest(path) for path in sorted(folder.iterdir())}


def _try(lock: FileLock) -> bool:
    """Whether the lock was free; it is then held."""
    try:
        lock.acquire(blocking=False)
    except TimeoutError:
        return False
    return True
