"""Tests of kernels are skipped where there is no numba, but for those of what is done instead."""

from pathlib import Path

import pytest

from rungwise.kernels import why_not

WITHOUT = ("test_without_numba.py",)


class _Skipped(pytest.Module):
    def collect(self):
        pytest.skip(f"kernels: {why_not()}", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    if why_not() and module_path.name not in WITHOUT:
        return _Skipped.from_parent(parent, path=module_path)
    return None
