"""Where and with what a trial runs, read from the machine."""

import datetime
import functools
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import time
from pathlib import Path

import psutil
import torch

from rungwise.records.container import processor_quota
from rungwise.records.record import Environment

LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "numba")


class Others:
    """What other processes take of the machine's processors, from the making of this object on."""

    def __init__(self) -> None:
        self.start = _processor_times()

    def share(self) -> float | None:
        """From 0 to 1; None where no time has passed that the system's counters know of."""
        total, busy, own = (now - then for now, then in zip(_processor_times(), self.start, strict=True))
        return min(1.0, max(0.0, (busy - own) / total)) if total > 0 else None


def _processor_times() -> tuple[float, float, float]:
    """Seconds of all processors together since boot: in all, busy, and busy with this process."""
    times = psutil.cpu_times()._asdict()
    guests = times.get("guest", 0) + times.get("guest_nice", 0)  # counted as user time already
    total = sum(times.values()) - guests
    return total, total - times["idle"] - times.get("iowait", 0), time.process_time()


def environment_here(
    *, device: str, threads: int, workers: int, others: float | None = None, code: dict[str, str] | None = None
) -> Environment:
    """The environment of a trial that ends now. `code`: `records.code.code_of` the trial."""
    return Environment(
        rungwise=version("rungwise"),
        commit=commit(),
        python=platform.python_version(),
        libraries={name: version(name) for name in LIBRARIES},
        platform=platform.platform(),
        processor=processor(),
        cores=cores(),
        memory_bytes=psutil.virtual_memory().total,
        threads=threads,
        workers=workers,
        device=device,
        accelerator=accelerator(device),
        others=others,
        code=code or {},
        finished_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def cores() -> int:
    """Physical cores that this process may use, by its affinity and its container's quota: two threads of one core
    multiply matrices no faster than one, and a thread beyond a quota waits while it holds up the others."""
    allowed = len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count()
    quota = processor_quota()
    limits = [allowed or 1, psutil.cpu_count(logical=False) or 1, *([] if quota is None else [int(quota)])]
    return max(1, min(limits))


def version(distribution: str) -> str:
    """The installed version; "unknown" where it came by other means than a package."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        if distribution == "numba" and importlib.util.find_spec("numba") is None:  # the one that may be missing
            return "not installed"
        return "unknown"


@functools.cache
def processor() -> str:
    """The processor's name, with its family, model and stepping where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name = facts.get("model name", platform.machine())
    numbers = [f"{word} {facts[key]}" for word, key in (("family", "cpu family"), ("model", "model")) if key in facts]
    return f"{name} ({', '.join(numbers)})" if numbers else name


def accelerator(device: str) -> str | None:
    """The GPU's name; None on a CPU."""
    return torch.cuda.get_device_name() if device == "cuda" else None


@functools.cache
def commit() -> str | None:
    """The commit of the checkout that this package runs from; None for an installed copy."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", here, *words], capture_output=True, text=True, timeout=10)
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        if not git("ls-files", Path(__file__).name):
            return None  # an installed copy inside somebody else's checkout
        head = git("rev-parse", "HEAD")
        return head + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "") if head else None
    except (OSError, subprocess.TimeoutExpired):
        return None
