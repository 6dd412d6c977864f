"""What a study file sets for the chapter, and the trials that it calls for."""

from typing import Literal

from pydantic import Field

from rungwise.chapters.family.settings import FamilySettings, trials
from rungwise.models.mlp import MlpSettings

__all__ = ["Settings", "trials"]


class Settings(FamilySettings):
    kind: Literal["mlps"] = "mlps"
    nets: dict[str, MlpSettings] = Field(min_length=1)
    """By name, in the order of the tables."""
