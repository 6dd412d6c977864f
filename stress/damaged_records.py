"""Records, and what lies beside them in a run's folder, damaged at random: what no longer is what it was is named and
used for nothing, and all else is reported as before."""

import hashlib
import json
import os
import random
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rungwise.errors import UserError
from rungwise.evidence.measure import Measurement
from rungwise.records.checks import seal
from rungwise.runs.run import DamagedRecordsWarning, open_run, run_study
from stress.answers import Answer, ask, judge
from stress.mutations import bytes_changed, dumped, value_changed
from stress.sound import Sound
from stress.tally import Tally

VERBS = ("report", "compare")
FILES = ("record.json", "arrays.npz", "weights.safetensors")
MENDED = 0.05
"""The share of damaged folders that a run then mends: it takes some seconds."""
Way = Callable[[Path, Path, random.Random], str]
"""Damages a trial's folder, given another's; what was done besides its name."""


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
        name = _beside(root, chance) if beside else self._damage(root, chance)
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
        missing = [one for one in self.sound.measurements if one not in now]
        for trial_id in {trial_id for one in missing for trial_id in one.trials} if "sealed" not in name else ():
            tally.check(trial_id in answer.err + answer.out, name, f"{trial_id} is missing and not named")
        if missing and "sealed" not in name:
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


# One trial -------------------------------------------------------------------------------------------------------


def _bytes(first: Path, second: Path, chance: random.Random) -> str:
    path = first / chance.choice(FILES)
    said, content = bytes_changed(path.read_bytes(), chance)
    path.write_bytes(content)
    return f"{path.name}: {said}"


def _swap(first: Path, second: Path, chance: random.Random) -> str:
    name = chance.choice(FILES)
    (first / name).rename(first / "away")
    (second / name).rename(first / name)
    (first / "away").rename(second / name)
    return f"{name} with {second.name}"


def _copy(first: Path, second: Path, chance: random.Random) -> str:
    name = chance.choice(FILES)
    shutil.copy2(second / name, first / name)
    return f"{name} of {second.name}"


def _copy_all(first: Path, second: Path, chance: random.Random) -> str:
    shutil.rmtree(first)
    shutil.copytree(second, first)
    return second.name


def _value(first: Path, second: Path, chance: random.Random) -> str:
    return _edit(first, chance, resealed=False)


def _value_resealed(first: Path, second: Path, chance: random.Random) -> str:
    return _edit(first, chance, resealed=True)


def _edit(folder: Path, chance: random.Random, *, resealed: bool) -> str:
    path = folder / "record.json"
    said, _, raw = value_changed(json.loads(path.read_text("utf-8")), chance)
    if resealed:
        try:
            raw["sha256"] = seal(raw)
        except ValueError:  # what is no number has no digest
            return f"{said}, as it is"
    path.write_bytes(dumped(raw))
    return said


def _key_twice(first: Path, second: Path, chance: random.Random) -> str:
    path = first / "record.json"
    raw = json.loads(path.read_text("utf-8"))
    key = chance.choice(list(raw))
    other = json.dumps(json.loads((second / "record.json").read_text("utf-8"))[key])
    path.write_text(path.read_text("utf-8").replace("{", f'{{"{key}": {other},', 1), encoding="utf-8")
    return key


def _arrays(first: Path, second: Path, chance: random.Random) -> str:
    return _edit_arrays(first, chance, resealed=False)


def _arrays_resealed(first: Path, second: Path, chance: random.Random) -> str:
    return _edit_arrays(first, chance, resealed=True)


def _edit_arrays(folder: Path, chance: random.Random, *, resealed: bool) -> str:
    path = folder / "arrays.npz"
    with np.load(path) as opened:
        found = dict(opened)
    name = chance.choice(list(found))
    array = found[name]
    ways: dict[str, Callable[[], object]] = {
        "pickled": lambda: np.array([{}, None], dtype=object),
        "of NaN": lambda: array * np.nan,
        "too short": lambda: array[: len(array) // 2] if array.ndim else array[None],
        "of another type": lambda: array.astype(chance.choice(["U5", "c16", "i1", "M8[s]"])),
        "of another shape": lambda: array[None, ..., None],
        "empty": lambda: np.empty((0,)),
        "one higher": lambda: array + 1,
        "missing": lambda: None,
    }
    way = chance.choice(list(ways))
    changed = ways[way]()
    found = {key: value for key, value in found.items() if key != name}
    if changed is not None:
        found[name] = changed
    np.savez_compressed(path, **found)
    if resealed:
        record = folder / "record.json"
        raw = json.loads(record.read_text("utf-8"))
        raw["files"]["arrays.npz"] = hashlib.sha256(path.read_bytes()).hexdigest()
        record.write_bytes(dumped({**raw, "sha256": seal(raw)}))
    return f"{name} {way}"


def _unsealed_arrays(first: Path, second: Path, chance: random.Random) -> str:
    for folder in (first, second):
        path = folder / "record.json"
        raw = json.loads(path.read_text("utf-8"))
        for key in ("files", "sealed_later", "sha256"):
            del raw[key]
        del raw["environment"]["code"]
        path.write_bytes(dumped({**raw, "version": 1}))
    if chance.random() < 0.5:
        return _edit_arrays(first, chance, resealed=False)
    return _bytes(first, second, chance)


def _gone(first: Path, second: Path, chance: random.Random) -> str:
    name = chance.choice(FILES)
    (first / name).unlink()
    return name


def _file_instead(first: Path, second: Path, chance: random.Random) -> str:
    name = chance.choice(FILES)
    (first / name).unlink()
    return f"{name}: {_something(first / name, chance)}"


def _folder_instead(first: Path, second: Path, chance: random.Random) -> str:
    shutil.rmtree(first)
    return _something(first, chance)


def _something(path: Path, chance: random.Random) -> str:
    ways: dict[str, Callable[[], object]] = {
        "a folder": path.mkdir,
        "a file": lambda: path.write_text("x"),
        "a FIFO": lambda: os.mkfifo(path),
        "a link to nowhere": lambda: path.symlink_to("nowhere"),
        "a link to itself": lambda: path.symlink_to(path.name),
        "a link to all": lambda: path.symlink_to("/"),
    }
    way = chance.choice(list(ways))
    ways[way]()
    return way


WAYS: dict[str, Way] = {
    "bytes changed": _bytes,
    "bytes changed in": _bytes,
    "swapped": _swap,
    "replaced by": _copy,
    "wholly replaced by": _copy_all,
    "edited": _value,
    "resealed": _value_resealed,
    "with a key twice": _key_twice,
    "with arrays": _arrays,
    "resealed with arrays": _arrays_resealed,
    "unsealed with arrays": _unsealed_arrays,
    "without": _gone,
    "with instead of": _file_instead,
    "replaced by something:": _folder_instead,
}


HARMLESS = ("index.json", "findings.json")
"""What lies beside the trials and is made anew from them."""

# What lies beside the trials --------------------------------------------------------------------------------------


def _beside(root: Path, chance: random.Random) -> str:
    """Damage the study, the index or the record of a failure, or put something strange into the folder."""
    files = [name for name in ("study.json", "index.json", "findings.json") if (root / name).is_file()]
    name = chance.choice([*files, "failed", "strange"])
    if name == "failed":
        victim = chance.choice(sorted((root / "trials").iterdir()))
        said, content = bytes_changed((victim / "record.json").read_bytes(), chance)
        shutil.rmtree(victim)
        (root / "failed" / f"{victim.name}.json").write_bytes(content)
        return f"failed/{victim.name}.json: {said}"
    if name == "strange":
        parent = chance.choice(["trials", "failed", "partial", "locks"])
        place = root / parent / chance.choice(["x", "0" * 16, ".a", "ü"])
        return f"{place.name}: {_something(place, chance)}"
    path = root / name
    if chance.random() < 0.3:
        path.unlink()
        return f"{path.name}: {_something(path, chance)}"
    if chance.random() < 0.5:
        said, _, raw = value_changed(json.loads(path.read_text("utf-8")), chance)
        path.write_bytes(dumped(raw))
    else:
        said, content = bytes_changed(path.read_bytes(), chance)
        path.write_bytes(content)
    return f"{path.name}: {said}"
