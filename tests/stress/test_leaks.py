"""Leaks in short, and that growth is found."""

from pathlib import Path

from stress.leaks import Held, judge, leaks
from stress.tally import Tally


def quiet(total: int) -> Tally:
    """Says nothing; what was found is in its `faults`."""
    return Tally("leaks", total, say=lambda line: None)


def test_six_studies_in_one_process_leave_nothing(tmp_path: Path) -> None:
    # Over so few the allocator's steps, of some MB each, do not even out.
    found = leaks(6, tmp_path, quiet(6), most_bytes=8_000_000)
    assert found.faults == []
    assert found.tried == 6


def test_growth_is_found() -> None:
    steady = {"files": 9, "processes": 3, "threads": 5, "temporary": 0, "memory": 10**8}

    def grown(**by: int) -> list[str]:
        tally = quiet(10)
        judge([Held(**{k: v + i * by.get(k, 0) for k, v in steady.items()}) for i in range(10)], tally, 100_000)
        return tally.faults

    assert grown() == []
    assert grown(memory=90_000) == []
    assert grown(memory=110_000) == ["memory: 110,000 bytes stay of each study, at most 100,000 expected"]
    assert grown(files=1) == ["files: 9 after the warm-up, 18 at the end"]
    assert len(grown(threads=1, processes=1, temporary=1)) == 3
