"""From records to a document: every chapter's findings, and where they come from."""

import datetime
from collections.abc import Iterator, Set

from rungwise.chapters import load_chapter
from rungwise.chapters.chapter import ChapterSettings
from rungwise.judging.judge import judged
from rungwise.records.found import Found
from rungwise.records.record import CHOICES, Record
from rungwise.records.seal import told_seal
from rungwise.records.store import Store
from rungwise.report.document import Document, TrialRow
from rungwise.study.folder import seal_of, unreported
from rungwise.study.study import Study, study_trials, wanted
from rungwise.words import counted, listed


def assemble(study: Study, store: Store) -> Document:
    """The study's document, from its records alone: the same records give the same document.

    Chapters that have neither a record nor a claim are left out. A damaged record is used for nothing, and named.
    """
    return store.reading(wanted(study), lambda found: _document(study, store, found))


def _document(study: Study, store: Store, found: Found) -> Document:
    records, failures = found.records, found.failures
    claims, seal = judged(study, records), seal_of(study, store, found)
    return Document(
        title=study.title,
        created=_latest([*records.values(), *failures.values()]),
        chapters=tuple(
            load_chapter(chapter.kind)
            .findings(chapter, study.seeds_of(chapter), records)
            .model_copy(update={"name": chapter.name, "claims": claims.get(chapter.name, ())})
            for chapter in study.chapters
            if chapter.claims or _has_run(study, chapter, records.keys() | failures.keys() | found.damaged.keys())
        ),
        environment=(*_environment(list(records.values())), ("Seal", told_seal(seal, records.values()))),
        study=study.as_shown(),
        trials=trial_rows(study, found),
        command="rungwise run study.json",
        notes=(*_damage(study, found), *_outdated(study, found), *unreported(study, store)),
        seal=seal,
        data=tuple(_own_data(study)),
    )


def _own_data(study: Study) -> Iterator[str]:
    """What a reader must know of own images: how they were made equal and split, and what was left out."""
    for facts in {chapter.data.key: chapter.data.facts for chapter in study.chapters if chapter.data.own}.values():
        yield " ".join(
            (f"{facts.name}:", facts.preparation, *([f"Note: {'; '.join(facts.notes)}."] if facts.notes else ()))
        )


def trial_rows(study: Study, found: Found) -> tuple[TrialRow, ...]:
    """A row for every trial of the study, in its order."""
    rows = []
    for chapter, trial in study_trials(study):
        record = found.records.get(trial.id) or found.failures.get(trial.id)
        damage = found.damaged.get(trial.id)
        rows.append(
            TrialRow(
                id=trial.id,
                label=trial.label,
                chapter=chapter.name,
                seed=trial.seed,
                status=record.status if record else "damaged" if damage else "not run",
                time_s=sum(record.timings.values()) if record and record.timings else None,
                error=record.error if record else damage,
            )
        )
    return tuple(rows)


def _damage(study: Study, found: Found) -> Iterator[str]:
    """What is damaged, by its trial. Paths are named in the appendix: a report that is moved stays the same."""
    names = [f"{t.label} (seed {t.seed})" for _, t in study_trials(study) if t.id in found.damaged]
    if names:
        yield (
            f"{counted(len(names), 'record')} {'is' if len(names) == 1 else 'are'} damaged and left out: "
            f"{listed(names)}. The table of trials says what is wrong. Running the study again sets them aside and "
            "computes their trials anew."
        )


def _outdated(study: Study, found: Found) -> Iterator[str]:
    """Records that an earlier version of the code made, whose results have changed since."""
    specs = {trial.id: trial.spec for _, trial in study_trials(study)}
    old = [trial_id for trial_id, record in found.records.items() if record.spec != specs[trial_id]]
    if old:
        yield (
            f"{counted(len(old), 'trial')} {'was' if len(old) == 1 else 'were'} computed by an earlier version of the "
            "code, whose results have changed since. Running the study again computes them anew."
        )


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
