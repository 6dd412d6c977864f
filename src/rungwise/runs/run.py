"""From a study to its report: plan, compute what is missing, tell."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from rungwise.evidence.judgement import Judgement
from rungwise.evidence.measure import Measurement
from rungwise.files import write_atomically
from rungwise.judging.curves import Point, curves
from rungwise.judging.judge import judged, measurements
from rungwise.records.errors import StoreError
from rungwise.records.found import Found
from rungwise.records.record import Record
from rungwise.records.store import Store
from rungwise.report.assemble import assemble
from rungwise.report.build import write_report
from rungwise.report.notebook import document_html
from rungwise.runs.display import Display
from rungwise.runs.kept_weights import fetch_back, leave_out
from rungwise.runs.own_data import note_own_data, reading_of
from rungwise.shown import Shown, html_view
from rungwise.study.adapt import adapt
from rungwise.study.folder import check_owner, usual_folder
from rungwise.study.memory import check_study
from rungwise.study.plan import longest_first, plan
from rungwise.study.reading import parse_study
from rungwise.study.study import Study, study_trials, wanted
from rungwise.study.text import read_text
from rungwise.words import counted


class TrialsFailedWarning(UserWarning):
    """Trials of a run failed; `Run.failures` and the report say why."""


class DamagedRecordsWarning(UserWarning):
    """Records of a run are not what their ids say and are left out; `Run.damaged` says what is wrong with each."""


@dataclass(frozen=True, repr=False)
class Run(Shown):
    """A study and where its records are."""

    study: Study
    store: Store
    set_aside: Mapping[str, str] = field(default_factory=dict)
    """What this run found damaged, moved to ``damaged/`` and computed anew: what was wrong, by id."""
    changed: tuple[str, ...] = ()
    """What this run found changed in own data since the last one, in words."""
    left_out: tuple[str, ...] = ()
    """What of the study could not be asked of the data that this run was given, and why."""

    @property
    def found(self) -> Found:
        """What the folder has of the study's trials: records, failures, and what is damaged."""
        return self.store.read(wanted(self.study))

    def __repr__(self) -> str:
        found, planned = self.found, len(wanted(self.study))
        done, failed, damaged = len(found.records), len(found.failures), len(found.damaged)
        return (
            f"Run of {self.study.title!r} in {self.store.root}: {done} of {counted(planned, 'trial')} done, "
            f"{failed} failed, {f'{damaged} damaged, ' * (damaged > 0)}{planned - done - failed - damaged} not run"
        )

    @property
    def records(self) -> dict[str, Record]:
        """The finished trials by id. A DamagedRecordsWarning names those that are left out."""
        return self._sound(self.found).records

    @property
    def failures(self) -> dict[str, Record]:
        """The trials that failed and have not been done since, by id."""
        return self.found.failures

    @property
    def damaged(self) -> dict[str, str]:
        """What is wrong with each record that is not what its id says, by id: it is used for nothing."""
        return self.found.damaged

    @property
    def measurements(self) -> list[Measurement]:
        """Every number that the chapters measured, as a tidy table."""
        return self.store.reading(
            wanted(self.study), lambda found: measurements(self.study, self._sound(found).records)
        )

    @property
    def claims(self) -> dict[str, tuple[Judgement, ...]]:
        """The claims of each chapter with their verdicts, by the chapters' names."""
        return self.store.reading(wanted(self.study), lambda found: judged(self.study, self._sound(found).records))

    @property
    def curves(self) -> list[Point]:
        """Every learning curve of the records, as a tidy table."""
        return curves(self.study, self.records)

    def _sound(self, found: Found) -> Found:
        if found.damaged:
            warnings.warn(
                f"{counted(len(found.damaged), 'damaged record')} of {self.study.title!r} left out: "
                f"{'; '.join(found.damaged.values())}",
                DamagedRecordsWarning,
                stacklevel=4,
            )
        return found

    def write_report(self) -> Path:
        """Write report.html, report.md and findings.json from the records alone; the path of the first."""
        page = write_report(assemble(self.study, self.store), self.store.root)
        self.store.index.save()
        return page


def run_study(
    study: Study,
    out: Path | None = None,
    *,
    chapters: Sequence[str] = (),
    device: Literal["auto", "cpu", "cuda"] = "auto",
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
    refuse_repeated_script()
    source_date()
    given = None if data is None else data_of(data)
    out = out or usual_folder(study.whence.name or study.title, given)
    adapted = None if given is None else adapt(study, study.whence.name or study.title, given)
    study = study if adapted is None else adapted.study
    computed = study.only(chapters) if chapters else study
    chosen = choose_device(device)
    trials = [trial for _, trial in study_trials(computed)]
    engine = LocalEngine(device=chosen, workers=workers or default_workers(chosen, len(trials)), offline=offline)
    store = Store(out)
    check_owner(study, store)
    check_study(computed, workers=engine.workers, device=chosen, gpu_bytes=gpu_memory())
    with bars() as show:
        for source in sorted({chapter.data.source for chapter in computed.chapters if not chapter.data.own}):
            load(source, offline=offline, progress=None if quiet else show)
    store.create()
    changed = note_own_data(study, out)
    write_atomically(out / "study.json", study.as_json())
    if adapted is not None:
        write_atomically(out / "study.toml", adapted.text)
    set_aside = store.set_aside(trial.id for trial in trials)

    console = console or Console(stderr=True)
    fetch_back(trials, store, None if quiet else console)
    rows = plan(computed, product_rates(chosen))
    with Display({row.id: row.time_s for row in rows}, console, quiet) as display:
        engine.run(longest_first(trials), store, display)
    leave_out(study, store, None if quiet else console)
    run = Run(study, store, set_aside, tuple(changed), () if adapted is None else adapted.left_out)
    run.write_report()
    if failed := len(run.failures):
        warnings.warn(
            f"{counted(failed, 'trial')} of {run.study.title!r} failed; Run.failures and {out / 'report.html'} say why",
            TrialsFailedWarning,
            stacklevel=2,
        )
    return run


def open_run(folder: Path) -> Run:
    """A run from its folder. Raises StoreError where there is none, or where its study cannot be read."""
    path = folder / "study.json"
    if not path.exists():
        raise StoreError(
            f"{folder} holds no run: expected {path.name} in it, as `rungwise run STUDY --out {folder}` writes it"
        )
    return Run(parse_study(read_text(path), str(path), reading_of(folder)), Store(folder))


@html_view.register
def _run_view(run: Run) -> str:
    """What a run's report would tell now, and where it is."""
    page = run.store.root / "report.html"
    return document_html(assemble(run.study, run.store), page if page.is_file() else None)
