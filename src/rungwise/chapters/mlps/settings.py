"""What a study file sets for the chapter, and the trials that it calls for."""

from typing import Annotated, Literal

from pydantic import Field, SerializeAsAny

from rungwise.chapters.family.settings import FamilySettings, trials
from rungwise.models.families import ANet
from rungwise.models.net import NetSettings
from rungwise.settings import Name

__all__ = ["MlpNet", "Settings", "trials"]

MlpNet = Annotated[SerializeAsAny[NetSettings], ANet("mlp", lambda table: "mlp")]


class Settings(FamilySettings):
    kind: Literal["mlps"] = "mlps"
    nets: dict[Name, MlpNet] = Field(min_length=1, max_length=1000)
    """By name, in the order of the tables."""
