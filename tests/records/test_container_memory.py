"""The memory that a process may take: of the machine, or of its container."""

from pathlib import Path

import psutil
import pytest

from rungwise.records.container import memory_limit

MACHINE = psutil.virtual_memory().total


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "own", "limit"),
    [
        ({}, "0::/", MACHINE),
        ({"memory.max": "max\n"}, "0::/", MACHINE),
        ({"memory.max": "1048576\n"}, "0::/\n", 1048576),  # a container, version 2
        ({"memory.max": "max\n", "a/memory.max": "3000000\n", "a/b/memory.max": "9000000\n"}, "0::/a/b\n", 3000000),
        ({"memory/memory.limit_in_bytes": "2000000\n"}, "4:memory:/docker/x\n", 2000000),  # version 1
        ({"memory/s/memory.limit_in_bytes": "2000000\n"}, "9:cpu:/t\n4:cpu,memory:/s\n", 2000000),
        ({"memory/memory.limit_in_bytes": "9223372036854771712\n"}, "4:memory:/\n", MACHINE),  # none, in its words
        ({"memory.max": "garbage"}, "nonsense", MACHINE),
    ],
)
def test_the_smallest_limit_counts(files: dict[str, str], own: str, limit: int, tmp_path: Path) -> None:
    groups = written(tmp_path / "cgroup", files)
    (tmp_path / "own").write_text(own)
    assert memory_limit(tmp_path / "own", groups) == limit


def test_without_groups_it_is_the_machines(tmp_path: Path) -> None:
    assert memory_limit(tmp_path / "absent", tmp_path) == MACHINE
