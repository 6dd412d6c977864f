"""Rows of simulations: their errors, their bounds and how they are printed."""

import math

import numpy as np
import pytest

from simulations.table import Row, share, table


def test_a_share_and_its_standard_error_by_hand() -> None:
    """90 of 100: (90 + 2) / 104 = .884615, and its error sqrt(.884615 x .115385 / 104) = .031329."""
    row = share("covered", 5, np.arange(100) < 90, at_least=0.95, width=0.1)
    assert (row.what, row.n, row.rate, row.width) == ("covered", 5, 0.9, 0.1)
    assert row.error == pytest.approx(0.031329, abs=1e-6)


def test_studies_that_all_agree_still_have_an_error() -> None:
    assert share("covered", 5, np.ones(100, dtype=bool)).error == pytest.approx(math.sqrt(102 / 104 * 2 / 104 / 104))


def test_a_bound_has_room_for_four_errors() -> None:
    assert Row("a", 5, 0.91, 0.01, at_least=0.95).holds()
    assert not Row("a", 5, 0.9099, 0.01, at_least=0.95).holds()
    assert Row("a", 5, 0.07, 0.01, at_most=0.05).holds()
    assert not Row("a", 5, 0.0701, 0.01, at_most=0.03).holds()
    assert not Row("a", 5, 0.07, 0.01, at_most=0.05).holds(errors=1)
    assert Row("a", 5, 0.07, 0.01).holds()


def test_the_table_marks_what_is_missed() -> None:
    lines = table([Row("a", 5, 0.5, 0.01, at_least=0.95), Row("bcd", None, 0.5, 0.01, 0.4, 0.6, 0.123)]).splitlines()
    assert lines[0].split() == ["what", "n", "rate", "error", "expected", "width"]
    assert lines[1].split() == ["a", "5", "0.5", "0.01", "at", "least", "0.95", "MISSED"]
    assert lines[2].split() == ["bcd", "0.5", "0.01", "at", "least", "0.4,", "at", "most", "0.6", "0.123"]
