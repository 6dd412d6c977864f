"""Which weights of trained nets stay in a run's folder: those that the study keeps.

Weights alone come and go here. Which are kept decides nothing about a trial, so it is no part of its id, and a record
without its weights is whole: reports, claims and comparisons need none.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from statistics import fmean

from rich.console import Console

from rungwise.chapters import load_chapter
from rungwise.chapters.chapter import ChapterSettings
from rungwise.evidence.measure import leading
from rungwise.records.checks import WEIGHTS
from rungwise.records.record import Record
from rungwise.records.store import Store
from rungwise.study.study import Study, study_trials
from rungwise.training.settings import Fit
from rungwise.trial import Trial
from rungwise.words import counted

REPLACED = "replaced"
"""The folder of records whose trials were computed anew for their weights."""


def leave_out(study: Study, store: Store, console: Console | None = None) -> None:
    """Delete the weights that the study does not keep, and say so on the console, where there is one.

    What a trial without a record needs stays until it has one.
    """
    trials = {trial.id: trial for _, trial in study_trials(study)}
    records = store.read(set(trials)).records
    kept = {need.id for trial in trials.values() if trial.id not in records for need in with_needs(trial)}
    for chapter in study.chapters:
        kept |= _kept_by(study, chapter, records, store)
    paths = [path for id in records.keys() - kept if (path := weights_path(store, id)).is_file()]
    size = sum(path.stat().st_size for path in paths)
    for path in paths:
        path.unlink(missing_ok=True)
    if paths:
        words = f"The weights of {counted(len(paths), 'trial')} were left out, as the study asks: {size / 1e6:.1f} MB."
        _say(console, words)


def fetch_back(trials: Iterable[Trial], store: Store, console: Console | None = None) -> None:
    """Have those trials computed anew whose weights others need that have no record, where the weights are gone.

    Their earlier records go to the folder `REPLACED`; the console, where there is one, says so.
    """
    moved = 0
    for trial in trials:
        if not store.has(trial.id):
            for need in trial.needs:
                moved += _fetch_back(need, store)
    if moved:
        words = (
            f"{counted(moved, 'trial')} will be computed anew for the weights, which others need and which are gone."
        )
        _say(console, f"{words} The records so far are in {store.root / REPLACED}.")


def weights_path(store: Store, trial_id: str) -> Path:
    return store.folder(trial_id) / WEIGHTS


def with_needs(trial: Trial) -> Iterator[Trial]:
    """The trial, and all that it needs."""
    yield trial
    for need in trial.needs:
        yield from with_needs(need)


def _say(console: Console | None, words: str) -> None:
    if console is not None:
        console.print(words, markup=False, highlight=False, soft_wrap=True)


def _fetch_back(trial: Trial, store: Store) -> int:
    """How many records were moved: that of the trial, where it lacks its weights, and of what it needs in turn."""
    if not isinstance(trial, Fit) or not store.has(trial.id) or weights_path(store, trial.id).is_file():
        return 0
    with store.lock(trial.id):
        if not store.has(trial.id) or weights_path(store, trial.id).is_file():
            return 0  # another run was here meanwhile
        store.move_out(trial.id, REPLACED)
    return 1 + sum(_fetch_back(need, store) for need in trial.needs)


def _kept_by(study: Study, chapter: ChapterSettings, records: Mapping[str, Record], store: Store) -> set[str]:
    """The ids of the trials whose weights a chapter keeps."""
    own = {trial.id: trial for _, trial in study_trials(study.only([chapter.name]))}
    match study.keeps(chapter):
        case "all":
            return set(own)
        case "none":
            return set()
    kind = load_chapter(chapter.kind)
    if not kind.metrics(chapter):  # it ranks no nets, and those that it looks into are another chapter's
        return {trial.id for trial in kind.trials(chapter, study.seeds_of(chapter))}
    if not own.keys() <= records.keys():
        return set(own)  # the best is known once all have run
    best = _best(study, chapter, records)
    return set(own) if best is None else {id for each in best for id in _with_weights(own[each], store)}


def _with_weights(trial: Trial, store: Store) -> set[str]:
    """The trial's own id; where it has no weights, the ids of those that it was made from."""
    if weights_path(store, trial.id).is_file():
        return {trial.id}
    return {id for need in trial.needs for id in _with_weights(need, store)}


def _best(study: Study, chapter: ChapterSettings, records: Mapping[str, Record]) -> set[str] | None:
    """The ids behind the chapter's best model, the mean over its seeds deciding; None where nothing says which it is.

    It is the best on the test images: a choice of files, which no number rests on.
    """
    kind = load_chapter(chapter.kind)
    metrics = kind.metrics(chapter)
    name = leading(metrics)
    values: dict[str, list[float]] = {}
    ids: dict[str, set[str]] = {}
    for number in kind.measured(chapter, study.seeds_of(chapter), records):
        if number.metric == name:
            values.setdefault(number.model, []).append(number.value)
            ids.setdefault(number.model, set()).update(number.trials)
    if name is None or not values:
        return None
    sign = 1 if metrics[name].better == "higher" else -1
    return ids[max(values, key=lambda model: sign * fmean(values[model]))]
