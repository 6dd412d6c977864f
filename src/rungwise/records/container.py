"""What a container or a service allows of processors and memory: Linux's control groups, of both versions.

A group's limit holds for all groups below it, so the least of a process's own group and those above it counts.
https://docs.kernel.org/admin-guide/cgroup-v2.html and https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

OWN = Path("/proc/self/cgroup")
MOUNT = Path("/sys/fs/cgroup")


def processor_quota(own: Path = OWN, mount: Path = MOUNT) -> float | None:
    """Processors' time per time that this process may use, as 1.5; None where there is no limit, or no such system."""
    limits = (
        of_version_2(_read(folder / "cpu.max"))
        if version == 2
        else of_version_1(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))
        for version, folder in _groups(own, mount, "cpu")
    )
    return min((limit for limit in limits if limit is not None), default=None)


def memory_limit(own: Path = OWN, mount: Path = MOUNT) -> int:
    """Bytes that this process may take: the machine's memory, or less where a container or a service has a limit."""
    names = {1: "memory.limit_in_bytes", 2: "memory.max"}
    limits = [_number(_read(folder / names[version])) for version, folder in _groups(own, mount, "memory")]
    return min([psutil.virtual_memory().total, *(limit for limit in limits if limit is not None)])


def of_version_2(cpu_max: str | None) -> float | None:
    """Of ``cpu.max``, "150000 100000" or "max 100000": microseconds of processors per microseconds."""
    words = (cpu_max or "").split()
    return of_version_1(*words) if len(words) == 2 else None


def of_version_1(quota_us: str | None, period_us: str | None) -> float | None:
    """Of the two files of version 1; a quota of -1 is none."""
    quota, period = _number(quota_us), _number(period_us)
    return quota / period if quota and period and quota > 0 and period > 0 else None


def _groups(own: Path, mount: Path, controller: str) -> Iterator[tuple[int, Path]]:
    """The folders of the process's groups that have the controller, and of those above them, with their version."""
    for line in (_read(own) or "").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            yield from ((2, folder) for folder in _upwards(path, (mount, mount / "unified")))
        elif controller in controllers.split(","):
            yield from ((1, folder) for folder in _upwards(path, (mount / controllers, mount / controller)))


def _upwards(path: str, mounts: tuple[Path, ...]) -> Iterator[Path]:
    """A group's folder and those above it, below each mount. A container may see its own group as the mount itself,
    whatever path it is told."""
    group = PurePosixPath("/", path)
    for mount in mounts:
        for each in (group, *group.parents):
            yield mount / each.relative_to("/")


def _number(text: str | None) -> int | None:
    """None where there is none, or no limit ("max")."""
    try:
        return int(text or "")
    except ValueError:
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
