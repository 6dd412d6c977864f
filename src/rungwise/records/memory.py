"""How much memory this process may take."""

from pathlib import Path

import psutil

GROUPS = Path("/sys/fs/cgroup")
"""Where Linux keeps the limits of containers and of services."""


def memory_limit(groups: Path = GROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Bytes: the machine's memory, or less where a container or a service has a limit."""
    limits = (_number(path) for path in _limit_files(groups, own))
    return min([psutil.virtual_memory().total, *(limit for limit in limits if limit is not None)])


def _limit_files(groups: Path, own: Path) -> list[Path]:
    """The files with limits, of this process's group and of every group that holds it, of both versions of cgroups."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []
    found = [groups / "memory.max", groups / "memory" / "memory.limit_in_bytes"]
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        root, name = (groups, "memory.max") if number == "0" else (groups / "memory", "memory.limit_in_bytes")
        if number == "0" or "memory" in controllers.split(","):
            parts = Path(path.lstrip("/")).parts
            found += [root.joinpath(*parts[: depth + 1], name) for depth in range(len(parts))]
    return found


def _number(path: Path) -> int | None:
    """What the file says; None where there is none, or no limit ("max")."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
