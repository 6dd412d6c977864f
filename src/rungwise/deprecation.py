"""Names that have moved: they work where they were for a version, with a warning that says where they are now."""

import importlib
import warnings
from collections.abc import Callable
from typing import Any


def moved(old: str, new: str, *, until: str) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module that has moved from `old` to `new`; it goes with version `until`."""

    def get(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {old!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(new), name)
        warnings.warn(
            f"{old} has moved: import {name} from {new} (the old name goes with version {until})",
            DeprecationWarning,
            stacklevel=2,
        )
        return found

    return get
