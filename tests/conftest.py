"""The suite is about processors, and hides a GPU, which studies would otherwise take. Some tests run by themselves:
`pytest --gpu` runs those that need one, and `pytest --wheel` those that install the wheel, which takes minutes."""

import os
from pathlib import Path

import pytest

BY_THEMSELVES = {"gpu": "need a GPU, which is hidden otherwise", "wheel": "install the wheel and all that it needs"}
"""The markers of such tests; the option of the same name selects them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, what in BY_THEMSELVES.items():
        parser.addoption(f"--{name}", action="store_true", help=f"only the tests that {what}")


def pytest_configure(config: pytest.Config) -> None:
    for name, what in BY_THEMSELVES.items():
        config.addinivalue_line("markers", f"{name}: those that {what}")
    if not config.getoption("--gpu"):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before CUDA looks, and for all processes that tests start


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for name in BY_THEMSELVES:
        if config.getoption(f"--{name}"):
            others = [item for item in items if not item.get_closest_marker(name)]
            config.hook.pytest_deselected(items=others)
            items[:] = [item for item in items if item.get_closest_marker(name)]
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(
                pytest.mark.skipif("not __import__('torch').cuda.is_available()", reason="needs a GPU: --gpu")
            )
        if item.get_closest_marker("wheel") and not config.getoption("--wheel"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: --wheel"))


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, an empty folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"
