"""The ways for tasks to share a net, as a study file chooses them by the family's name."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Tag

from rungwise.errors import nearest
from rungwise.models.collaboration import CollaborationSettings
from rungwise.models.compact import CompactSettings
from rungwise.models.cross_stitch import CrossStitchSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import NetSettings

USUAL = "shared"
"""The family where a study file names none."""
FAMILIES = (USUAL, "compact", "collaboration", "cross-stitch")


def _known(net: Any) -> Any:
    """The settings as they are; ValueError where no family is called as they say."""
    if isinstance(net, NetSettings):
        return net
    if not isinstance(net, dict):
        raise ValueError(f'a net is a table of settings, as {{ family = "compact" }}, got {net!r}')
    family = net.get("family", USUAL)
    if family not in FAMILIES:
        raise ValueError(f"no family of nets that share is called {family!r}; {nearest(str(family), FAMILIES)}")
    return net


def _tag(net: Any) -> str:
    """Tags get into the places of faults; this is no field's name, as "shared" is."""
    family = net.get("family", USUAL) if isinstance(net, dict) else getattr(net, "family", None)
    return f"family {family}"


SharingSettings = Annotated[
    Annotated[SharedSettings, Tag("family shared")]
    | Annotated[CompactSettings, Tag("family compact")]
    | Annotated[CollaborationSettings, Tag("family collaboration")]
    | Annotated[CrossStitchSettings, Tag("family cross-stitch")],
    Discriminator(_tag),
    BeforeValidator(_known),
]
"""A net for several tasks, told apart by its family."""
