"""Damaged inputs in short, and that a check that is left out is found."""

from pathlib import Path

import pytest

from rungwise.records import reading
from stress.damage import damage
from stress.tally import Tally


def quiet(total: int) -> Tally:
    """Says nothing; what was found is in its `faults`."""
    return Tally("damage", total, say=lambda line: None)


def test_forty_damaged_inputs_get_a_message_each(tmp_path: Path) -> None:
    found = damage(40, 0, tmp_path, tally=quiet(40))
    assert found.faults == []
    assert found.tried == 40


def test_records_that_nobody_checks_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "identity_fault", lambda *_: "")
    found = damage(20, 0, tmp_path, ["records"], tally=quiet(20))
    assert any("another number in silence" in fault for fault in found.faults)
    assert any("is missing and not named" in fault for fault in found.faults)
