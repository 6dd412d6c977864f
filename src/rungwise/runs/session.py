"""The steps that everything which computes a study's trials has in common."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console

from rungwise.data.files.progress import bars
from rungwise.data.given import Given, data_of
from rungwise.data.load import load
from rungwise.dates import source_date
from rungwise.engine.local import LocalEngine, default_workers
from rungwise.engine.machine import choose_device, gpu_memory, product_rates
from rungwise.engine.processes import refuse_repeated_script
from rungwise.files import write_atomically
from rungwise.records.store import Store
from rungwise.runs.display import Display
from rungwise.runs.kept_weights import fetch_back, leave_out
from rungwise.runs.opened import Run, TrialsFailedWarning
from rungwise.runs.own_data import note_own_data
from rungwise.study.adapt import Adapted, adapt
from rungwise.study.checks import refuse_unfit
from rungwise.study.folder import check_owner, usual_folder
from rungwise.study.memory import check_study
from rungwise.study.plan import longest_first, plan
from rungwise.study.study import Study, wanted
from rungwise.trial import Trial
from rungwise.words import counted

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class Begun:
    """A study, asked of the data that was given, and the folder of its records; nothing is written yet."""

    study: Study
    store: Store
    adapted: Adapted | None
    """What became of the study on other data than its own."""


def begin(study: Study, out: Path | None, data: Given | None) -> Begun:
    """Raises StudyError, DataError, DateError, StoreError, or ScriptError where workers would repeat the script."""
    refuse_repeated_script()
    source_date()
    given = None if data is None else data_of(data)
    store = Store(out or usual_folder(study.whence.name or study.title, given))
    adapted = None if given is None else adapt(study, study.whence.name or study.title, given)
    study = study if adapted is None else adapted.study
    refuse_unfit(study)
    check_owner(study, store)
    return Begun(study, store, adapted)


@dataclass(frozen=True)
class Session:
    """A study's folder, and the machine that its trials are computed on."""

    store: Store
    adapted: Adapted | None
    engine: LocalEngine
    console: Console
    quiet: bool
    rate: Callable[[str], float]
    """Of matrix products on the device, which is measured once (`engine.machine.product_rates`)."""

    @property
    def told(self) -> Console | None:
        """Where notes go; None where there are to be none."""
        return None if self.quiet else self.console

    def note(self, study: Study) -> list[str]:
        """Write down what is run, before it is; what has changed in own data since the last run, in words."""
        self.store.create()
        changed = note_own_data(study, self.store.root)
        write_atomically(self.store.root / "study.json", study.as_json())
        if self.adapted is not None:
            write_atomically(self.store.root / "study.toml", self.adapted.text)
        return changed

    def compute(self, study: Study, trials: list[Trial]) -> dict[str, str]:
        """Carry out those of the study's trials that have no record; what was wrong with records that were set aside,
        by id."""
        set_aside = self.store.set_aside(trial.id for trial in trials)
        fetch_back(trials, self.store, self.told)
        ids = {trial.id for trial in trials}
        cost_s = {row.id: row.time_s for row in plan(study, self.rate) if row.id in ids}
        with Display(cost_s, self.console, self.quiet) as display:
            self.engine.run(longest_first(trials), self.store, display)
        return set_aside

    def finish(
        self,
        study: Study,
        set_aside: Mapping[str, str],
        changed: Sequence[str],
        notes: Sequence[str],
        *,
        stacklevel: int,
    ) -> Run:
        """Leave out the weights that the study does not keep, and write the report. A TrialsFailedWarning tells of what
        failed, at the caller that is `stacklevel` calls above this one."""
        leave_out(study, self.store, self.told)
        left_out = () if self.adapted is None else self.adapted.left_out
        run = Run(study, self.store, set_aside, tuple(changed), left_out, tuple(notes))
        run.write_report()
        if failed := len(run.failures):
            page = self.store.root / "report.html"
            warnings.warn(
                f"{counted(failed, 'trial')} of {study.title!r} failed; Run.failures and {page} say why",
                TrialsFailedWarning,
                stacklevel=stacklevel + 1,
            )
        return run


def open_session(
    begun: Begun,
    computed: Study,
    *,
    device: Device,
    workers: int | None,
    offline: bool,
    console: Console | None,
    quiet: bool,
) -> Session:
    """The machine for the trials of `computed`: as many side by side as they are worth. Its data is there then.

    Raises DeviceError, StudyError or DataError; nothing is computed, and nothing written into the folder.
    """
    chosen = choose_device(device)
    count = len(wanted(computed))
    engine = LocalEngine(device=chosen, workers=workers or default_workers(chosen, count), offline=offline)
    check_study(begun.study, computed, workers=engine.workers, device=chosen, gpu_bytes=gpu_memory())
    with bars() as show:
        for source in sorted({chapter.data.source for chapter in computed.chapters if not chapter.data.own}):
            load(source, offline=offline, progress=None if quiet else show)
    return Session(begun.store, begun.adapted, engine, console or Console(stderr=True), quiet, product_rates(chosen))
