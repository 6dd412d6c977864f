"""What a container allows of processor time, as Linux tells it."""

from pathlib import Path

import psutil
import pytest

from rungwise.records import environment
from rungwise.records.container import of_version_1, of_version_2, processor_quota


@pytest.mark.parametrize(
    ("text", "quota"),
    [("150000 100000\n", 1.5), ("max 100000\n", None), ("100000", None), ("", None), (None, None), ("a b", None)],
)
def test_version_2(text: str | None, quota: float | None) -> None:
    assert of_version_2(text) == quota


@pytest.mark.parametrize(
    ("quota_us", "period_us", "quota"), [("50000\n", "100000\n", 0.5), ("-1\n", "100000\n", None), (None, None, None)]
)
def test_version_1(quota_us: str | None, period_us: str | None, quota: float | None) -> None:
    assert of_version_1(quota_us, period_us) == quota


def system(folder: Path, own: str, **files: str) -> float | None:
    """The quota where ``/proc/self/cgroup`` says `own` and the control groups have these files."""
    (folder / "own").write_text(own)
    for name, text in files.items():
        path = folder / "mount" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(path.name.replace("cpu_", "cpu.")).write_text(text)
    return processor_quota(folder / "own", folder / "mount")


def test_the_least_of_a_group_and_those_above_it_counts(tmp_path: Path) -> None:
    quotas = {"a__b__cpu_max": "max 100000", "a__cpu_max": "200000 100000", "cpu_max": "400000 100000"}
    assert system(tmp_path, "0::/a/b\n", **quotas) == 2
    assert system(tmp_path, "0::/\n", **quotas) == 4


def test_a_container_may_see_its_group_as_the_root(tmp_path: Path) -> None:
    assert system(tmp_path, "0::/docker/0123\n", cpu_max="100000 100000") == 1


def test_the_groups_of_version_1(tmp_path: Path) -> None:
    own = "3:memory:/x\n2:cpu,cpuacct:/docker/1\n0::/\n"
    files = {
        "cpu,cpuacct__docker__1__cpu_cfs_quota_us": "300000",
        "cpu,cpuacct__docker__1__cpu_cfs_period_us": "100000",
    }
    assert system(tmp_path, own, **files) == 3


def test_other_systems_have_none(tmp_path: Path) -> None:
    assert processor_quota(tmp_path / "nothing", tmp_path) is None


@pytest.mark.parametrize(("quota", "expected"), [(None, 8), (1.0, 1), (0.2, 1), (1.5, 1), (3.9, 3), (64.0, 8)])
def test_cores_are_whole_and_within_the_quota(
    quota: float | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "processor_quota", lambda: quota)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: 8)
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda _: list(range(16)), raising=False)
    assert environment.cores() == expected
