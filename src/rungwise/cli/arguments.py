"""What the arguments of commands stand for: a study with its data, a folder, a list of names."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rungwise.errors import UserError

if TYPE_CHECKING:
    from rungwise.data.settings import Data
    from rungwise.study.study import Study


def read(
    name: str,
    seeds: int | None,
    data: str | None,
    verify: bool = False,
    quiet: bool = False,
    groups: str | None = None,
) -> "tuple[Study, Data | None]":
    """A study, and the data that it is asked of instead of its own. Own images are decoded if they were not yet."""
    if groups is not None and data is None:
        raise UserError("--groups names a table of your own images: give them too, as --data PATH")
    from rungwise.data.files.progress import counts
    from rungwise.data.given import data_of
    from rungwise.data.reading import Reading
    from rungwise.study.reading import read_study

    with counts() as show:
        reading = Reading(verify=verify, progress=None if quiet else show)
        own = {} if groups is None else {"metadata": groups, "group_column": "group"}
        given = None if data is None else data_of(data, reading, **own)
        study = read_study(name, reading)
    return (study if seeds is None else study.with_seeds(seeds)), given


def folder_of(study: str, out: Path | None, data: "Data | None" = None) -> Path:
    """Where a study's run is kept. Raises UserError where that is a file, or would lie below one."""
    from rungwise.study.folder import usual_folder

    folder = out or usual_folder(study, data)
    for place in (folder, *folder.parents):
        if os.path.lexists(place) and not place.is_dir():
            raise UserError(f"--out should be a folder, but {place} is none; choose another --out")
    return folder


def kinds_of(chapters: str | None) -> list[str]:
    return listed_in("--chapters", "kinds of chapters, as mlps,cnns", chapters)


def listed_in(option: str, what: str, given: str | None) -> list[str]:
    """The words of a list with commas; none where the option was not given. Raises UserError where it has none."""
    words = [word.strip() for word in (given or "").split(",") if word.strip()]
    if given is not None and not words:
        raise UserError(f"{option} should name {what}; got {given!r}")
    return words
