"""What a comparison found, as plain data."""

import json

from pydantic import Field

from rungwise.comparison import differences
from rungwise.comparison.outcome import ComparedNumber, NumberOutcome
from rungwise.report.document import TrialRow
from rungwise.settings import PlainData


class Summary(PlainData):
    """What the rows come to."""

    compared: int
    decide: int
    """Rows that the exit code depends on."""
    outcomes: dict[NumberOutcome, int]
    decisive: dict[NumberOutcome, int]
    """Outcomes of the rows that decide."""


class Comparison(PlainData):
    """One run against the base."""

    run: str
    settings: tuple[differences.SettingDifference, ...]
    models: tuple[differences.ModelDifference, ...]
    environment: tuple[differences.FactDifference, ...]
    data: tuple[differences.DataDifference, ...]
    """The chapters whose seeds don't mean the same images."""
    warnings: tuple[str, ...]
    rows: tuple[ComparedNumber, ...]
    """In the order of the base."""
    summary: Summary
    worse: bool
    """Whether a number that decides got worse beyond noise."""


class ComparedRun(PlainData):
    """One of the runs."""

    name: str
    """Of its folder, with as much of the path as makes it unique."""
    folder: str
    title: str
    planned: int
    finished: int
    failed: int
    """Trials."""
    damaged: tuple[str, ...] = ()
    """Records that were left out, since they are not what their ids say: what is wrong with each."""
    ended: str
    """When the last trial ended: UTC, ISO 8601."""
    facts: dict[str, str]
    """What the trials ran with."""
    trials: tuple[TrialRow, ...] = Field(exclude=True)
    """Their ids as RUN/ID, for the page."""


class Compared(PlainData):
    """The whole comparison as plain data; the first run is the base."""

    runs: tuple[ComparedRun, ...]
    metrics: tuple[str, ...]
    """To which it was restricted; none: not."""
    margin: float
    times: bool
    comparisons: tuple[Comparison, ...]
    worse: bool

    @property
    def base(self) -> str:
        return self.runs[0].name


def as_json(compared: Compared) -> str:
    """Schema 1: a number that is undefined or not finite is null."""
    return json.dumps({"schema": 1, **json.loads(compared.model_dump_json())}, ensure_ascii=False, indent=1)
