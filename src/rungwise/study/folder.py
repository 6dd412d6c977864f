"""A folder of records belongs to one study: whose it is, and what it holds that the study does not report."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rungwise.data.settings import Data
from rungwise.files import portable_name
from rungwise.records.errors import DamagedRecordError, StoreError
from rungwise.records.found import Found
from rungwise.records.record import Record
from rungwise.records.seal import folder_seal
from rungwise.records.store import Store
from rungwise.study.settling import Settle
from rungwise.study.study import Study, study_trials, wanted
from rungwise.words import counted, listed

MOST_NAMES = 5
"""Models that a note names."""


def usual_folder(name: str, data: Data | None = None) -> Path:
    """Where a study of a name, or the study in a file, is kept, and asked of what data if not of its own."""
    stem = Path(name).stem if name.endswith((".toml", ".json")) else name
    return Path("runs") / portable_name(stem if data is None else f"{stem}-{data.facts.name}")


def check_owner(study: Study, store: Store) -> None:
    """StoreError where the folder holds the run of another study, by its title. Nothing is written."""
    path = store.root / "study.json"
    if not path.is_file():
        return
    owner = _content(store).get("title")
    if owner != study.title:
        raise StoreError(
            f"{store.root} holds the run of another study: expected {study.title!r} in {path.name}, found {owner!r}. "
            f"Choose another folder with --out. If the study was only renamed, delete {path}: its records are kept"
        )


class Held(NamedTuple):
    """What the study of a folder says of seeds."""

    seeds: Mapping[str, int]
    """By chapter."""
    settle: Settle | None


def held_seeds(store: Store) -> Held | None:
    """What the study that a folder holds says of seeds; None where it holds none. Raises StoreError where that is
    damaged."""
    path = store.root / "study.json"
    if not path.is_file():
        return None
    content = _content(store)
    try:
        chapters = {each["name"]: each.get("seeds") or content["seeds"] for each in content["chapter"]}
        settle = content.get("settle")
        return Held(chapters, None if settle is None else Settle.model_validate(settle))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise StoreError(
            f"{path} is damaged: expected a study with chapters, their seeds and, where it was settled, how ({error}). "
            "Put it back from a copy, or delete it"
        ) from error


def keep_settled(study: Study, store: Store) -> tuple[Study, tuple[str, ...]]:
    """A study that is run in a folder where claims were settled: those stay settled, by the seeds that are there, and
    the others rest on as many seeds as the study asks for. With a note that says so."""
    held = held_seeds(store)
    if held is None or held.settle is None or study.settle is not None:
        return study, ()
    asked = {chapter.name: len(study.seeds_of(chapter)) for chapter in study.chapters}
    kept = study.with_seeds_of({name: max(seeds, held.seeds.get(name, 0)) for name, seeds in asked.items()})
    kept = kept.model_copy(update={"settle": Settle(claims=held.settle.claims, before=asked)}).with_own_settle()
    if kept.settle is None or not kept.settle.claims:
        return study, ()
    ids, stay = kept.settle.claims, "stays" if len(kept.settle.claims) == 1 else "stay"
    return kept, (
        f"{store.root} holds a study that was settled: {listed(ids)} {stay} judged at every look, by the seeds that "
        "are there. Other claims rest on the number of seeds that the study asks for. To judge all of them so, choose "
        "another folder with --out",
    )


def unreported(study: Study, store: Store) -> tuple[str, ...]:
    """Notes on the finished trials in the folder that the study does not ask for: other seeds, and all others."""
    asked = wanted(study)
    known = {*asked, *(trial_id for earlier in asked.values() for trial_id in earlier)}
    others = [record for name in store.names() if name not in known and (record := _sound(store, name))]
    shapes: dict[str, set[object]] = {}
    """What a trial of the study may be but for seeds, with the seeds that the study asks for."""
    for _, trial in study_trials(study) if others else ():
        shapes.setdefault(_shape(trial.spec), set()).add(trial.seed)
    rest = [record for record in others if _shape(record.spec) not in shapes]
    # Of a seed that is asked for, the same may be on record with another seed's net as its judge: that is no news.
    seeds = [record for record in others if record.spec.get("seed") not in shapes.get(_shape(record.spec), {None})]
    return (*_other_seeds([record for record in seeds if record not in rest], store), *_other_trials(rest))


def seal_of(study: Study, store: Store, found: Found) -> str:
    """The digest of the study and of its finished records (`records.seal`)."""
    content = _content(store) if (store.root / "study.json").is_file() else json.loads(study.as_json())
    return folder_seal(content, found.records.values())


def _content(store: Store) -> Mapping[str, Any]:
    path = store.root / "study.json"
    try:
        found = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise StoreError(
            f"{path} is damaged: expected the study of this folder as JSON. Put it back from a copy, or delete it"
        )
    return found


def _sound(store: Store, trial_id: str) -> Record | None:
    try:
        return store.load(trial_id)
    except (DamagedRecordError, KeyError):
        return None


def _shape(spec: object) -> str:
    """What a spec is but for seeds, and for the ids of what it needs, which follow from them."""

    def without(value: object) -> object:
        if isinstance(value, dict):
            return {key: without(part) for key, part in value.items() if key not in ("seed", "needs")}
        return [without(part) for part in value] if isinstance(value, list) else value

    return json.dumps(without(json.loads(json.dumps(spec))), sort_keys=True)


def _other_seeds(records: Sequence[Record], store: Store) -> tuple[str, ...]:
    if not records:
        return ()
    seeds = sorted({seed for record in records if isinstance(seed := record.spec.get("seed"), int)})
    which = f"{'Seed' if len(seeds) == 1 else 'Seeds'} {listed([str(seed) for seed in seeds])}"
    return (
        f"{which} of this study {'is' if len(seeds) == 1 else 'are'} on record ({counted(len(records), 'trial')}: "
        f"{_names(records)}) and not reported: the study asks for fewer seeds. To report them, run the study with "
        f"--seeds {seeds[-1] + 1} --out {store.root}; what is on record is not computed again.",
    )


def _other_trials(records: Sequence[Record]) -> tuple[str, ...]:
    if not records:
        return ()
    are = "is" if len(records) == 1 else "are"
    return (
        f"{counted(len(records), 'finished trial')} in the folder {are} not part of the study as it is now, and not "
        f"reported ({_names(records)}): a chapter, a model or a setting has changed. To report them, run the study as "
        "it was.",
    )


def _names(records: Sequence[Record]) -> str:
    names = list(dict.fromkeys(record.label for record in records))
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")
