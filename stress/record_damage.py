"""What is done to the records of a run, and to what lies beside them."""

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rungwise.records.checks import seal
from stress.mutations import bytes_changed, dumped, value_changed

FILES = ("record.json", "arrays.npz", "weights.safetensors")
Way = Callable[[Path, Path, random.Random], str]
"""Damages a trial's folder, given another's; what was done besides its name."""


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
    key: str = chance.choice(list(raw))
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


# What lies beside the trials --------------------------------------------------------------------------------------


def damage_beside(root: Path, chance: random.Random) -> str:
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
