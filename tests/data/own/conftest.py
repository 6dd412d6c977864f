"""A cache of their own for tests of own data."""

from pathlib import Path

import pytest

from rungwise.data.own import cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(cache, "cache", lambda name: folder / name)
    return folder / "own"
