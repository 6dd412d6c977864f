"""The table of the reference study's verdicts in the docs is what its records say, and explains what differs."""

from pathlib import Path

from docs.verdicts import rows, table

PAGE = (Path(__file__).parents[1] / "docs" / "evidence-simulations.md").read_text()


def test_the_page_has_the_table():
    assert table() in PAGE
    assert len(rows()) == 30


def test_the_page_says_why_each_verdict_that_changes_does():
    changed = [row.id for row in rows() if row.these.verdict != row.new.verdict]
    why = PAGE[PAGE.index("What differs, and why") :]
    assert changed == ["R2", "R3", "C2"]
    assert all(name in why for name in changed)
