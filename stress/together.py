"""Many runs of one study on one folder at once: they share the work, and each trial is computed once."""

import random
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rungwise.runs.verification import check_folder
from stress.processes import Command
from stress.study import STUDY, TRIALS, findings
from stress.tally import Tally

LIMIT_S = 1800
"""Of all together; each of them imports its libraries, which takes most of it."""
FINISHED = re.compile(r"^\[\d+/\d+\] (.+ · seed \d+): (?!failed)", re.MULTILINE)
"""What a run that is not on a terminal says of each trial that it has computed itself."""


def together(runs: int, killed: int, seed: int, place: Path, tally: Tally | None = None) -> Tally:
    """So many runs at once that nobody kills, then as many, of which some are killed on the way, if any."""
    tally = tally or Tally("together", 1 + (killed > 0))
    study = place / "study.toml"
    place.mkdir(parents=True, exist_ok=True)
    study.write_text(STUDY, encoding="utf-8")
    alone = Command("run", study, "--out", place / "alone", "--workers", "1", folder=place / "said")
    if alone.wait(LIMIT_S) != 0:
        raise SystemExit(f"the run alone did not end with 0: {alone.said()[-2000:]}")
    expected = findings(place / "alone")
    _all_at_once(runs, 0, random.Random(seed), place / "together", expected, tally)
    if killed:
        _all_at_once(runs, killed, random.Random(seed), place / "killed", expected, tally)
    return tally


def _all_at_once(runs: int, killed: int, chance: random.Random, place: Path, expected: Any, tally: Tally) -> None:
    name = f"{runs} runs, {killed} of them killed"
    study, folder = place.with_name("study.toml"), place / "run"
    commands = [
        Command("run", study, "--out", folder, "--workers", "1", folder=place / f"said-{i}") for i in range(runs)
    ]
    victims = chance.sample(commands, killed)
    for victim in victims:
        _kill_on_the_way(victim, folder, chance)
    for i, command in enumerate(commands):
        code = command.wait(LIMIT_S)
        if command not in victims:
            tally.check(code == 0, f"{name}, run {i}", f"ended with {code}: {command.said()[-1500:]}")
        tally.check(not command.survivors(), f"{name}, run {i}", f"processes are left: {command.others()}")
        tally.check("Traceback" not in command.said(), f"{name}, run {i}", command.said()[-1500:])
        command.kill_all()
    computed = Counter(trial for command in commands for trial in FINISHED.findall(command.said()))
    most, done = max(computed.values(), default=0), sum(computed.values())
    tally.check(most <= 1, name, f"computed more than once: {computed}")
    # What a killed run has computed it may not have said.
    tally.check(done == TRIALS or (killed > 0 and done < TRIALS), name, f"{done} of {TRIALS} computed: {computed}")
    found = check_folder(folder, report=not killed)
    tally.check(found.right, name, f"damaged: {found.damaged}, report: {found.report}")
    tally.check(found.states["sealed"] == TRIALS, name, f"records: {found.states}")
    tally.check(findings(folder) == expected, name, "the findings differ from those of one run alone")
    for left in ("partial", "failed"):
        tally.check(not list((folder / left).iterdir()), name, f"{left}/ is not empty")
    tally.case(name, f"{done} trials computed, each once")


def _kill_on_the_way(victim: Command, folder: Path, chance: random.Random) -> None:
    """With SIGKILL and all its processes, at a random moment after the work has begun."""
    while not victim.ended and not any(folder.glob("trials/*")):
        time.sleep(0.02)
    time.sleep(chance.uniform(0, 1))
    victim.kill_all()
