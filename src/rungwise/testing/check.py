"""One thing that every member of a family must do, as a test calls it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """Calling it carries the check out; it raises AssertionError where the member fails. Its text is its name."""

    function: Callable[[Any], None]
    case: Any
    """What the function takes: the member, and what it is tried with."""

    def __call__(self) -> None:
        self.function(self.case)

    def __str__(self) -> str:
        return f"{self.case}: {self.function.__name__}"
