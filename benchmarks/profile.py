"""Where a training step's time goes: by the recipes of `best` and the reference's nets, all cores, in the default
precision.

Steps are watched by torch's profiler. Each operator's own time counts for what it is part of; what no operator
accounts for, Python, autograd's bookkeeping and the profiler itself, is "between operators". Work in machine code is
watched one kind at a time.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch.autograd.profiler import record_function
from torch.autograd.profiler_util import FunctionEvent

from benchmarks.cases import CASES, Case, Images, images_of
from rungwise.balancing.fixed import Fixed
from rungwise.engine.allocator import keep_freed_memory
from rungwise.kernels.conv import passes as conv_kernels
from rungwise.kernels.conv import step as conv_step
from rungwise.kernels.conv import weights as conv_weights
from rungwise.kernels.dense import step as dense_step
from rungwise.kernels.mlp import passes as mlp_kernels
from rungwise.kernels.mlp import step as mlp_step
from rungwise.models.net import count_parameters
from rungwise.records.environment import cores, processor
from rungwise.study.reading import read_study
from rungwise.study.study import study_trials
from rungwise.training.batches import Resident
from rungwise.training.learner import begin, build_learner
from rungwise.training.precision import resolve
from rungwise.training.settings import Fit
from rungwise.training.steps import choose_step

STEPS = 30
IMAGES = "images"
"""The range in which a batch is drawn and changed."""
BACK, FORTH, COPIES = "convolutions, backward", "convolutions, forward", "copies between formats"
PARTS = {  # the first whose words an operator's name has
    BACK: ("convolution_backward",),
    FORTH: ("convolution",),
    "dense layers": ("linear", "mm"),
    "BatchNorm": ("batch_norm",),
    "pooling": ("pool", "amax"),
    "ReLU": ("relu", "threshold", "clamp_min"),
    "loss": ("softmax", "nll_loss"),
    COPIES: ("copy", "clone", "contiguous", "reorder"),
}
OPTIMISER, DRAWN, OTHER, BETWEEN = "optimiser", "images drawn and changed", "other operators", "between operators"
UPDATE = "dense gradients with the optimiser; MLPs: forward, too"
COLUMNS = (*PARTS, OPTIMISER, UPDATE, DRAWN, OTHER, BETWEEN)
KINDS = {
    mlp_kernels.READ: COPIES,
    mlp_kernels.TRANSPOSE_IMAGES: COPIES,
    mlp_kernels.TRANSPOSE: COPIES,
    mlp_kernels.FORWARD: UPDATE,
    mlp_kernels.BACKWARD: "dense layers",
    mlp_kernels.LOSS: "loss",
}
"""What work of multilayer perceptrons in machine code is part of."""
CALLS = (
    *((conv_step, name, COPIES) for name in ("scale_images", "mask_gradient", "pair_images")),
    *((conv_weights, name, COPIES) for name in ("pack_weights", "transpose")),
    (conv_weights, "update_weights", OPTIMISER),
    (conv_step, "head_loss", "loss"),
    (dense_step, "update_layer", UPDATE),
    (dense_step, "update_by_gradient", OPTIMISER),
)
"""What else nets call of machine code, and what it is part of."""


def run(steps: int = STEPS) -> dict[str, Any]:
    """By recipe: milliseconds of a step, and the share of it that each part takes; with memory kept, as workers do."""
    keep_freed_memory()
    wanted = {case.name: (case.trial(1, equal=False), case) for case in CASES}
    for chapter, trial in study_trials(read_study("best")):
        assert isinstance(trial, Fit)
        case = Case(chapter.name, trial.net, trial.fit.batch * steps, trial.data.source)
        wanted.setdefault(f"{chapter.name}: {trial.label}", (trial, case))
    machine = {"processor": processor(), "cores": cores(), "torch": torch.__version__}
    rows = [{"name": name, **profile(trial, images_of(case), steps)} for name, (trial, case) in wanted.items()]
    return {"machine": machine, "steps": steps, "rows": rows}


def profile(trial: Fit, images: Images, steps: int = STEPS) -> dict[str, Any]:
    """Steps of a trial on these images: timed as they are, then watched."""
    step = _stepper(trial, images)
    for _ in range(3):  # kernels are chosen, memory is taken
        step()
    times = []
    for _ in range(steps):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    with _apart(), torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as watched:
        started = time.perf_counter()
        for _ in range(steps):
            step()
        watched_s = time.perf_counter() - started
    return {
        "batch": trial.fit.batch,
        "precision": resolve(trial.fit.precision, "cpu"),
        "parameters": count_parameters(trial.net, images.train.shape, trial.outputs),
        "step_ms": 1e3 * statistics.median(times),
        "watched_ms": 1e3 * watched_s / steps,
        "shares": shares(watched.events() or (), watched_s),
    }


@contextmanager
def _apart() -> Iterator[None]:
    """Machine code goes one kind of work at a time, each in a range of the profiler's."""
    whole, multiply = mlp_step.step, conv_step.multiply

    def step(program: np.ndarray, *rest: Any) -> Any:
        found = None
        for row in program:
            with record_function(KINDS[row[0]]):
                one = whole(row[None], *rest)
            found = one if row[0] == mlp_kernels.LOSS else found
        return found

    def products(works: np.ndarray, *rest: Any) -> None:
        with record_function(FORTH if works[0]["kind"] == conv_kernels.FORWARD else BACK):
            multiply(works, *rest)

    def watched(work: Callable[..., Any], part: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            with record_function(part):
                return work(*arguments)

        return call

    with ExitStack() as patches:
        for module, name, one in (
            (mlp_step, "step", step),
            (conv_step, "multiply", products),
            *((module, name, watched(getattr(module, name), part)) for module, name, part in CALLS),
        ):
            patches.enter_context(patch.object(module, name, one))
        yield


def _stepper(trial: Fit, images: Images) -> Callable[[], object]:
    """The next training step of the trial, as `training.fit` takes it, but that rates stay, no image is pruned, and
    images are mirrored by chance."""
    train = Resident.of(images.train, trial, "cpu")
    net = begin(trial, images.train.shape, {}).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    balancer = Fixed(build_learner(trial, net, {"train": train}, resolve(trial.fit.precision, "cpu")))
    take = choose_step(balancer)
    random, augment = torch.Generator().manual_seed(trial.seed), trial.fit.augment
    batches = train.endlessly(trial.fit.batch, random)

    def step() -> object:
        with record_function(IMAGES):
            batch = next(batches)
            if augment is not None:
                batch = batch._replace(images=augment.apply(batch.images, random))
        return take(batch)

    return step


def shares(events: Iterable[FunctionEvent], whole_s: float) -> dict[str, float]:
    """The share of `whole_s` that each part takes; they sum to 1."""
    spent = dict.fromkeys(COLUMNS, 0.0)
    for event in events:
        spent[_part(event)] += event.self_cpu_time_total / 1e6  # µs
    spent[BETWEEN] += whole_s - sum(spent.values())
    return {part: spent[part] / whole_s for part in COLUMNS}


def _part(event: FunctionEvent) -> str:
    """What an event is part of: by the range that it is in, else, if it is an operator, by its name."""
    above: FunctionEvent | None = event
    while above is not None:
        if above.name.startswith("Optimizer.step"):
            return OPTIMISER
        if above.name == IMAGES:
            return DRAWN
        if above.name in (*KINDS.values(), BACK, FORTH, OPTIMISER):
            return above.name
        above = above.cpu_parent
    if "::" not in event.name or event.name.startswith(("autograd::", "torch::autograd::")):
        return BETWEEN
    return next((part for part, words in PARTS.items() if any(word in event.name for word in words)), OTHER)


def markdown(found: dict[str, Any]) -> str:
    """A column for each recipe."""
    rows = found["rows"]
    lines = [f"| | {' | '.join(row['name'] for row in rows)} |", "|---" * (len(rows) + 1) + "|"]
    for name, cells in (
        ("parameters", [f"{row['parameters']:,}" for row in rows]),
        ("images per step", [f"{row['batch']}" for row in rows]),
        ("precision", [row["precision"] for row in rows]),
        ("ms per step", [f"{row['step_ms']:.1f}" for row in rows]),
        ("ms per step, watched", [f"{row['watched_ms']:.1f}" for row in rows]),
        *((part, [f"{row['shares'][part]:.0%}" for row in rows]) for part in COLUMNS),
    ):
        lines.append(f"| {name} | {' | '.join(cells)} |")
    machine = found["machine"]
    about = f"{machine['processor']}, {machine['cores']} threads; torch {machine['torch']}; {found['steps']} steps."
    return f"{about}\n\n" + "\n".join(lines) + "\n"
