"""From a study to its report: plan, compute what is missing, tell."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console

from rungwise.data.files.progress import bars
from rungwise.data.load import load
from rungwise.dates import source_date
from rungwise.engine.local import LocalEngine, default_workers
from rungwise.engine.machine import choose_device, product_rates
from rungwise.engine.processes import refuse_repeated_script
from rungwise.evidence.measure import Measurement
from rungwise.files import check_regular, write_atomically
from rungwise.judging.curves import Point, curves
from rungwise.judging.judge import measurements
from rungwise.records.record import Record
from rungwise.records.store import Store, StoreError
from rungwise.report.assemble import assemble
from rungwise.report.build import write_report
from rungwise.report.notebook import document_html
from rungwise.runs.display import Display
from rungwise.shown import Shown, html_view
from rungwise.study.plan import longest_first, plan
from rungwise.study.reading import parse_study
from rungwise.study.study import Study, study_trials
from rungwise.words import counted


class TrialsFailedWarning(UserWarning):
    """Trials of a run failed; `Run.failures` and the report say why."""


@dataclass(frozen=True, repr=False)
class Run(Shown):
    """A study and where its records are."""

    study: Study
    store: Store

    def __repr__(self) -> str:
        ids = self._ids()
        done = {trial_id for trial_id in ids if self.store.has(trial_id)}
        failed = self.failures.keys() - done
        return (
            f"Run of {self.study.title!r} in {self.store.root}: {len(done)} of {counted(len(ids), 'trial')} done, "
            f"{len(failed)} failed, {len(ids) - len(done) - len(failed)} not run"
        )

    @property
    def records(self) -> dict[str, Record]:
        """The finished trials by id."""
        return self.store.load_all(self._ids())

    @property
    def failures(self) -> dict[str, Record]:
        """The trials that failed and have not been done since, by id."""
        return self.store.failures(self._ids())

    @property
    def measurements(self) -> list[Measurement]:
        """Every number that the chapters measured, as a tidy table."""
        return measurements(self.study, self.records)

    @property
    def curves(self) -> list[Point]:
        """Every learning curve of the records, as a tidy table."""
        return curves(self.study, self.records)

    def _ids(self) -> set[str]:
        return {trial.id for _, trial in study_trials(self.study)}

    def write_report(self) -> Path:
        """Write report.html, report.md and findings.json from the records alone; the path of the first."""
        return write_report(assemble(self.study, self.store), self.store.root)


def run_study(
    study: Study,
    out: Path,
    *,
    chapters: Sequence[str] = (),
    device: Literal["auto", "cpu", "cuda"] = "auto",
    workers: int | None = None,
    offline: bool = False,
    console: Console | None = None,
    quiet: bool = True,
) -> Run:
    """Compute the trials that have no record yet in `out`, then write the report there.

    `chapters`: only these kinds (all by default); the report tells of everything that has a record.
    Raises StudyError, DeviceError, DataError, DateError or StoreError before anything is computed, ScriptError where
    workers would repeat the caller's script, and OSError where records or the report cannot be written, as on a full
    disk. A trial that fails is in `Run.failures`, and a TrialsFailedWarning tells of it; the others are computed all
    the same.
    """
    refuse_repeated_script()
    source_date()
    computed = study.only(chapters) if chapters else study
    chosen = choose_device(device)
    trials = [trial for _, trial in study_trials(computed)]
    engine = LocalEngine(device=chosen, workers=workers or default_workers(chosen, len(trials)), offline=offline)
    with bars() as show:
        for source in sorted({chapter.data.source for chapter in computed.chapters}):
            load(source, offline=offline, progress=None if quiet else show)
    store = Store(out).create()
    write_atomically(out / "study.json", study.as_json())

    rows = plan(computed, product_rates(chosen))
    with Display({row.id: row.time_s for row in rows}, console or Console(stderr=True), quiet) as display:
        engine.run(longest_first(trials), store, display)
    run = Run(study, store)
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
    try:
        check_regular(path)
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(
            f"{folder} holds no run: expected {path.name} in it, as `rungwise run STUDY --out {folder}` writes it"
        ) from None
    except UnicodeDecodeError:
        raise StoreError(f"{path} is not text in UTF-8, as rungwise writes it: put the right file there") from None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from None
    return Run(parse_study(text, str(path)), Store(folder))


@html_view.register
def _run_view(run: Run) -> str:
    """What a run's report would tell now, and where it is."""
    page = run.store.root / "report.html"
    return document_html(assemble(run.study, run.store), page if page.is_file() else None)
