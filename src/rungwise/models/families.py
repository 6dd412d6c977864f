"""The families of nets by name, and how a study file chooses one. A new one is one file here and one line, or an entry
point."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, SerializeAsAny
from pydantic_core import CoreSchema, core_schema

from rungwise.errors import nearest
from rungwise.extensions import ExtensionError, Registry, settings_of
from rungwise.models.net import NetSettings, Role
from rungwise.settings import Chosen, Settings


def _settings(name: str, found: Any) -> type[NetSettings]:
    settings: type[NetSettings] = settings_of(found, NetSettings, "family", name)
    return settings


FAMILIES = Registry(
    "models",
    "family of nets",
    {
        "mlp": "rungwise.models.mlp:MlpSettings",
        "cnn": "rungwise.models.cnn:CnnSettings",
        "residual": "rungwise.models.residual:ResidualSettings",
        "shared": "rungwise.models.multitask:SharedSettings",
        "compact": "rungwise.models.compact:CompactSettings",
        "collaboration": "rungwise.models.collaboration:CollaborationSettings",
        "cross-stitch": "rungwise.models.cross_stitch:CrossStitchSettings",
    },
    _settings,
)
"""Other packages add theirs under the entry point ``rungwise.models``: the address of a `NetSettings`."""


def families_for(role: Role) -> list[str]:
    """The families whose nets can take a role. One that cannot be loaded is among them: its use says why."""

    def fits(name: str) -> bool:
        try:
            return role in FAMILIES.find(name).roles
        except ExtensionError:
            return True

    return sorted(filter(fits, FAMILIES.addresses()))


@dataclass(frozen=True)
class ANet(Chosen):
    """Marks a setting as a net in a role: a table whose ``family`` says which other settings it has.

    As in ``net: Annotated[SerializeAsAny[NetSettings], ANet("cnn", lambda table: "cnn")]``.
    """

    role: Role
    usual: Callable[[Mapping[str, Any]], str]
    """The family where a table names none, which its other settings may tell."""
    noun: str = FAMILIES.noun
    example: str = ""
    """Of a table, for the message on what is none; "": the usual family's own message."""

    def read(self, raw: Any) -> NetSettings:
        """Raises ValueError: what is wrong, in plain words, or the faults of the settings with their places."""
        if isinstance(raw, NetSettings):
            self._fitting(type(raw), raw)
            return raw
        if not isinstance(raw, Mapping) and self.example:
            raise ValueError(f"a net is a table of settings, as {self.example}, got {raw!r}")
        return self._class(raw if isinstance(raw, Mapping) else {}).model_validate(raw)

    def settings_for(self, raw: Any) -> type[Settings]:
        try:
            return self._class(raw)
        except ValueError:
            return NetSettings

    def _class(self, table: Mapping[str, Any]) -> type[NetSettings]:
        name = table.get("family", self.usual(table))
        if not isinstance(name, str) or not FAMILIES.has(name):
            raise ValueError(f"no {self.noun} is called {name!r}; {nearest(str(name), families_for(self.role))}")
        return self._fitting(FAMILIES.find(name), name)

    def _fitting(self, settings: type[NetSettings], got: object) -> type[NetSettings]:
        if self.role in settings.roles:
            return settings
        known = [repr(name) for name in families_for(self.role)]
        families = " or ".join(filter(None, (", ".join(known[:-1]), known[-1])))
        raise ValueError(f"a net of this chapter is of the family {families}, got {got!r}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))


def usual_cnn(table: Mapping[str, Any]) -> str:
    """The family of a CNN whose table does not name it: its settings tell."""
    return "cnn" if {"stem", "blocks"}.isdisjoint(table) else "residual"


SharingNet = Annotated[
    SerializeAsAny[NetSettings],
    ANet("sharing", lambda table: "shared", "family of nets that share", '{ family = "compact" }'),
]
"""A net for several tasks."""
