"""The doors of rungwise: registries of members by name, rungwise's own and those that other packages add.

A package opens a door in its ``pyproject.toml``, as ``[project.entry-points."rungwise.chapters"]``. docs/extending.md
tells how.
"""

import importlib
import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel

from rungwise.errors import UserError, nearest

T = TypeVar("T")


class ExtensionError(UserError, ValueError):
    """There is no such member of a registry, or what another package offers cannot be used: the message names it."""


@dataclass(frozen=True)
class Registry(Generic[T]):
    """Members of one sort by name. A new one is a file and a line in `own`, or another package's entry point."""

    group: str
    """Entry points are in ``rungwise.<group>``."""
    noun: str
    """What messages call a member, as "method"."""
    own: Mapping[str, str]
    """The addresses of rungwise's own members, as ``package.module:name``. Nobody else takes their names."""
    take: Callable[[str, Any], T]
    """The member, of its name and of what its address has. Raises ValueError: what was expected, and what was got."""

    def addresses(self) -> dict[str, str]:
        """Of all members by name."""
        return members(self.group, self.own)

    def has(self, name: str) -> bool:
        """Whether there is a member of that name; other packages are asked for their own alone, which takes 10 ms."""
        return name in self.own or name in self.addresses()

    def find(self, name: str) -> T:
        """The member of that name. Raises ExtensionError where there is none, or where it cannot be used."""
        if name in self.own:
            return self.take(name, load(self.own[name]))
        offers = [point for point in entry_points(self.group) if point.name == name]
        if not offers:
            raise ExtensionError(f"no {self.noun} is called {name!r}; {nearest(name, self.addresses())}")
        if len(offers) > 1:
            packages = " and ".join(_package(point) for point in offers)
            raise ExtensionError(f"{packages} each offer a {self.noun} {name!r}: uninstall all but one")
        return self._offered(*offers)

    def _offered(self, point: EntryPoint) -> T:
        offer = f"{_package(point)} offers the {self.noun} {point.name!r} as {point.value!r}"
        remedy = (
            "If the package is yours, correct it or its entry point, and install it again. If not, install a version "
            "of it that is made for this one of rungwise, or uninstall it"
        )
        try:
            found = point.load()
        except Exception as error:  # its code may raise anything
            cause = f"{type(error).__name__}: {error}"
            raise ExtensionError(f"{offer}, which cannot be imported ({cause}). {remedy}") from error
        try:
            return self.take(point.name, found)
        except ValueError as error:
            raise ExtensionError(f"{offer}: {error}. {remedy}") from error


def entry_points(group: str) -> tuple[EntryPoint, ...]:
    """What the installed packages offer to a registry."""
    return tuple(importlib.metadata.entry_points(group=f"rungwise.{group}"))


def members(group: str, own: Mapping[str, str]) -> dict[str, str]:
    """The addresses of all members of a group by name: those of other packages, and rungwise's `own`, which stay."""
    return {**{point.name: point.value for point in entry_points(group)}, **own}


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


def settings_of(found: Any, base: type[BaseModel], field: str, name: str) -> Any:
    """The settings class that is found at an address, or in a module as ``Settings``.

    Raises ValueError where it is no subclass of `base`, or where `name` is no value of the field that settings are
    chosen by, so that what a study file writes would not be found again.
    """
    found = getattr(found, "Settings", found)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ValueError(f"expected a subclass of {base.__name__}, or a module with one as Settings, got {found!r}")
    if missing := sorted(getattr(found, "__abstractmethods__", ())):
        raise ValueError(f"expected {found.__name__} to have {', '.join(missing)}, as {base.__name__} asks")
    known = found.model_fields.get(field)
    names = get_args(known.annotation) or (known.default,) if known else ()
    if name not in names:
        raise ValueError(
            f'expected the name in the settings themselves, as {field}: Literal["{name}"] = "{name}", got '
            f"{' or '.join(map(repr, names)) or 'none'}"
        )
    return found


def _package(point: EntryPoint) -> str:
    return f"the package {point.dist.name!r} {point.dist.version}" if point.dist else "an unnamed package"
