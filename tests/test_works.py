"""Works by name: the published ones stay, and an address is a name of its own."""

import sys
from pathlib import Path

import pytest

from rungwise.extensions import ExtensionError
from rungwise.works import find_work, work_names

PUBLISHED = (
    "rungwise.training.fit:carry_out",
    "rungwise.training.capacity:fit_and_measure",
    "rungwise.training.perceptron:learn",
    "rungwise.insight.projection:project",
    "rungwise.insight.seeing:carry_out",
)
"""As published records have them."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_names_stay_valid(name: str) -> None:
    assert callable(find_work(name))


@pytest.mark.parametrize("name", work_names())
def test_every_registered_work_is_there(name: str) -> None:
    assert callable(find_work(name))


def test_an_address_that_nobody_registered_is_a_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_work_of_ones_own.py").write_text("def carry_out(trial, bench):\n    return 'done'\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert find_work("a_work_of_ones_own:carry_out")(None, None) == "done"
    sys.modules.pop("a_work_of_ones_own")


@pytest.mark.parametrize("name", ["no.such.module:function", "rungwise.works:nothing"])
def test_a_work_that_is_not_there_says_which(name: str) -> None:
    with pytest.raises(ExtensionError, match=f"cannot import '{name}'.*install that package again"):
        find_work(name)
