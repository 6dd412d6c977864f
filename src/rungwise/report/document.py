"""The report as plain data, and its machine-readable form."""

import json
import math
from typing import Any, Literal

from pydantic import Field, computed_field

from rungwise.evidence.judgement import Judgement, Number
from rungwise.findings import Findings
from rungwise.settings import PlainData
from rungwise.shown import Shown
from rungwise.words import counted, listed

STATES = {"done": "finished", "failed": "failed", "damaged": "damaged"}
"""What a trial may be that has a record, and the word for it."""

MOST_TRIALS = 1000
"""That a page lists in one place: a browser is slow with tens of thousands of rows or links."""


class TrialRow(PlainData):
    """One line of the appendix that lists every trial."""

    id: str
    label: str
    chapter: str
    seed: int
    status: str
    """``"done"``, ``"failed"``, ``"damaged"``, or what else is known of it, as ``"not run"``."""
    time_s: float | None = None
    """Wall-clock seconds; None where the trial has not finished."""
    error: str | None = None


class Document(PlainData, Shown):
    """Everything that a report tells. Reports are pure functions of it."""

    title: str
    created: str
    """ISO 8601 date, passed in: a report reads no clock."""
    chapters: tuple[Findings, ...]
    environment: tuple[tuple[str, str], ...] = ()
    """Hardware and versions as (label, value)."""
    study: str = ""
    """The study's settings as they were resolved: TOML or JSON text."""
    trials: tuple[TrialRow, ...] = ()
    command: str = "rungwise run study.toml"
    """What reproduces the report."""
    notes: tuple[str, ...] = Field((), exclude_if=lambda notes: not notes)
    """What is not in the report and why: records that are damaged, or that the study does not ask for."""
    data: tuple[str, ...] = Field((), exclude_if=lambda data: not data)
    """What a reader must know of own images, in words."""
    seal: str = Field("", exclude_if=lambda seal: not seal)
    """The digest of the study and of the records behind the report; empty where there is none."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def schema_version(self) -> Literal[2]:
        """Version of the layout of `findings_json`; told there as ``schema``."""
        return 2

    @property
    def seeds(self) -> int:
        """The most seeds that a number rests on; a trial that only judges another one's net adds none."""
        return max((chapter.seeds for chapter in self.chapters), default=0)

    @property
    def claims(self) -> tuple[Judgement, ...]:
        """The claims of every chapter."""
        return tuple(claim for chapter in self.chapters for claim in chapter.claims)

    @property
    def listed_trials(self) -> tuple[TrialRow, ...]:
        """What a page lists: all, or of more than `MOST_TRIALS` the first ones, those that have not finished before the
        others."""
        if len(self.trials) <= MOST_TRIALS:
            return self.trials
        return tuple(sorted(self.trials, key=lambda trial: trial.status == "done")[:MOST_TRIALS])

    @property
    def summary(self) -> str:
        """What the report rests on, in a paragraph."""
        states = [f"{count:,} {word}" for status, word in STATES.items() if (count := self.count(status))]
        if other := self.total - sum(map(self.count, STATES)):
            states.append(f"{other:,} not run")
        chapters, trials = counted(len(self.chapters), "chapter"), counted(self.total, "trial")
        sentences = [f"This report has {chapters} and rests on {trials}{': ' * bool(states)}{listed(states)}."]
        times = {trial.id: trial.time_s for trial in self.trials if trial.time_s is not None}
        if times:
            sentences.append(f"Together they took {duration(sum(times.values()))} of computing.")
        if self.seeds > 1:
            sentences.append(
                f"Numbers rest on up to {self.seeds} seeds. One that comes from several is given as its mean with a "
                "95% interval and n, the number of seeds. The interval says how far the mean may lie from that over "
                "all seeds; where a second one is named for new images, it says so of other images too."
            )
        elif self.seeds:
            sentences.append("Every number rests on one seed, so there are no intervals: nothing is known of noise.")
        return " ".join(sentences)

    @property
    def total(self) -> int:
        """Trials; one that several chapters share counts once."""
        return len({trial.id for trial in self.trials})

    def count(self, status: str) -> int:
        """Trials of that status."""
        return len({trial.id for trial in self.trials if trial.status == status})


def duration(seconds: float) -> str:
    """``8.3 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    minutes = round(seconds / 60)
    return f"{minutes // 60:,} h {minutes % 60} min"


def findings_json(document: Document) -> str:
    """The findings as strict JSON, schema 2: a number that is not finite is null; pixels are base64.

    An estimate carries its values, n, mean and interval (null where n < 2), and where it is known the interval ``new``
    for new images. `read_findings` reads it, and schema 1 too.
    """
    content = document.model_dump(mode="json")
    content = {"schema": content.pop("schema_version"), **content}
    return json.dumps(_finite(content), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def read_findings(text: str) -> dict[str, Any]:
    """What `findings_json` wrote, as JSON types of schema 2. Of schema 1 it adds what that did not know: every verdict
    was about these images, with a number of seeds that was fixed before. Raises ValueError for what is neither."""
    content = json.loads(text)
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema not in (1, 2):
        raise ValueError(f"expected findings of schema 1 or 2, as findings.json has them; got schema {schema!r}")
    for claim in (claim for chapter in content["chapters"] for claim in chapter["claims"]) if schema == 1 else ():
        for name, field in Judgement.model_fields.items():
            claim.setdefault(name, field.default)
        for number in claim["numbers"]:
            number.setdefault("interval", number["estimate"] and number["estimate"]["interval"])
            for name, field in Number.model_fields.items():
                number.setdefault(name, list(field.default) if isinstance(field.default, tuple) else field.default)
    return {**content, "schema": 2}


def _finite(value: object) -> object:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _finite(part) for key, part in value.items()}
        case list() | tuple():
            return [_finite(part) for part in value]
    return value
