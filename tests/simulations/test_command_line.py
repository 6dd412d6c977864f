"""The command line of the simulations."""

from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import simulations.__main__ as command_line
from simulations.table import Row


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What a simulation in the place of `pool` is asked for; it finds that one rate in two is missed."""
    calls: list[tuple[int, int]] = []

    def rates(studies: int, seed: int) -> list[Row]:
        calls.append((studies, seed))
        return [Row("covered", 5, 0.95, 0.001, at_least=0.94 if seed == 0 else 0.99)]

    module = SimpleNamespace(rates=rates, SHORT=10, FULL=1000, __doc__="A simulation.\n\nMore of it.")
    monkeypatch.setattr(command_line, "names", lambda: ["pool"])
    monkeypatch.setattr(command_line, "load", lambda name: module)
    return calls


def test_modules_with_rates_are_found_by_name() -> None:
    assert {"images", "pool", "ranges"} <= set(command_line.names())
    assert "table" not in command_line.names()


def test_without_a_name_it_lists_them(asked: list[tuple[int, int]]) -> None:
    done = CliRunner().invoke(command_line.app, [])
    assert (done.exit_code, done.output, asked) == (0, "pool: A simulation.\n", [])


def test_short_and_full(asked: list[tuple[int, int]]) -> None:
    assert CliRunner().invoke(command_line.app, ["pool"]).exit_code == 0
    assert CliRunner().invoke(command_line.app, ["pool", "--full"]).exit_code == 0
    assert asked == [(10, 0), (1000, 0)]


def test_a_rate_that_is_missed_is_an_error(asked: list[tuple[int, int]]) -> None:
    done = CliRunner().invoke(command_line.app, ["pool", "--seed", "1"])
    assert done.exit_code == 1
    assert "MISSED" in done.output


def test_another_name_is_refused(asked: list[tuple[int, int]]) -> None:
    done = CliRunner().invoke(command_line.app, ["pol"])
    assert done.exit_code == 2
    assert "there are pool" in done.output
