"""Records, and what lies beside them in a run's folder, damaged at random: what no longer is what it was is named and
used for nothing, and all else is reported as before."""

import json
import random
import shutil
import warnings
from pathlib import Path

from rungwise.errors import UserError
from rungwise.evidence.measure import Measurement
from rungwise.runs.run import DamagedRecordsWarning, open_run, run_study
from stress.answers import Answer, ask, judge
from stress.record_damage import FILES, WAYS, damage_beside
from stress.sound import Sound
from stress.tally import Tally

VERBS = ("report", "compare")
HARMLESS = ("index.json", "findings.json")
"""What lies beside the trials and is made anew from them."""
MENDED = 0.05
"""The share of damaged folders that a run then mends: it takes some seconds."""


class DamagedRecords:
    """A copy of a sound folder, of which one thing is damaged."""

    def __init__(self, sound: Sound) -> None:
        self.sound = sound
        self.ids = sound.ids()
        ask("report", sound.folder)
        self.seal = json.loads((sound.folder / "findings.json").read_text())["seal"]

    def __call__(self, chance: random.Random, folder: Path, tally: Tally) -> tuple[str, str]:
        root = folder / "run"
        shutil.copytree(self.sound.folder, root)
        beside = chance.random() < 0.2
        name = damage_beside(root, chance) if beside else self._damage(root, chance)
        forged = "sealed" in name
        verb = chance.choice(["report"] if forged and chance.random() < 0.5 else ["claims", "claims", "verify", *VERBS])
        words = [*([verb, self.sound.folder] if verb == "compare" else [verb]), root]
        answer = ask(*words, *(["--json"] if verb in ("claims", "verify") and chance.random() < 0.5 else []))
        judge(answer, name, tally)
        outcome = f"{verb} {answer.code}"
        if not beside and not answer.error and answer.code is not None:
            self._check_numbers(root, name, answer, tally)
            if verb == "verify" and not forged:
                changed = _changed(self.sound.folder, root)
                tally.check(answer.code == (1 if changed else 0), name, f"verify ended with {answer.code}: {changed}")
        elif beside and answer.code in (0, 3):
            now = self._check_subset(root, name, tally)
            if name.startswith(HARMLESS):
                tally.check(answer.code == 0 and len(now) == len(self.sound.measurements), name, answer.err[-500:])
        if not beside and chance.random() < MENDED:
            self._mend(root, name, tally)
            outcome += ", mended"
        return name, outcome

    def _damage(self, root: Path, chance: random.Random) -> str:
        first, second = (root / "trials" / trial_id for trial_id in chance.sample(self.ids, 2))
        way = chance.choice(list(WAYS))
        return f"{first.name} {way} {WAYS[way](first, second, chance)}"

    def _check_numbers(self, root: Path, name: str, answer: Answer, tally: Tally) -> None:
        """Each number is one of the sound ones; each that is missing is named, and the exit code says so."""
        now = self._check_subset(root, name, tally)
        missing = {trial_id for one in self.sound.measurements if one not in now for trial_id in one.trials}
        if "sealed" in name:  # forged numbers are others, and not missing; verify knows digests and accuracies alone
            missing -= {trial_id for one in now for trial_id in one.trials}
            if answer.words[0] == "verify":
                return
        for trial_id in missing:
            tally.check(trial_id in answer.err + answer.out, name, f"{trial_id} is missing and not named")
        if missing:
            right = 1 if answer.words[0] == "verify" else 3
            tally.check(answer.code == right, name, f"numbers are missing, and it ended with {answer.code}")

    def _check_subset(self, root: Path, name: str, tally: Tally) -> list[Measurement]:
        """What the folder's records give now. Of records that were forged with a digest that fits, other numbers show
        in the seal."""
        try:
            with warnings.catch_warnings(action="ignore", category=DamagedRecordsWarning):
                run = open_run(root)
                now = run.measurements
        except Exception as error:
            tally.check(isinstance(error, UserError), name, f"{type(error).__name__}: {error}")
            return []
        known = {(one.metric, one.seed, one.value, one.trials) for one in self.sound.measurements}
        others = [one for one in now if (one.metric, one.seed, one.value, one.trials) not in known]
        if others and "unsealed" in name:
            tally.check(all(one.metric != "test_accuracy" for one in others), name, "another accuracy in silence")
        elif others and "resealed" in name:
            run.write_report()
            moved = json.loads((root / "findings.json").read_text())["seal"] != self.seal
            tally.check(moved, name, f"the seal is the same with other numbers: {others[0]}")
        else:
            tally.check(not others, name, f"another number in silence: {others[:1]}")
        return now

    def _mend(self, root: Path, name: str, tally: Tally) -> None:
        """A run sets aside what is damaged and computes it anew: all numbers but times are as they were."""
        run = run_study(open_run(root).study, root, workers=1)
        if "sealed" in name:
            return
        mended, before = (
            {one for one in found if not _timed(one)} for found in (run.measurements, self.sound.measurements)
        )
        tally.check(mended == before, name, "a run does not give the numbers back")
        tally.check(ask("verify", root).code == 0, name, "is damaged after a run that should have mended it")


def _timed(one: Measurement) -> bool:
    """Whether a clock decides it."""
    return any(word in one.metric.split("_") for word in ("s", "us"))


def _changed(sound: Path, root: Path) -> str:
    """The first trial whose content is not that of the sound one, as far as a record promises: the layout of its JSON
    is free, and weights may be left out."""
    for folder in sorted((sound / "trials").iterdir()):
        for file in FILES:
            before, path = folder / file, root / "trials" / folder.name / file
            if file.startswith("weights") and not path.exists() and path.parent.is_dir() and not path.is_symlink():
                continue
            if not path.is_file() or _content(path) != _content(before):
                return f"{folder.name}/{file}"
    return ""


def _content(path: Path) -> object:
    content = path.read_bytes()
    if path.suffix != ".json":
        return content
    try:
        return json.dumps(json.loads(content.decode(), object_pairs_hook=list), sort_keys=False)
    except (ValueError, RecursionError):
        return content
