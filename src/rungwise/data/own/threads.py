"""Work on the contents of many files, by as many threads as there are processors, in bounded memory."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from rungwise.data.own.places.place import Place

S = TypeVar("S")
T = TypeVar("T")
CHUNK = 50
"""Files that a thread takes at a time."""
MOST_THREADS = 16


def in_threads(work: Callable[[str, bytes], T], place: Place, names: Sequence[str]) -> Iterator[tuple[str, T]]:
    """What `work` makes of each file's name and content, in the order in which the place is read soonest."""

    def one(file: tuple[str, bytes | None]) -> tuple[str, T]:
        name, content = file
        return name, work(name, place.read(name) if content is None else content)

    # Files of a folder are read by the threads themselves; an archive is read by one, in its own order.
    apart = all(place.on_disk(name) is not None for name in names[:1])
    files: Iterable[tuple[str, bytes | None]] = ((name, None) for name in names) if apart else place.read_all(names)
    return spread(one, files)


def spread(work: Callable[[S], T], given: Iterable[S]) -> Iterator[T]:
    """What `work` makes of each thing, in their order; one thread takes the things."""
    count = min(MOST_THREADS, _processors())
    remaining = iter(given)

    def some(chunk: Sequence[S]) -> list[T]:
        return [work(one) for one in chunk]

    with ThreadPoolExecutor(count) as pool:
        waiting: deque[Future[list[T]]] = deque()
        try:
            while chunk := list(itertools.islice(remaining, CHUNK)):
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
