"""Work on the contents of many files, by as many threads as there are processors, in bounded memory."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from rungwise.data.own.place import Place

T = TypeVar("T")
CHUNK = 50
"""Files that a thread takes at a time."""
MOST_THREADS = 16


def in_threads(work: Callable[[str, bytes], T], place: Place, names: Sequence[str]) -> Iterator[tuple[str, T]]:
    """What `work` makes of each file's name and content, in the order in which the place is read soonest."""
    count = min(MOST_THREADS, _processors())
    apart = all(place.on_disk(name) is not None for name in names[:1])

    def some(chunk: Sequence[tuple[str, bytes | None]]) -> list[tuple[str, T]]:
        return [(name, work(name, place.read(name) if content is None else content)) for name, content in chunk]

    # Files of a folder are read by the threads themselves; an archive is read by one, in its own order.
    contents: Iterator[tuple[str, bytes | None]] = ((name, None) for name in names) if apart else place.read_all(names)
    chunks = iter(lambda: list(itertools.islice(contents, CHUNK)), [])
    with ThreadPoolExecutor(count) as pool:
        waiting: deque[Future[list[tuple[str, T]]]] = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(some, chunk))
                if len(waiting) > 2 * count:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
