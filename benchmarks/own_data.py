"""Own images: how fast they are decoded, looked at and found again, and what a million of them take.

Each ratio is of two commands or loops that take turns in one run, so that what slows the machine slows both.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.large_files import make
from benchmarks.watched import watch
from rungwise.records.environment import cores, processor

FILES, CLASSES, SIDE = 10_000, 10, 100
ROUNDS = 3
IMAGES = 1_000_000
STUDY = """
title = "{name}"
[[chapter]]
kind = "cnns"
data = {{ source = {source!r} }}
fit = {{ epochs = 1, precision = "float32", evaluate = "end" }}
nets = {{ CNN = {{ filters = [16, 32] }} }}
"""


def run(files: int = FILES, images: int = IMAGES) -> dict[str, Any]:
    """All that is measured, as JSON types. The folders that it takes are temporary."""
    with tempfile.TemporaryDirectory(prefix="rungwise-own-") as name:
        folder = Path(name)
        photos = write_photos(folder / "photos", files)
        found = {
            "machine": {"processor": processor(), "cores": cores(), "torch": torch.__version__},
            "files": files,
            "decode_s": _decoding(folder, photos),
            "look_s": _looking(folder, photos),
            "start_s": _starting(folder, photos),
        }
    with tempfile.TemporaryDirectory(prefix="rungwise-own-") as name:
        return found | {"images": images, "large": _large(Path(name), images)}


def write_photos(folder: Path, count: int) -> Path:
    """JPEG files of 100x100 in colour, about 5 kB each: a coarse picture of the class, enlarged, under noise."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (CLASSES, 5, 5, 3), np.uint8)
    for label in range(CLASSES):
        (folder / f"class {label}").mkdir(parents=True)
        smooth = np.asarray(Image.fromarray(coarse[label]).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        for number in range(count // CLASSES):
            noise = random.integers(-20, 21, smooth.shape)
            picture = Image.fromarray(np.clip(smooth + noise, 0, 255).astype(np.uint8))
            picture.save(folder / f"class {label}/{number}.jpg", quality=85)
    return folder


def pillow_loop(photos: Path) -> int:
    """The bytes of all images, decoded by Pillow in as many threads as there are cores: a plain loop over each half."""
    paths, count = sorted(photos.rglob("*.jpg")), cores()

    def some(part: int) -> int:
        size = 0
        for path in paths[part::count]:
            with Image.open(path) as image:
                size += np.asarray(image.convert("RGB")).nbytes
        return size

    with ThreadPoolExecutor(count) as pool:
        return sum(pool.map(some, range(count)))


def _decoding(folder: Path, photos: Path) -> dict[str, list[float]]:
    """Seconds of rungwise's own decoding, of all it does with new files, and of the plain loop."""
    from rungwise.data.own.formats import find
    from rungwise.data.own.found import Size
    from rungwise.data.own.index import make_index
    from rungwise.data.own.opened import open_own
    from rungwise.data.own.places.opening import open_place
    from rungwise.data.own.preparation import Preparation
    from rungwise.data.own.sizes import Fitting

    preparation = Preparation(image_size=SIDE)
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    place = open_place(photos)
    found = find(place, preparation)
    headers = make_index(found.place, found.files).headers

    def decode() -> None:
        pixels = found.items(headers).pixels
        assert sum(part.nbytes for _, part in pixels.decode(Fitting(Size(SIDE, SIDE), preparation))) > 0

    def whole() -> None:
        os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(dir=folder)
        open_own(photos, preparation)

    return _rounds({"pillow": lambda: pillow_loop(photos), "decode": decode, "whole": whole})


def _looking(folder: Path, photos: Path) -> dict[str, list[float]]:
    """Seconds of the whole command on new files, and again."""

    def first() -> None:
        _command(["data", "look", str(photos)], tempfile.mkdtemp(dir=folder))

    kept = tempfile.mkdtemp(dir=folder)
    _command(["data", "look", str(photos)], kept)
    return _rounds({"first": first, "again": lambda: _command(["data", "look", str(photos)], kept)})


def _starting(folder: Path, photos: Path) -> dict[str, list[float]]:
    """Seconds of `rungwise plan`, which opens the data, and of a run's first look at it, on own images and on MNIST."""
    kept, sources = tempfile.mkdtemp(dir=folder), {"own": str(photos), "mnist": "mnist"}
    for name, source in sources.items():
        (folder / f"{name}.toml").write_text(STUDY.format(name=name, source=source))
        _command(["plan", str(folder / f"{name}.toml")], kept)
    plans = {f"plan {n}": lambda n=n: _command(["plan", str(folder / f"{n}.toml")], kept) for n in sources}
    loads = {f"load {n}": lambda n=n: _load(str(folder / f"{n}.toml"), kept) for n in sources if _there(n)}
    return _rounds(plans | loads)


def _there(name: str) -> bool:
    from rungwise.data.inventory import status

    return name == "own" or any(one.name == name and one.complete for one in status())


def _command(words: list[str], cache: str) -> None:
    environment = os.environ | {"XDG_CACHE_HOME": cache}
    subprocess.run([sys.executable, "-m", "rungwise", *words], env=environment, check=True, capture_output=True)


def _load(study: str, cache: str) -> None:
    """A process that reads a study and has its images."""
    code = (
        "import sys; from rungwise.study.reading import read_study; from rungwise.data.load import load; "
        "load(read_study(sys.argv[1]).chapters[0].data, offline=True)"
    )
    subprocess.run([sys.executable, "-c", code, study], env=os.environ | {"XDG_CACHE_HOME": cache}, check=True)


def _rounds(works: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of each work, in turns."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            found[name].append(time.perf_counter() - started)
    return found


def _large(folder: Path, count: int) -> dict[str, Any]:
    """Seconds and anonymous memory: of opening a million images in one file, then of one epoch of a CNN on them."""
    (folder / "images").mkdir()
    make(folder / "images", count)
    cache = str(folder / "cache")
    opened = watch(_open, str(folder / "images"), cache)
    (folder / "own.toml").write_text(STUDY.format(name="own", source=str(folder / "images")))
    trained = watch(_train, str(folder / "own.toml"), str(folder / "run"), cache)
    return {
        "open_s": opened.seconds,
        "open_bytes": opened.peak_bytes,
        "run_s": trained.seconds,
        "run_bytes": trained.peak_bytes,
        **trained.found,
    }


def _open(path: str, cache: str) -> None:
    from rungwise.data.own.opened import open_own
    from rungwise.data.own.preparation import Preparation

    os.environ["XDG_CACHE_HOME"] = cache
    open_own(Path(path), Preparation())


def _train(study: str, out: str, cache: str) -> dict[str, float]:
    """A whole run with one worker; its memory is that of the run and of its worker together."""
    from rungwise.runs.run import run_study
    from rungwise.study.reading import read_study

    os.environ["XDG_CACHE_HOME"] = cache
    (record,) = run_study(read_study(study), Path(out), workers=1).records.values()
    return {"train_s": record.timings["train_s"], "test_accuracy": record.summary["test_accuracy"]}


def markdown(found: dict[str, Any]) -> str:
    """What was found, as tables."""
    machine, large = found["machine"], found["large"]
    middle = {
        kind: {name: statistics.median(times) for name, times in found[kind].items()}
        for kind in ("decode_s", "look_s", "start_s")
    }
    rows = [
        f"| {kind.removesuffix('_s')}: {name} | {statistics.median(times):.2f} ({min(times):.2f}–{max(times):.2f}) |"
        for kind in middle
        for name, times in found[kind].items()
    ]
    decode, start = middle["decode_s"], middle["start_s"]
    against = [
        f"Decoding took {decode['decode'] / decode['pillow']:.2f} times a plain Pillow loop, and all that is done with "
        f"new files {decode['whole'] / decode['pillow']:.2f} times.",
        *(
            f"A second `{what}` of own images: {start[f'{what} own'] - start[f'{what} mnist']:+.2f} s against MNIST."
            for what in ("plan", "load")
            if f"{what} mnist" in start
        ),
    ]
    return "\n".join(
        [
            f"# Own images: {found['files']:,} JPEG of {SIDE}x{SIDE}, and {found['images']:,} of 32x32 in one file",
            "",
            f"{machine['processor']}, {machine['cores']} cores; torch {machine['torch']}.",
            "",
            f"| {found['files']:,} files | seconds, median of {ROUNDS} (least–greatest) |",
            "|---|---|",
            *rows,
            "",
            *against,
            "",
            f"{found['images']:,} images in one NPY file: indexed and cached in {large['open_s']:.0f} s with at most "
            f"**{large['open_bytes'] / 2**20:,.0f} MiB** of anonymous memory; one epoch of a CNN in "
            f"{large['train_s']:.0f} s ({large['run_s']:.0f} s for the whole run) with "
            f"**{large['run_bytes'] / 2**20:,.0f} MiB**, run and worker together. "
            f"Test accuracy {large['test_accuracy']:.4f}.",
            "",
        ]
    )
