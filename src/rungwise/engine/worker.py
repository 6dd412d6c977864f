"""One process that carries out trials, one after the other, as they come down a pipe."""

import importlib
import os
import signal
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait

import torch
from filelock import Timeout

from rungwise.data.images import Dataset, Split
from rungwise.data.load import load
from rungwise.data.source import Data
from rungwise.data.split import split
from rungwise.records.environment import Others, describe
from rungwise.records.record import Environment
from rungwise.records.store import Store
from rungwise.trial import Bench, Outcome, Trial, TrialFailed

Message = tuple[str, Mapping[str, float], str]
"""(what, values, error); what is an `Event`'s, or "busy" where another run is computing the trial."""


@dataclass(frozen=True)
class Place:
    """Where a worker works."""

    store: Store
    device: str
    threads: int
    workers: int
    offline: bool


def main(pipe: Connection, place: Place) -> None:
    """Receive trials until None or the end of the parent; answer each with messages."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    threading.Thread(target=_die_with_parent, daemon=True).start()
    torch.set_num_threads(place.threads)
    datasets: dict[str, Dataset] = {}
    while (trial := pipe.recv()) is not None:
        for message in carry_out(trial, place, datasets, lambda values: pipe.send(("progress", dict(values), ""))):
            pipe.send(message)


def carry_out(
    trial: Trial, place: Place, datasets: dict[str, Dataset], progress: Callable[[Mapping[str, float]], None]
) -> list[Message]:
    """Carry one trial out and keep its record, unless another run has done so or is at it."""
    lock = place.store.lock(trial.id)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return [("busy", {}, "")]
    try:
        if place.store.has(trial.id):
            return [("found", {}, "")]
        progress({})
        return [_compute(trial, place, datasets, progress)]
    finally:
        lock.release()


def _compute(
    trial: Trial, place: Place, datasets: dict[str, Dataset], progress: Callable[[Mapping[str, float]], None]
) -> Message:
    digests: dict[str, str] = {}
    others = Others()

    def read(data: Data, seed: int) -> Split:
        if data.source not in datasets:
            datasets[data.source] = load(data.source, offline=place.offline)
        digests.update(datasets[data.source].sha256)
        return split(datasets[data.source], data, seed)

    def fail(error: str, trace: str | None = None) -> Message:
        place.store.fail(trial, error, environment(), trace)
        return "failed", {}, error

    def environment() -> Environment:
        return describe(device=place.device, threads=place.threads, workers=place.workers, others=others.share())

    try:
        needs = place.store.load_all({need.id for need in trial.needs})
        bench = Bench(device=place.device, split=read, records=needs, progress=progress)
        outcome = _work_of(trial)(trial, bench)
        place.store.save(trial, outcome, environment(), digests)
        return "finished", outcome.summary, ""
    except TrialFailed as failure:
        return fail(str(failure))
    except Exception as error:  # whatever one trial does, the study goes on
        return fail(f"{type(error).__name__}: {error}", traceback.format_exc())


def _work_of(trial: Trial) -> Callable[[Trial, Bench], Outcome]:
    module, _, function = trial.work.partition(":")
    work: Callable[[Trial, Bench], Outcome] = getattr(importlib.import_module(module), function)
    return work


def _die_with_parent() -> None:
    """A killed run leaves no worker behind that computes on."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
