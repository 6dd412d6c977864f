"""From records to a document: every chapter's findings, and where they come from."""

import datetime
from collections.abc import Mapping, Set

from rungwise.chapters import load_chapter
from rungwise.chapters.chapter import ChapterSettings
from rungwise.judging.judge import judged
from rungwise.records.record import CHOICES, Record
from rungwise.records.store import Store
from rungwise.report.document import Document, TrialRow
from rungwise.study.study import Study, study_trials


def assemble(study: Study, store: Store) -> Document:
    """The study's document, from its records alone: the same records give the same document.

    Chapters that have neither a record nor a claim are left out.
    """
    planned = study_trials(study)
    ids = {trial.id for _, trial in planned}
    records, failures = store.load_all(ids), store.failures(ids)
    claims = judged(study, records)
    return Document(
        title=study.title,
        created=_latest([*records.values(), *failures.values()]),
        chapters=tuple(
            load_chapter(chapter.kind)
            .findings(chapter, study.seeds_of(chapter), records)
            .model_copy(update={"name": chapter.name, "claims": claims.get(chapter.name, ())})
            for chapter in study.chapters
            if chapter.claims or _has_run(study, chapter, records.keys() | failures.keys())
        ),
        environment=_environment(list(records.values())),
        study=study.as_json(),
        trials=trial_rows(study, records, failures),
        command="rungwise run study.json",
    )


def trial_rows(study: Study, records: Mapping[str, Record], failures: Mapping[str, Record]) -> tuple[TrialRow, ...]:
    """A row for every trial of the study, in its order; records and failures by id."""
    rows = []
    for chapter, trial in study_trials(study):
        record = records.get(trial.id) or failures.get(trial.id)
        rows.append(
            TrialRow(
                id=trial.id,
                label=trial.label,
                chapter=chapter.name,
                seed=trial.seed,
                status=record.status if record else "not run",
                time_s=sum(record.timings.values()) if record and record.timings else None,
                error=record.error if record else None,
            )
        )
    return tuple(rows)


def _has_run(study: Study, chapter: ChapterSettings, ids: Set[str]) -> bool:
    trials = load_chapter(chapter.kind).trials(chapter, study.seeds_of(chapter))
    return any(trial.id in ids for trial in trials)


def _latest(records: list[Record]) -> str:
    """The date on which the last trial ended, so that a report rebuilt later is the same report."""
    ends = [record.environment.finished_at for record in records]
    return max(ends)[:10] if ends else datetime.date.min.isoformat()


def _environment(records: list[Record]) -> tuple[tuple[str, str], ...]:
    """What the trials ran with; where trials differ, all that occurred."""

    def each(name: str, values: list[str]) -> tuple[str, str]:
        return name, "; ".join(dict.fromkeys(values))

    environments = [record.environment for record in records]
    ways = {name.capitalize(): [r.choices[key] for r in records if key in r.choices] for key, name in CHOICES.items()}
    return (
        each("Processor", [f"{e.processor}, {e.cores} cores" for e in environments]),
        each("Memory", [f"{e.memory_bytes / 2**30:.1f} GiB" for e in environments]),
        each("Device", [e.hardware for e in environments]),
        each("Trials side by side, threads each", [f"{e.workers} × {e.threads}" for e in environments]),
        *(each(name, found) for name, found in ways.items() if found),
        each("System", [e.platform for e in environments]),
        each("Python", [e.python for e in environments]),
        each("Libraries", [", ".join(f"{k} {v}" for k, v in e.libraries.items()) for e in environments]),
        each("rungwise", [f"{e.rungwise} ({e.commit or 'installed'})" for e in environments]),
        each(
            "Data (SHA-256 of the uncompressed files)",
            [f"{name} {digest}" for r in records for name, digest in r.data_sha256.items()],
        ),
    )
