"""From a study to its report: plan, compute what is missing, tell."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from rungwise.data.given import Given
from rungwise.runs.opened import DamagedRecordsWarning as DamagedRecordsWarning
from rungwise.runs.opened import Run as Run
from rungwise.runs.opened import TrialsFailedWarning as TrialsFailedWarning
from rungwise.runs.opened import open_run as open_run
from rungwise.runs.session import Device, begin, open_session
from rungwise.study.folder import keep_settled
from rungwise.study.study import Study, study_trials


def run_study(
    study: Study,
    out: Path | None = None,
    *,
    chapters: Sequence[str] = (),
    device: Device = "auto",
    workers: int | None = None,
    offline: bool = False,
    console: Console | None = None,
    quiet: bool = True,
    data: Given | None = None,
) -> Run:
    """Compute the trials that have no record yet in `out`, then write the report there.

    `out`: left out, ``runs/STUDY``, or ``runs/STUDY-DATA`` where the study is asked of other data.
    `chapters`: only these kinds (all by default); the report tells of everything that has a record. `data`: what the
    study is asked of instead of its own data: a data set by name, the path of own images, or arrays of images and
    labels (`data.given`); the study for that data is kept in `out` as ``study.toml``.
    Raises StudyError, DeviceError, DataError, DateError or StoreError before anything is computed, ScriptError where
    workers would repeat the caller's script, and OSError where records or the report cannot be written, as on a full
    disk. A trial that fails is in `Run.failures`, and a TrialsFailedWarning tells of it; the others are computed all
    the same.
    """
    begun = begin(study, out, data)
    study, notes = keep_settled(begun.study, begun.store)
    computed = study.only(chapters) if chapters else study
    session = open_session(
        begun, computed, device=device, workers=workers, offline=offline, console=console, quiet=quiet
    )
    changed = session.note(study)
    set_aside = session.compute(computed, [trial for _, trial in study_trials(computed)])
    return session.finish(study, set_aside, changed, notes, stacklevel=2)
