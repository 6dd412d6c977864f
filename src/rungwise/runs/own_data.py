"""Own data of a run: what was known of it and which files it had, kept beside the records, so that a report and a later
run need neither the images nor their place."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from rungwise.data.own.changes import changes
from rungwise.data.own.opened import FILES, prepared_folder
from rungwise.data.reading import Reading, key_of
from rungwise.data.settings import Data
from rungwise.data.sources.source import Facts
from rungwise.files import write_atomically
from rungwise.records.errors import StoreError
from rungwise.study.study import Study

NAME = "data.json"
LAYOUT = 1
_FACTS = TypeAdapter(dict[str, Facts])


def own_data(study: Study) -> dict[str, Data]:
    """The own data of a study's chapters, by `key_of`."""
    return {chapter.data.key: chapter.data for chapter in study.chapters if chapter.data.own}


def reading_of(folder: Path) -> Reading:
    """How the study in a run's folder is read: own data is known from there. Raises StoreError."""
    return Reading(base=folder, known=_known(folder))


def note_own_data(study: Study, folder: Path) -> list[str]:
    """Keep what is known of a study's own data, and its list of files, in the folder of its run.

    Returns what changed in data of the same path since the last run there, in words.
    """
    found = own_data(study)
    notes: list[str] = []
    if not found:
        return notes
    files = folder / "data"
    for data in found.values():
        now = prepared_folder(data.facts.digest, data.preparation) / FILES
        kept = files / f"{data.facts.digest[:16]}.csv.gz"
        if now.is_file() and not kept.is_file():
            files.mkdir(exist_ok=True)
            notes += _changes(data, folder, now)
            shutil.copyfile(now, kept)
    content = {
        "layout": LAYOUT,
        "facts": {key: asdict(data.facts) for key, data in found.items()},
    }
    write_atomically(folder / NAME, json.dumps(content, indent=1))
    return notes


def _changes(data: Data, folder: Path, now: Path) -> Iterator[str]:
    before = _known(folder).get(key_of(data.source, data.preparation))
    if before is None:
        return
    old = folder / "data" / f"{before.digest[:16]}.csv.gz"
    if old.is_file():
        yield f"{data.source} has changed since the last run here, so its trials are computed anew: {changes(old, now)}"


def _known(folder: Path) -> Mapping[str, Facts]:
    path = folder / NAME
    if not path.is_file():
        return {}
    try:
        return _FACTS.validate_python(json.loads(path.read_text("utf-8"))["facts"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} is damaged: expected what is known of the own data of this run as JSON ({error}). Put it back "
            "from a copy, or delete it: the images are then looked at again"
        ) from error
