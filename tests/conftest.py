"""The suite is about processors, and hides a GPU, which studies would otherwise take. `pytest --gpu` runs the tests
that need one, alone."""

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--gpu", action="store_true", help="only the tests that need a GPU, which is hidden otherwise")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gpu: needs a GPU")
    if not config.getoption("--gpu"):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before CUDA looks, and for all processes that tests start


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = [item for item in items if item.get_closest_marker("gpu")]
    if config.getoption("--gpu"):
        config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
        items[:] = wanted
    for item in wanted:
        item.add_marker(pytest.mark.skipif("not __import__('torch').cuda.is_available()", reason="needs a GPU: --gpu"))
