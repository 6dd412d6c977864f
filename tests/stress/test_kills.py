"""Kills in short, and that what a kill may not leave is found."""

from pathlib import Path

from stress.kills import State, kills, look_over
from stress.tally import Tally


def quiet(total: int) -> Tally:
    """Says nothing; what was found is in its `faults`."""
    return Tally("kills", total, say=lambda line: None)


def test_two_kills_lose_nothing(tmp_path: Path) -> None:
    found = kills(2, 0, tmp_path, quiet(2))
    assert found.faults == []
    assert found.tried == 2


def test_what_a_kill_may_not_leave_is_found(tmp_path: Path) -> None:
    class Survived:
        def survivors(self) -> list[str]:
            return ["a worker"]

    def looked_over(command: object) -> list[str]:
        tally = quiet(1)
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
