"""Data files that are not what they should be: each is refused by name, and a sound one gives its own images."""

import gzip
import hashlib
import os
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rungwise.data.errors import DataError
from rungwise.data.files.known import File
from rungwise.data.images import Dataset
from rungwise.data.load import load
from rungwise.data.sources.catalogue import CATALOGUE
from rungwise.data.sources.idx_files import IdxFiles
from rungwise.data.sources.source import Facts
from stress.answers import ask, judge
from stress.mutations import bytes_changed
from stress.sound import Sound
from stress.tally import Tally

NAME = "made"
SIZES = {"train": 40, "t10k": 20}
SIDE = 28


class DamagedData:
    """A small data set of four IDX files, known by their checksums as MNIST is, with one file damaged."""

    def __init__(self, sound: Sound) -> None:
        contents = _files()
        self.packed = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in contents.items()}
        known = tuple(
            File(NAME, name, len(content), hashlib.sha256(content).hexdigest(), mirrors=())
            for name, content in contents.items()
        )
        facts = Facts(NAME, tuple("0123456789"), (1, SIDE, SIDE), SIZES["train"], SIZES["t10k"])
        CATALOGUE[NAME] = IdxFiles(facts, known)
        self.sound = sound
        self.images = _images(contents)

    def __call__(self, chance: random.Random, folder: Path, tally: Tally) -> tuple[str, str]:
        own = folder / "data" / NAME
        own.mkdir(parents=True)
        for name, content in self.packed.items():
            (own / name).write_bytes(content)
        victim = own / chance.choice(list(self.packed))
        way = chance.choice(list(WAYS))
        said = WAYS[way](victim, chance)
        name = f"{victim.name} {way} {said}"
        os.environ["RUNGWISE_DATA"] = str(own.parent)
        try:
            outcome = self._load(name, tally)
            checked = ask("data", "check", NAME)
            judge(checked, name, tally)
            agree = (checked.code == 0) == (outcome == "right")
            tally.check(agree, name, f"loads as {outcome}, checked: {checked.out}")
            judge(ask("data", "list"), name, tally)
        finally:
            del os.environ["RUNGWISE_DATA"]
        return name, outcome

    def _load(self, name: str, tally: Tally) -> str:
        """How loading ends; what is loaded must be the images that were there before the damage."""
        try:
            found = load(NAME, offline=True)
        except DataError:
            return "refused"
        except Exception as error:
            tally.fault(name, f"{type(error).__name__}: {error}")
            return "broken"
        tally.check(_same(found, self.images), name, "other images were loaded")
        return "right"


def _files() -> dict[str, bytes]:
    """By name: images (N, 28, 28) and labels (N,) of noise, in MNIST's format."""
    noise = np.random.default_rng(0)
    found = {}
    for part, count in SIZES.items():
        pixels, labels = noise.integers(0, 256, (count, SIDE, SIDE), np.uint8), noise.integers(0, 10, count, np.uint8)
        found[f"{part}-images-idx3-ubyte"] = struct.pack(">4B3I", 0, 0, 8, 3, count, SIDE, SIDE) + pixels.tobytes()
        found[f"{part}-labels-idx1-ubyte"] = struct.pack(">4BI", 0, 0, 8, 1, count) + labels.tobytes()
    return found


def _images(contents: dict[str, bytes]) -> dict[str, bytes]:
    """The values of each file, without its header."""
    return {name: content[16 if "images" in name else 8 :] for name, content in contents.items()}


def _same(found: Dataset, images: dict[str, bytes]) -> bool:
    parts = {"train": found.train, "t10k": found.test}
    return all(
        part is not None
        and part.images.astype(np.uint8).tobytes() == images[f"{name}-images-idx3-ubyte"]
        and part.labels.astype(np.uint8).tobytes() == images[f"{name}-labels-idx1-ubyte"]
        for name, part in parts.items()
    )


def _packed(path: Path, chance: random.Random) -> str:
    said, content = bytes_changed(path.read_bytes(), chance)
    path.write_bytes(content)
    return said


def _inside(path: Path, chance: random.Random) -> str:
    said, content = bytes_changed(gzip.decompress(path.read_bytes()), chance)
    path.write_bytes(gzip.compress(content))
    return said


def _plain(path: Path, chance: random.Random) -> str:
    said, content = bytes_changed(gzip.decompress(path.read_bytes()), chance)
    path.unlink()
    path.with_suffix("").write_bytes(content)
    return said


def _trailer(path: Path, chance: random.Random) -> str:
    count = chance.randint(1, 8)
    path.write_bytes(path.read_bytes()[:-count])
    return f"by {count} bytes"


def _bomb(path: Path, chance: random.Random) -> str:
    path.write_bytes(gzip.compress(b"\0" * 50_000_000))
    return ""


def _instead(make: Callable[[Path], object]) -> Callable[[Path, random.Random], str]:
    def replace(path: Path, chance: random.Random) -> str:
        path.unlink()
        make(path)
        return ""

    return replace


def _other(path: Path, chance: random.Random) -> str:
    other = chance.choice([other for other in sorted(path.parent.iterdir()) if other != path])
    shutil.copy(other, path)
    return f"of {other.name}"


def _html(path: Path, chance: random.Random) -> str:
    path.write_bytes(b"<!DOCTYPE html><html><body>404 Not Found</body></html>")
    return ""


def _folder_as_file(path: Path, chance: random.Random) -> str:
    shutil.rmtree(path.parent)
    path.parent.write_text("no folder")
    return ""


WAYS: dict[str, Callable[[Path, random.Random], str]] = {
    "with its gzip": _packed,
    "with its content": _inside,
    "unpacked, with": _plain,
    "with its trailer cut": _trailer,
    "that unpacks to much": _bomb,
    "with the content": _other,
    "that is HTML": _html,
    "that is missing": _instead(lambda path: None),
    "that is a folder": _instead(Path.mkdir),
    "that is a FIFO": _instead(os.mkfifo),
    "that is a link to nowhere": _instead(lambda path: path.symlink_to("nowhere")),
    "that is a link to itself": _instead(lambda path: path.symlink_to(path.name)),
    "that is a device": _instead(lambda path: path.symlink_to("/dev/zero")),
    "whose folder is a file": _folder_as_file,
}
