"""How much processor time a container allows: Linux's control groups, of both versions.

A group's limit holds for all groups below it, so the least of a process's own group and those above it counts.
https://docs.kernel.org/admin-guide/cgroup-v2.html and https://docs.kernel.org/scheduler/sched-bwc.html
"""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

OWN = Path("/proc/self/cgroup")
MOUNT = Path("/sys/fs/cgroup")

Read = Callable[[Path], str | None]
"""The text of a file; None where there is none."""


def processor_quota(own: Path = OWN, mount: Path = MOUNT) -> float | None:
    """Processors' time per time that this process may use, as 1.5; None where there is no limit, or no such system."""
    return least_quota(_read(own) or "", mount, _read)


def least_quota(groups: str, mount: Path, read: Read) -> float | None:
    """The least limit of the groups that ``/proc/self/cgroup`` names, and of those above them."""
    limits = []
    for line in groups.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            for folder in _upwards(path, (mount, mount / "unified")):
                limits.append(of_version_2(read(folder / "cpu.max")))
        elif "cpu" in controllers.split(","):
            for folder in _upwards(path, (mount / controllers, mount / "cpu")):
                limits.append(of_version_1(read(folder / "cpu.cfs_quota_us"), read(folder / "cpu.cfs_period_us")))
    return min((limit for limit in limits if limit is not None), default=None)


def of_version_2(cpu_max: str | None) -> float | None:
    """Of ``cpu.max``, "150000 100000" or "max 100000": microseconds of processors per microseconds."""
    words = (cpu_max or "").split()
    return of_version_1(*words) if len(words) == 2 else None


def of_version_1(quota_us: str | None, period_us: str | None) -> float | None:
    """Of the two files of version 1; a quota of -1 is none."""
    try:
        quota, period = int(quota_us or ""), int(period_us or "")
    except ValueError:
        return None
    return quota / period if quota > 0 and period > 0 else None


def _upwards(path: str, mounts: tuple[Path, ...]) -> Iterator[Path]:
    """A group's folder and those above it, below each mount. A container may see its own group as the mount itself,
    whatever path it is told."""
    group = PurePosixPath("/", path)
    for mount in mounts:
        for each in (group, *group.parents):
            yield mount / each.relative_to("/")


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
