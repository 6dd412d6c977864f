"""Functions in machine code (numba)."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(**options: Any) -> Callable[[F], F]:
    """A function in machine code: compiled at its first call, kept on disk where there is a folder for it."""
    options |= {"nogil": True, "error_model": "numpy"}

    def decorate(function: F) -> F:
        try:
            return njit(cache=True, **options)(function)  # type: ignore[no-any-return]
        except RuntimeError:  # numba found no folder that it may write to
            return njit(**options)(function)  # type: ignore[no-any-return]

    return decorate
