"""Runs and reports that are killed at random moments: nothing that was done is lost, nothing is half written."""

import json
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rungwise.runs.verification import check_folder
from stress.processes import POLL_S, Command
from stress.study import STUDY, TRIALS, contents, findings
from stress.tally import Tally

LIMIT_S = 600
"""Of one run; on two cores that do nothing else it takes about ten seconds."""
WHOLE = re.compile(
    r"study\.json|index\.json|report\.(html|md)|findings\.json|figures/[^/]+\.svg|failed/[0-9a-f]+\.json"
    r"|trials/[0-9a-f]+/(record\.json|arrays\.npz|weights\.safetensors)|(locks|partial)/.*"
)
"""What a folder may hold, but for what `LEFT` matches."""
LEFT = re.compile(r"(.*/)?\.[^/]+\.part")
"""What a process that could not clean up leaves: no reader takes it for a file, and a run removes it an hour later."""
HOUR_S = 3600


def _signal(number: signal.Signals) -> Callable[[Command, random.Random], bool]:
    def send(command: Command, _: random.Random) -> bool:
        command.process.send_signal(number)
        return True

    return send


def _to_group(number: signal.Signals) -> Callable[[Command, random.Random], bool]:
    def send(command: Command, _: random.Random) -> bool:
        os.killpg(command.process.pid, number)
        return True

    return send


def _one_of_others(command: Command, chance: random.Random) -> bool:
    others = command.workers() or command.others()
    if others:
        chance.choice(others).kill()
    return bool(others)


KILLS = {
    "SIGKILL to all": _to_group(signal.SIGKILL),
    "SIGKILL to the parent": _signal(signal.SIGKILL),
    "SIGKILL to a worker": _one_of_others,
    "SIGTERM to the parent": _signal(signal.SIGTERM),
    "SIGTERM to all": _to_group(signal.SIGTERM),
    "SIGINT to the parent": _signal(signal.SIGINT),
    "SIGINT to all": _to_group(signal.SIGINT),
}
CODES = {signal.SIGKILL: {-9}, signal.SIGTERM: {143, -15}, signal.SIGINT: {130, -2}}
"""Exit codes after each signal; the second where it came before Python could listen."""


@dataclass
class State:
    """A folder on its way to the reference."""

    folder: Path
    undisturbed: Any
    kept: dict[str, str] = field(default_factory=dict)
    """The digests of all files of trials that were done when it was last looked at."""
    hurt: bool = False
    """Whether a worker was killed, whose trial may be recorded as failed until the next run does it."""

    @property
    def left(self) -> float:
        """The share of trials that are not done."""
        return 1 - len(list(self.folder.glob("trials/*"))) / TRIALS


def kills(times: int, seed: int, place: Path, tally: Tally | None = None) -> Tally:
    """So many kills, of which each fourth hits a report; whenever a folder is complete, a new one is begun."""
    tally = tally or Tally("kills", times)
    chance = random.Random(seed)
    study = place / "study.toml"
    place.mkdir(parents=True, exist_ok=True)
    study.write_text(STUDY, encoding="utf-8")
    whole_s, report_s, undisturbed = _reference(study, place / "undisturbed")
    tally.say(f"undisturbed, a run takes {whole_s:.1f} s and its report {report_s:.1f} s")
    state = State(place / "run-0", undisturbed)
    runs = 0
    while tally.tried < times:
        reported = (state.folder / "study.json").is_file() and chance.random() < 0.25
        words = ("report", state.folder) if reported else ("run", study, "--out", state.folder, "--workers", "2")
        kill = chance.choice(list(KILLS)) if not reported else chance.choice([k for k in KILLS if "worker" not in k])
        command = Command(*words, folder=place / "said")
        # What is left of the work tells how long a run will last: it takes a report's time beside it.
        life_s = report_s if reported else report_s + (whole_s - report_s) * state.left
        moment = _await_moment(command, life_s, chance, state.folder)
        name = f"{words[0]}, {kill} {moment}"
        if command.ended or not KILLS[kill](command, chance):
            code = command.wait(LIMIT_S)
        else:
            state.hurt |= "worker" in kill
            code = _after_kill(command, name, kill, tally)
            tally.case(name, f"{kill}")
        look_over(state, command, name, tally)
        command.kill_all()
        if code in (0, 3) and words[0] == "run":
            _check_end(state, command, code, name, tally)
        elif command.ended and code not in {0, 3, 130, 143, 141, -2, -9, -15}:
            tally.fault(name, f"ended with {code}: {command.said()[-500:]}")
        if code == 0 and words[0] == "run":
            shutil.rmtree(state.folder)
            runs += 1
            state = State(place / f"run-{runs}", undisturbed)
    _complete(study, state, place, tally)
    tally.say(f"{runs + 1} runs were completed, each with the findings of the undisturbed one")
    return tally


def _reference(study: Path, folder: Path) -> tuple[float, float, Any]:
    """Seconds of a run and of a report that nobody disturbs, and what they find."""
    seconds = []
    for words in (("run", study, "--out", folder, "--workers", "2"), ("report", folder)):
        command = Command(*words, folder=folder.with_name("said"))
        if command.wait(LIMIT_S) != 0:
            raise SystemExit(f"the undisturbed {words[0]} did not end with 0: {command.said()[-2000:]}")
        seconds.append(command.age_s)
    return seconds[0], seconds[1], findings(folder)


def _await_moment(command: Command, life_s: float, chance: random.Random, folder: Path) -> str:
    """Wait for a moment that is uniform over the command's life, or, each third time, while a record is being kept;
    that moment in words. Where the command ends before, that is noticed."""
    after_s, saving = chance.uniform(0, life_s), chance.random() < 1 / 3
    delay_s = chance.uniform(0, 0.05)
    while not command.ended and command.age_s < after_s:
        time.sleep(min(POLL_S, max(0.0, after_s - command.age_s)))
    if not saving:
        return f"after {command.age_s:.2f} s"
    while not command.ended:  # busy: what it waits for lasts some milliseconds
        try:
            if any((folder / "partial").iterdir()):
                time.sleep(delay_s)
                return f"as a record is kept, after {command.age_s:.2f} s"
        except OSError:
            pass
        time.sleep(0.001)
    return "at its end"


def _after_kill(command: Command, name: str, kill: str, tally: Tally) -> int | None:
    """The exit code: of what was killed at once, of a run that lost a worker at its end."""
    code = command.wait(LIMIT_S)
    if code is None:
        tally.fault(name, f"had not ended after {LIMIT_S} s: {command.said()[-500:]}")
        return None
    number = next((number for number in CODES if number.name in kill), signal.SIGKILL)
    expected = {0, 3} if "worker" in kill else CODES[number] | {0}  # it may have been at its end
    tally.check(code in expected, name, f"ended with {code}: {command.said()[-500:]}")
    tally.check("Traceback" not in command.said(), name, f"a traceback: {command.said()[-1500:]}")
    return code


def look_over(state: State, command: Command, name: str, tally: Tally) -> None:
    """What holds at every moment: no process is left, nothing that was done is gone or other, nothing is half there."""
    left = command.survivors()
    tally.check(not left, name, f"processes are left: {left}")
    folder = state.folder
    now = contents(folder)
    for path, digest in state.kept.items():
        tally.check(now.get(path) == digest, name, f"{path} is {'gone' if path not in now else 'another'}")
    state.kept = now
    if (folder / "study.json").is_file():
        tally.check(not (wrong := check_folder(folder).damaged), name, f"damaged: {wrong}")
    else:
        tally.check(not now, name, "records without a study")
    for file in folder.rglob("*"):
        inside = file.relative_to(folder).as_posix()
        if file.is_file() and not LEFT.fullmatch(inside):
            tally.check(bool(WHOLE.fullmatch(inside)), name, f"{inside} is left")
    _check_report(folder, name, tally)
    failed = [path.name for path in (folder / "failed").glob("*.json")]
    tally.check(state.hurt or not failed, name, f"recorded as failed: {failed}")


def _check_report(folder: Path, name: str, tally: Tally) -> None:
    """Each file of a report is whole."""
    if (folder / "report.html").is_file():
        tally.check((folder / "report.html").read_text().rstrip().endswith("</html>"), name, "half a report.html")
    if (folder / "findings.json").is_file():
        try:
            json.loads((folder / "findings.json").read_text())
        except ValueError as error:
            tally.fault(name, f"half a findings.json: {error}")


def _check_end(state: State, command: Command, code: int, name: str, tally: Tally) -> None:
    """A run that ended by itself has the findings of the undisturbed one; where a worker was killed, all but its trial,
    which the next run does."""
    failed = [path.name for path in (state.folder / "failed").glob("*.json")]
    if code == 3:
        tally.check("worker" in name, name, f"ended with 3: {command.said()[-500:]}")
        tally.check(0 < len(failed) <= 3, name, f"{len(failed)} trials failed by one kill")  # it, and what needs it
    else:
        tally.check(not failed, name, f"ended with 0, and {failed} are recorded as failed")
        tally.check(findings(state.folder) == state.undisturbed, name, "the findings differ from the undisturbed ones")


def _complete(study: Path, state: State, place: Path, tally: Tally) -> None:
    """Let the last folder be completed by a run that nobody kills, an hour later."""
    left = [path for path in state.folder.rglob("*") if LEFT.fullmatch(path.relative_to(state.folder).as_posix())]
    for path in left:
        os.utime(path, (time.time() - 2 * HOUR_S,) * 2)
    command = Command("run", study, "--out", state.folder, "--workers", "2", folder=place / "said")
    code = command.wait(LIMIT_S)
    tally.check(code == 0, "the last run", f"ended with {code}: {command.said()[-500:]}")
    look_over(state, command, "the last run", tally)
    for path in left:
        tally.check(not path.exists(), "the last run", f"{path} is still there")
    if code == 0:
        _check_end(state, command, 0, "the last run", tally)
    command.kill_all()
