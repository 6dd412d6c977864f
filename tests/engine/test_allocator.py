"""What the C library does with freed memory, by the pages that a process is given."""

import os
import subprocess
import sys

import pytest

from rungwise.engine import allocator

PAGES = """
import resource, sys
import numpy as np
from rungwise.engine.allocator import keep_freed_memory

if sys.argv[1] == "kept" and not keep_freed_memory():
    print("no")
    sys.exit()
for _ in range(3):  # the first take what the others can have again
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for size in (2**22, 2**24, 2**26):
        np.ones(size, np.uint8), np.ones(size, np.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs glibc")
def test_freed_memory_is_used_again() -> None:
    def pages(how: str) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
        done = subprocess.run(
            [sys.executable, "-c", PAGES, how], capture_output=True, text=True, check=True, env=environment
        )
        return done.stdout.strip()

    if (kept := pages("kept")) == "no":
        pytest.skip("this C library cannot be told")
    assert int(kept) < 100
    assert int(pages("as it is")) > 200


def test_a_c_library_without_the_call_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    assert allocator.keep_freed_memory() is False


WORKER = """
from multiprocessing import Pipe
from pathlib import Path
from rungwise.engine import worker
from rungwise.records.store import Store

ours, theirs = Pipe()
ours.send(None)  # nothing to do
worker.keep_freed_memory = lambda: print("kept")
worker.main([theirs], worker.Workplace(Store(Path("records")), "cpu", threads=1, workers=1, offline=True))
"""


def test_a_worker_keeps_it() -> None:
    done = subprocess.run([sys.executable, "-c", WORKER], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "kept"
