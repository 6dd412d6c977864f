"""What a machine brings to a study."""

import platform
import shutil
from pathlib import Path

import psutil
import torch

from rungwise.data.errors import DataError
from rungwise.data.inventory import status
from rungwise.engine.local import default_workers
from rungwise.engine.machine import accelerator, choose_device, product_rate
from rungwise.kernels import why_not
from rungwise.records.environment import LIBRARIES, commit, cores, processor, version
from rungwise.training.precision import has_cpu_bfloat16, resolve

MANY = 1000
"""Trials, of a study that keeps a machine busy."""


def examine() -> dict[str, str | int | float | bool]:
    """Facts by name, in the order to show them; rates in floating-point operations per second."""
    device = choose_device("auto")
    chosen = resolve("auto", device)
    facts: dict[str, str | int | float | bool] = {
        "rungwise": f"{version('rungwise')} ({commit() or 'installed'})",
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "processor": processor(),
        "cores": cores(),
        "workers_by_default": (workers := default_workers(device, MANY)),
        "threads_per_worker": max(1, cores() // workers),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "free_disk_gib": round(shutil.disk_usage(Path.cwd()).free / 2**30, 1),
        "device": f"{device} ({gpu})" if (gpu := accelerator(device)) else device,
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
