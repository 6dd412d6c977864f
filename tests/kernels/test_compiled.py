"""Functions in machine code, where there is a folder to keep them in and where there is none."""

import threading
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from rungwise.kernels import compiled


def test_a_machine_without_a_folder_for_compiled_code_compiles_each_time(monkeypatch):
    asked = []

    def njit(**options):
        asked.append(options.pop("cache", False))
        if asked[-1]:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(compiled, "njit", njit)
    assert compiled.compiled()(len) is len
    assert asked == [True, False]


@compiled.one_at_a_time
@compiled.compiled()
def doubled(number):
    return 2 * number


def test_a_process_waits_once_for_another_that_compiles():
    folder = Path(__file__).parent / "__pycache__"
    found = []
    with FileLock(folder / "compiling.lock"):
        thread = threading.Thread(target=lambda: found.append(doubled(3)))
        thread.start()
        thread.join(0.3)
        assert not found
    thread.join()
    assert found == [6]
    with FileLock(folder / "compiling.lock"):
        assert doubled(4) == 8, "arguments of that kind are known"


@pytest.mark.parametrize(
    ("refusal", "number"), [(PermissionError("read-only"), 2.5), (NotImplementedError("no flock"), np.int16(2))]
)
def test_where_nothing_can_be_locked_nobody_waits(monkeypatch, refusal, number):
    def refuse(lock):
        raise refusal

    monkeypatch.setattr(compiled.FileLock, "acquire", refuse)
    assert doubled(number) == 2 * number
