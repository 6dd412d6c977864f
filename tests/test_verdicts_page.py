"""The table of the reference study's verdicts in the docs is what its records say, and explains what differs."""

from pathlib import Path

import pytest

from docs.verdicts import rows, surviving, table
from rungwise.evidence.judgement import Judgement

PAGE = (Path(__file__).parents[1] / "docs" / "evidence-simulations.md").read_text()


def test_the_page_has_the_table():
    assert table() in PAGE
    assert len(rows()) == 30


def test_the_page_says_why_each_verdict_that_changes_does():
    changed = [row.id for row in rows() if row.these.verdict != row.new.verdict]
    why = PAGE[PAGE.index("What differs, and why") :]
    assert changed == ["R2", "R3", "C2", "C3"]
    assert all(name in why for name in changed)


def judgement(name: str, verdict: str, p: float | None) -> Judgement:
    return Judgement(id=name, says="a", verdict=verdict, why="", test="", n=5, p=p)


@pytest.mark.parametrize(("control", "expected"), [("holm", [True, False]), ("benjamini-hochberg", [True, True])])
def test_an_open_verdict_counts_among_those_that_were_tested(control, expected):
    """Of four p, .01 is below .05 / 4, and .02 is above .05 / 3 but below .05 x 2 / 4; one was never tested."""
    found = (
        judgement("a", "supported", 0.01),
        judgement("b", "refuted", 0.02),
        judgement("c", "not distinguishable", 1.0),
        judgement("d", "not distinguishable", 1.0),
        judgement("e", "not run", None),
    )
    assert list(surviving(found, control).values()) == [*expected, None, None, None]
