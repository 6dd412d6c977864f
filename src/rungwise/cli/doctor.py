"""What a machine brings to a study."""

import shutil
from pathlib import Path

import torch

from rungwise.data.errors import DataError
from rungwise.data.inventory import status
from rungwise.engine.local import default_workers, threads_each
from rungwise.engine.machine import choose_device, product_rate
from rungwise.kernels import why_not
from rungwise.records.environment import environment_here
from rungwise.training.precision import has_cpu_bfloat16, resolve

MANY = 1000
"""Trials, of a study that keeps a machine busy."""


def examine() -> dict[str, str | int | float | bool]:
    """Facts by name, in the order to show them; rates in floating-point operations per second."""
    device = choose_device("auto")
    chosen = resolve("auto", device)
    workers = default_workers(device, MANY)
    here = environment_here(device=device, threads=threads_each(workers), workers=workers)
    facts: dict[str, str | int | float | bool] = {
        "rungwise": f"{here.rungwise} ({here.commit or 'installed'})",
        "python": here.python,
        **here.libraries,
        "processor": here.processor,
        "cores": here.cores,
        "workers_by_default": here.workers,
        "threads_per_worker": here.threads,
        "memory_gib": round(here.memory_bytes / 2**30, 1),
        "free_disk_gib": round(shutil.disk_usage(Path.cwd()).free / 2**30, 1),
        "device": here.hardware,
        "bfloat16_in_hardware": has_cpu_bfloat16() if device == "cpu" else torch.cuda.is_bf16_supported(),
        "precision_auto": chosen,
        "mlp_steps": _steps(device, chosen),
        "strided_convolutions": _convolutions(device, chosen),
        "float32_gflop_per_s": round(product_rate("float32", device) / 1e9),
        "bfloat16_gflop_per_s": round(product_rate("bfloat16", device) / 1e9, 1),
    }
    return facts | _data()


def _steps(device: str, precision: str) -> str:
    if device == "cuda":
        return "CUDA graph"
    if reason := why_not():
        return f"autograd ({reason})"
    from rungwise.kernels.descent import machine_can  # needs numba

    return "machine code" if machine_can(precision) else "autograd"


def _convolutions(device: str, precision: str) -> str:
    if device == "cuda":
        return "cuDNN"
    if reason := why_not():
        return f"oneDNN ({reason})"
    from rungwise.kernels.conv.step import pays  # needs numba

    return "machine code" if pays(precision) else "oneDNN"


def _data() -> dict[str, str]:
    try:
        return {f"data_{row.name}": (row.found or "") if row.complete else "not found" for row in status()}
    except DataError as error:
        return {"data": str(error)}
