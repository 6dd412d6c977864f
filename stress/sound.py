"""What is damaged, as long as it is sound: a study and its folder; and surroundings in which nothing else is hurt."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rungwise.evidence.measure import Measurement
from rungwise.runs.run import open_run, run_study
from rungwise.study.reading import parse_study

STUDY = """
title = "Two nets"
seeds = 2

[[chapter]]
kind = "mlps"
data = { source = "digits", train_images = 200 }
fit = { epochs = 2 }
nets = { A = { hidden = [8] }, B = { hidden = [9] } }

[[chapter.claim]]
id = "a"
says = "A is better"
test = { metric = "test_accuracy", better = "A", than = "B" }
"""
NOWHERE = "http://127.0.0.1:9"
"""A proxy that answers nothing, so that nothing is downloaded."""


@dataclass(frozen=True)
class Sound:
    """A study, and its folder with everything done."""

    study: Path
    folder: Path
    measurements: tuple[Measurement, ...]

    @classmethod
    def make(cls, place: Path) -> "Sound":
        """Compute it: four trials."""
        place.mkdir(parents=True)
        (place / "study.toml").write_text(STUDY, encoding="utf-8")
        run = run_study(parse_study(STUDY, "study.toml"), place / "run", workers=1)
        return cls(place / "study.toml", place / "run", tuple(run.measurements))

    def ids(self) -> list[str]:
        """Of the trials."""
        return open_run(self.folder).store.names()


@contextmanager
def surroundings(folder: Path) -> Iterator[None]:
    """Work in this folder, with a cache of its own, no data but what comes with libraries, and no network."""
    folder.mkdir(parents=True)
    before, variables = Path.cwd(), dict(os.environ)
    kinds = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    os.environ.update({**dict.fromkeys(kinds, NOWHERE), "XDG_CACHE_HOME": str(folder / "cache")})
    os.environ.pop("RUNGWISE_DATA", None)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(variables)
