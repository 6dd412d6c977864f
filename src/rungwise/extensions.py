"""The doors of rungwise: what other packages add to a family by an entry point, and how an address becomes an object.

A package opens a door in its ``pyproject.toml``, as ``[project.entry-points."rungwise.chapters"]``.
"""

import importlib
import importlib.metadata
from collections.abc import Mapping
from typing import Any

from rungwise.errors import UserError


class ExtensionError(UserError):
    """What another package offers to rungwise cannot be used. The message names the package's entry point."""


def members(family: str, own: Mapping[str, str]) -> dict[str, str]:
    """The addresses of all members of a family by name: those of other packages, and rungwise's `own`, which stay."""
    others = importlib.metadata.entry_points(group=f"rungwise.{family}")
    return {**{point.name: point.value for point in others}, **own}


def load(address: str) -> Any:
    """The object at ``package.module:name``, or the module at ``package.module``.

    Raises ExtensionError where it cannot be imported.
    """
    module, _, name = address.partition(":")
    try:
        found = importlib.import_module(module)
        return getattr(found, name) if name else found
    except (ImportError, AttributeError) as error:
        raise ExtensionError(
            f"cannot import {address!r} ({error}). If another package offers it, install that package again, in a "
            "version made for this one of rungwise"
        ) from error
