"""Checks a run's folder: every record, every file, the seal, and the report."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from rungwise.records.errors import DamagedRecordError
from rungwise.records.reading import read_record
from rungwise.records.record import Record
from rungwise.records.seal import state
from rungwise.records.store import Store
from rungwise.report.assemble import assemble
from rungwise.report.build import write_report
from rungwise.runs.run import Run, open_run
from rungwise.study.folder import seal_of, unreported

REPORT = ("report.html", "report.md", "findings.json")
"""The files of a report, beside its figures."""


@dataclass(frozen=True)
class Verification:
    """What was checked, and what is not as it was written."""

    folder: Path
    states: dict[str, int]
    """How many sound records are "sealed", "sealed later" (than they were computed) and "unsealed"."""
    sealed_now: int
    without_weights: int
    """Sealed records whose weights were left out of this folder; what has no file cannot be damaged."""
    damaged: tuple[str, ...]
    """What is wrong, with the path in the folder."""
    seal: str
    """Of the folder; empty where a record is unsealed, damaged or missing altogether."""
    notes: tuple[str, ...]
    report: tuple[str, ...] | None
    """The report's files that differ from what the records give; None: not asked for."""

    @property
    def right(self) -> bool:
        return not self.damaged and not self.report


def check_folder(folder: Path, *, seal: bool = False, report: bool = False) -> Verification:
    """Read every file of every record anew. `seal`: give digests to sound records that have none; `report`: rebuild the
    report elsewhere and compare it with the folder's.

    Raises StoreError where the folder holds no run, or cannot be written to.
    """
    run = open_run(folder)
    store = run.store
    store.forget_index()
    sound: list[Record] = []
    damaged: list[str] = []
    sealed_now = 0
    for name in store.names():
        try:
            sealed_now += seal and store.seal(name)
            sound.append(store.verify(name))
        except DamagedRecordError as damage:
            damaged.append(store.told(damage))
    damaged += _failures(store)
    store.index.save()
    states = [state(record) for record in sound]
    return Verification(
        folder=folder,
        states={name: states.count(name) for name in ("sealed", "sealed later", "unsealed")},
        sealed_now=sealed_now,
        without_weights=sum(store.lacks_weights(record) for record in sound),
        damaged=tuple(damaged),
        seal="" if damaged else seal_of(run.study, store, run.found),
        notes=unreported(run.study, store),
        report=_differing(run) if report else None,
    )


def _failures(store: Store) -> list[str]:
    """What is wrong with the records of failed trials."""
    found = []
    for path in sorted((store.root / "failed").glob("*.json")):
        try:
            read_record(path, path.stem, "failed")
        except DamagedRecordError as damage:
            found.append(store.told(damage))
    return found


def _differing(run: Run) -> tuple[str, ...]:
    """The report's files that are not what the records give, or that are too many or missing."""
    with tempfile.TemporaryDirectory() as made:
        write_report(assemble(run.study, run.store), Path(made))
        ours, theirs = _files(Path(made)), _files(run.store.root)
    return tuple(sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)))


def _files(folder: Path) -> dict[str, bytes]:
    paths = [folder / name for name in REPORT] + sorted((folder / "figures").glob("*.svg"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}
