import gc
import weakref
from pathlib import Path

import pytest

from rungwise.engine import worker
from rungwise.records.store import Store


class Net:
    """What a trial leaves in a cycle."""

    def __init__(self) -> None:
        self.itself = self


def test_what_a_trial_leaves_is_gone_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[weakref.ref[Net]] = []
    alive: list[bool] = []

    class Pipe:
        def recv(self) -> list[str] | None:
            alive.extend(net() is not None for net in left)
            return ["a trial"] if len(left) < 2 else None

        def send(self, message: object) -> None: ...

    monkeypatch.setattr(worker, "carry_out", lambda *_: left.append(weakref.ref(Net())))
    place = worker.Workplace(Store(tmp_path), "cpu", 1, 1, True)
    gc.disable()
    try:
        worker._serve(Pipe(), place, {})  # type: ignore[arg-type]
    finally:
        gc.enable()
    assert alive == [False, False, False]  # the first twice
