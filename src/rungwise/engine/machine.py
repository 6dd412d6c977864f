"""The device that trials run on, and how fast it multiplies matrices: the yardstick of every estimate of time."""

import functools
import statistics
import time
from collections.abc import Callable
from typing import Literal

import torch

from rungwise.errors import UserError
from rungwise.training.precision import resolve


class DeviceError(UserError):
    """The device that was asked for is not there."""


def product_rate(precision: Literal["float32", "bfloat16"], device: str = "cpu", seconds: float = 0.3) -> float:
    """Floating-point operations per second of square matrix products, the median of those that fit into `seconds`."""
    side = 4096 if device == "cuda" else 1024
    a = torch.randn(side, side, device=device).to(getattr(torch, precision))
    times: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or not times:
        _wait(device)
        started = time.perf_counter()
        a @ a
        _wait(device)
        times.append(time.perf_counter() - started)
    return 2 * side**3 / statistics.median(times)


def product_rates(device: str) -> Callable[[str], float]:
    """The rate in what a recipe's precision, or "auto", means on this device; measured when first asked for."""
    return functools.cache(lambda wish: product_rate(resolve(wish, device), device))


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def choose_device(wish: Literal["auto", "cpu", "cuda"]) -> str:
    """ "auto" takes a GPU where torch sees one. Raises DeviceError where "cuda" is asked for and there is none."""
    available = torch.cuda.is_available()
    if wish == "cuda" and not available:
        built = "this torch is built without CUDA" if torch.version.cuda is None else "torch sees no GPU"
        raise DeviceError(f"--device cuda needs a GPU that torch can use, but {built}. Use --device cpu")
    return "cuda" if wish != "cpu" and available else "cpu"


def gpu_memory() -> int | None:
    """Bytes of the GPU's memory; None where there is no GPU."""
    return torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else None
