"""What the machine can do: the yardstick beside every time."""

import time
from dataclasses import dataclass
from typing import Any, Literal

import torch

from rungwise.engine.machine import product_rate
from rungwise.records.environment import accelerator, commit, processor, version
from rungwise.training.fit import now

LIBRARIES = ("torch", "keras", "jax", "lightning", "skorch", "scikit-learn", "numpy")
ADAM_BYTES = 28
"""That Adam in float32 moves at least per parameter and step: weight, gradient and two moments read, three written."""
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Rates:
    """What the machine does at a moment."""

    flops: dict[str, float]
    """Operations per second of square matrix products, by precision."""
    bandwidth: float
    """Bytes per second between processor and memory."""


def rates(device: str = "cpu", seconds: float = 0.1) -> Rates:
    """Measured for so many seconds each."""
    precisions: tuple[Precision, ...] = ("float32", "bfloat16")
    flops = {name: product_rate(name, device, seconds) for name in precisions}
    return Rates(flops, bandwidth(device, seconds))


def bandwidth(device: str = "cpu", seconds: float = 0.1, size: int = 1 << 25) -> float:
    """Bytes per second of the triad a = b + s c over float32 arrays that fit in no cache (McCalpin, 1995), the best of
    those that fit into `seconds`. Reading a before it is written is not counted."""
    size *= 8 if device == "cuda" else 1
    a, b, c = (torch.ones(size, device=device) for _ in range(3))
    best, until = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < until or not best:
        started = now(device)
        torch.add(b, c, alpha=3.0, out=a)
        best = max(best, 3 * 4 * size / (now(device) - started))
    return best


def facts(threads: int, device: str = "cpu") -> dict[str, Any]:
    """The machine and its software, as JSON types."""
    return {
        "processor": processor(),
        "accelerator": accelerator(device),
        "threads": threads,
        "rungwise": version("rungwise"),
        "commit": commit(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }
