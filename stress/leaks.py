"""Many studies in one process: what stays of each."""

import gc
import shutil
import tempfile
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import psutil

from rungwise.runs.run import run_study
from rungwise.study.reading import parse_study
from stress.tally import Tally

STUDY = """
title = "Again"
seeds = 1

[[chapter]]
kind = "mlps"
data = { source = "digits", train_images = 200 }
fit = { epochs = 1 }
nets = { A = { hidden = [8] } }
"""
WARM_UP = 0.2
"""The share of studies after which libraries have filled their caches: fonts, compiled code, the allocator's pools."""
MOST_BYTES = 100_000
"""Of memory that may stay of each study, on average after the warm-up. What is kept on purpose is far less: a few
cached names of trials. The allocator's own ups and downs are of 1 MB, which the slope over many studies evens out;
a study's records, page or figures alone would be more than this if one of them stayed."""


@dataclass(frozen=True)
class Held:
    """What a process holds, with its children: the server that workers fork from stays for the next study."""

    files: int
    """Open file descriptors."""
    processes: int
    """Itself, and its children with theirs."""
    threads: int
    temporary: int
    """Files and folders in the folder for temporary ones."""
    memory: int
    """Bytes that are resident."""

    @classmethod
    def now(cls) -> "Held":
        gc.collect()
        family = [(me := psutil.Process()), *me.children(recursive=True)]
        return cls(
            files=sum(process.num_fds() for process in family),
            processes=len(family),
            threads=sum(process.num_threads() for process in family),
            temporary=len(list(Path(tempfile.gettempdir()).iterdir())),
            memory=sum(process.memory_info().rss for process in family),
        )


def leaks(times: int, place: Path, tally: Tally | None = None, most_bytes: int = MOST_BYTES) -> Tally:
    """So many studies, one after the other, each into a folder of its own that is removed afterwards."""
    tally = tally or Tally("leaks", times)
    study = parse_study(STUDY, "study.toml")
    run_study(study, place / "first", workers=1)  # starts the server, whose socket stays in the common folder
    own = place / "temporary"
    own.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(own)  # others' files in the common folder come and go
    held: list[Held] = []
    try:
        for number in range(times):
            run = run_study(study, place / f"run-{number}", workers=1)
            tally.check(len(run.records) == 1, f"study {number}", f"failed: {run.failures}")
            shutil.rmtree(place / f"run-{number}")
            del run
            held.append(Held.now())
            tally.case(f"study {number}, with {held[-1]}", "done")
    finally:
        tempfile.tempdir = before
    judge(held[int(times * WARM_UP) :], tally, most_bytes)
    return tally


def judge(held: list[Held], tally: Tally, most_bytes: int) -> None:
    """Counts must be what they were; memory may grow by so many bytes per study."""
    first, last = held[0], held[-1]
    for field, before, after in zip(fields(Held), astuple(first), astuple(last), strict=True):
        if field.name != "memory":
            tally.check(after <= before, field.name, f"{before} after the warm-up, {after} at the end")
    slope = float(np.polyfit(range(len(held)), [one.memory for one in held], 1)[0])
    tally.say(f"memory grew by {slope:,.0f} bytes per study, from {first.memory:,} to {last.memory:,}")
    tally.check(
        slope <= most_bytes, "memory", f"{slope:,.0f} bytes stay of each study, at most {most_bytes:,} expected"
    )
