"""Functions in machine code (numba). Without numba they stay what they are: plain Python, slow and correct."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from rungwise.kernels import available

if available():
    from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(**options: Any) -> Callable[[F], F]:
    """A function in machine code: compiled at its first call, kept on disk where there is a folder for it."""
    options |= {"nogil": True, "error_model": "numpy"}

    def decorate(function: F) -> F:
        if not available():
            return function
        try:
            return njit(cache=True, **options)(function)  # type: ignore[no-any-return]
        except RuntimeError:  # numba found no folder that it may write to
            return njit(**options)(function)  # type: ignore[no-any-return]

    return decorate


def one_at_a_time(function: F) -> F:
    """A compiled function, for Python to call. Where several processes would compile it, one does, and the others wait
    and find it on disk."""
    if not available():
        return function
    source: str = function.py_func.__code__.co_filename  # type: ignore[attr-defined]
    lock, known = FileLock(Path(source).parent / "__pycache__" / "compiling.lock"), set()

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        kinds = tuple(getattr(one, "dtype", type(one)) for one in arguments)
        if kinds in known:
            return function(*arguments)
        known.add(kinds)
        try:
            lock.acquire()
        except (OSError, NotImplementedError):  # a folder that may not be written to, or has no locks
            return function(*arguments)
        try:
            return function(*arguments)
        finally:
            lock.release()

    return call  # type: ignore[return-value]
