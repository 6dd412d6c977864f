"""Models per second for 1, 4, 16 and 64 seeds: one by one, in several processes, and stacked.

Every process is warm: it has imported torch, read the data and fitted a net. What is timed is from the handing out of
the trials until the last outcome is there, drawing of images included, and testing, which is one net after the other in
every way. The ways take turns in every round.
"""

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from typing import Any

import torch

from rungwise.bench import Bench
from rungwise.data.images import Dataset, Split
from rungwise.data.load import load
from rungwise.data.settings import Data
from rungwise.data.split import split
from rungwise.engine.local import LANES
from rungwise.engine.machine import choose_device
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.models.net import NetSettings
from rungwise.records.environment import Others, accelerator, cores, processor
from rungwise.training.fit import carry_out
from rungwise.training.settings import Fit, Recipe, most_stacked
from rungwise.training.stacked import fit_stacked
from rungwise.words import counted

SEEDS = (1, 4, 16, 64)
FEW = SEEDS[:2]
"""Of the large nets, where time is short."""


@dataclass(frozen=True)
class Way:
    """How many trials are carried out."""

    name: str
    processes: int
    threads: int
    stacked: bool
    lanes: int = 1
    """Trials side by side in a process, each on a stream of a GPU."""


def ways(device: str) -> list[Way]:
    """One process with all cores, and one per core with a thread each; on a GPU one process, and streams."""
    if device == "cuda":
        return [
            Way("one by one", 1, 1, False),
            Way(f"{LANES} side by side, each on a stream", 1, 1, False, LANES),
            Way("stacked", 1, 1, True),
        ]
    many, threads = cores(), 1
    shapes = [(1, cores()), *([(many, threads)] if many > 1 else [])]
    told = {shape: f"{shape[0]} × {shape[1]} thread{'s' * (shape[1] > 1)}" for shape in shapes}
    return [
        Way(f"{'stacked' if stacked else 'one by one'}, {told[shape]}", *shape, stacked)
        for stacked in (False, True)
        for shape in shapes
    ]


def nets(*, full: bool) -> dict[str, Fit]:
    """What is fitted, by name: the seed is changed."""
    images, epochs = (10_000, 10) if full else (2_000, 1)
    small, large = MlpSettings(hidden=(100, 100)), MlpSettings(hidden=(1000, 1000))
    mnist = Data(source="mnist", train_images=images)

    def trial(net: NetSettings, data: Data, epochs: int) -> Fit:
        recipe = Recipe(epochs=epochs, evaluate="end", stacked=isinstance(net, MlpSettings))
        return Fit(label="", data=data, seed=0, net=net, fit=recipe)

    return {
        f"[100, 100], digits, {counted(epochs, 'epoch')}": trial(small, Data(source="digits"), epochs),
        f"[1000, 1000], {images:,} of MNIST, 1 epoch": trial(large, mnist, 1),
        f"CNN [32, 64, 128], {images:,} of MNIST, 1 epoch": trial(CnnSettings(filters=(32, 64, 128)), mnist, 1),
    }


def run(*, full: bool, most: int = SEEDS[-1]) -> dict[str, Any]:
    """Models per second by net, way and number of seeds, `most` at most: one value for each round."""
    device = choose_device("auto")
    rounds = 5 if full else 2
    chosen, others = ways(device), Others()
    results: dict[str, dict[str, dict[int, list[float]]]] = {}
    with ExitStack() as pools:
        pool = {}
        for way in chosen:  # two ways share each pool
            shape = (way.processes, way.threads)
            if shape not in pool:
                made = ProcessPoolExecutor(way.processes, get_context("spawn"), torch.set_num_threads, (way.threads,))
                pool[shape] = pools.enter_context(made)
        for name, trial in nets(full=full).items():
            seeds = FEW if not full and trial.data.source == "mnist" and device == "cpu" else SEEDS
            seeds = tuple(count for count in seeds if count <= most)
            able = [way for way in chosen if trial.fit.stacked or not way.stacked]
            table = results[name] = {way.name: {count: [] for count in seeds} for way in able}
            for way in able:  # warm
                models_per_second(pool[way.processes, way.threads], way, trial, way.processes, device)
            for _ in range(rounds):
                for count in seeds:
                    for way in able:
                        speed = models_per_second(pool[way.processes, way.threads], way, trial, count, device)
                        table[way.name][count].append(speed)
    machine = {
        "device": device,
        "accelerator": accelerator(device),
        "processor": processor(),
        "cores": cores(),
        "torch": torch.__version__,
    }
    return {"models_per_s": results, "rounds": rounds, "machine": machine, "others": others.share()}


def models_per_second(pool: ProcessPoolExecutor, way: Way, trial: Fit, count: int, device: str) -> float:
    """How fast `count` seeds of a trial are carried out, shared out over the processes."""
    trials = [trial.model_copy(update={"seed": seed}) for seed in range(count)]
    shares = [trials[i :: way.processes] for i in range(min(way.processes, count))]
    started = time.perf_counter()
    list(pool.map(partial(carry_out_all, stacked=way.stacked, device=device, lanes=way.lanes), shares))
    return count / (time.perf_counter() - started)


def carry_out_all(trials: Sequence[Fit], stacked: bool, device: str, lanes: int) -> None:
    """In a process: fit all, stacked in groups as large as memory allows, one by one or side by side."""
    bench = Bench(device=device, split=_read, records={})
    if lanes > 1:

        def lane(some: Sequence[Fit]) -> None:
            with torch.cuda.stream(torch.cuda.Stream()):  # type: ignore[no-untyped-call]
                for trial in some:
                    carry_out(trial, bench)

        with ThreadPoolExecutor(lanes) as pool:
            list(pool.map(lane, [trials[i::lanes] for i in range(lanes)]))
        return
    if not stacked:
        for trial in trials:
            carry_out(trial, bench)
        return
    most = most_stacked(trials[0])
    for i in range(0, len(trials), most):
        fit_stacked(trials[i : i + most], bench)


def _read(data: Data, seed: int) -> Split:
    return split(_loaded(data.source), data, seed)


@cache
def _loaded(source: str) -> Dataset:  # several threads may do so at once: all but one in vain
    return load(source, offline=True)


def markdown(found: dict[str, Any]) -> str:
    """Medians over the rounds, with the least and the most."""
    lines = []
    for name, table in found["models_per_s"].items():
        counts = [counted(int(n), "seed") for n in next(iter(table.values()))]
        lines += ["", f"Models per second: {name}", "", f"| | {' | '.join(counts)} |"]
        lines.append("|---" * (len(counts) + 1) + "|")
        for way, speeds in table.items():
            cells = [f"{statistics.median(v):.3g} ({min(v):.3g}–{max(v):.3g})" for v in speeds.values()]
            lines.append("| " + " | ".join([way, *cells]) + " |")
    return "\n".join(lines[1:])
