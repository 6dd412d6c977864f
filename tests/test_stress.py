"""The stress in short: a few of each kind (`make stress` tries hundreds), and that it finds what is wrong."""

from pathlib import Path

import pytest

from rungwise.records import reading
from stress.damage import damage
from stress.kills import State, kills, look_over
from stress.leaks import Held, judge, leaks
from stress.tally import Tally
from stress.together import together


def quiet(what: str, total: int) -> Tally:
    """Says nothing; what was found is in its `faults`."""
    return Tally(what, total, say=lambda line: None)


def test_three_kills_lose_nothing(tmp_path: Path) -> None:
    found = kills(3, 0, tmp_path, quiet("kills", 3))
    assert found.faults == []
    assert found.tried == 3


def test_forty_damaged_inputs_get_a_message_each(tmp_path: Path) -> None:
    found = damage(40, 0, tmp_path, tally=quiet("damage", 40))
    assert found.faults == []
    assert found.tried == 40


def test_three_runs_at_once_compute_each_trial_once(tmp_path: Path) -> None:
    found = together(3, 0, 0, tmp_path, quiet("together", 1))
    assert found.faults == []
    assert found.counts == {"8 trials computed, each once": 1}


def test_six_studies_in_one_process_leave_nothing(tmp_path: Path) -> None:
    # Over so few the allocator's steps, of some MB each, do not even out.
    found = leaks(6, tmp_path, quiet("leaks", 6), most_bytes=8_000_000)
    assert found.faults == []
    assert found.tried == 6


# What is wrong is found ------------------------------------------------------------------------------------------


def test_records_that_nobody_checks_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "identity_fault", lambda *_: "")
    found = damage(20, 0, tmp_path, ["records"], tally=quiet("damage", 20))
    assert any("another number in silence" in fault for fault in found.faults)
    assert any("is missing and not named" in fault for fault in found.faults)


def test_what_a_kill_may_not_leave_is_found(tmp_path: Path) -> None:
    class Survived:
        def survivors(self) -> list[str]:
            return ["a worker"]

    def looked_over(command: object) -> list[str]:
        tally = quiet("kills", 1)
        look_over(state, command, "a kill", tally)  # type: ignore[arg-type]
        return [fault.removeprefix("a kill: ") for fault in tally.faults]

    folder = tmp_path / "run"
    state = State(folder, None, kept={"trials/a/record.json": "0" * 64})
    for name in ("trials/b/record.json", "failed/c.json", "report.html", "report.html.tmp"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{")
    assert looked_over(Survived()) == [
        "processes are left: ['a worker']",
        "trials/a/record.json is gone",
        "records without a study",
        "report.html.tmp is left",
        "half a report.html",
        "recorded as failed: ['c.json']",
    ]


def test_growth_is_found() -> None:
    steady = {"files": 9, "processes": 3, "threads": 5, "temporary": 0, "memory": 10**8}

    def grown(**by: int) -> list[str]:
        tally = quiet("leaks", 10)
        judge([Held(**{k: v + i * by.get(k, 0) for k, v in steady.items()}) for i in range(10)], tally, 100_000)
        return tally.faults

    assert grown() == []
    assert grown(memory=90_000) == []
    assert grown(memory=110_000) == ["memory: 110,000 bytes stay of each study, at most 100,000 expected"]
    assert grown(files=1) == ["files: 9 after the warm-up, 18 at the end"]
    assert len(grown(threads=1, processes=1, temporary=1)) == 3
