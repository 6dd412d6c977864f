"""Damaged inputs of five sorts in turn: each gets one message and a documented code, and no number is wrong in
silence."""

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from stress.answers import limits
from stress.damaged_data import DamagedData
from stress.damaged_environments import DamagedEnvironments
from stress.damaged_options import DamagedOptions
from stress.damaged_records import DamagedRecords
from stress.damaged_studies import DamagedStudies
from stress.sound import Sound, surroundings
from stress.tally import Tally

Try = Callable[[random.Random, Path, Tally], tuple[str, str]]
"""Makes one damaged input in an empty folder, and asks; what was damaged, and how it ended."""
SORTS: dict[str, Callable[[Sound], Try]] = {
    "data": DamagedData,
    "records": DamagedRecords,
    "studies": DamagedStudies,
    "options": DamagedOptions,
    "environments": DamagedEnvironments,
}


def damage(times: int, seed: int, place: Path, only: Sequence[str] = (), tally: Tally | None = None) -> Tally:
    """So many damaged inputs, of these sorts, or of all."""
    if unknown := set(only) - SORTS.keys():
        raise SystemExit(f"{', '.join(sorted(unknown))}: expected some of {', '.join(SORTS)}")
    tally = tally or Tally("damage", times)
    sound = Sound.make(place / "sound")
    tries = {name: SORTS[name](sound) for name in only or SORTS}
    with limits(), surroundings(place / "away"):
        for number in range(times):
            sort = list(tries)[number % len(tries)]
            folder = place / "case"
            folder.mkdir()
            name, outcome = tries[sort](random.Random(f"{seed} {number}"), folder, tally)
            tally.case(f"{number} {sort}: {name[:200]!a}", outcome)
            shutil.rmtree(folder)
    return tally
