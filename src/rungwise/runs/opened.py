"""A run: a study and where its records are, and what they say."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rungwise.evidence.judgement import Judgement
from rungwise.evidence.measure import Measurement
from rungwise.judging.curves import Point, curves
from rungwise.judging.judge import judged, measurements
from rungwise.records.errors import StoreError
from rungwise.records.found import Found
from rungwise.records.record import Record
from rungwise.records.store import Store
from rungwise.report.assemble import assemble
from rungwise.report.build import write_report
from rungwise.report.notebook import document_html
from rungwise.runs.own_data import reading_of
from rungwise.shown import Shown, html_view
from rungwise.study.reading import parse_study
from rungwise.study.study import Study, wanted
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
    notes: tuple[str, ...] = ()
    """What a person must know of the folder that it was run in, in words."""

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
