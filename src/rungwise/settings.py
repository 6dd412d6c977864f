"""The bases of plain data: what a study file sets, and what is computed and kept."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Immutable settings; an unknown key is an error, so that no typo is ever ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PlainData(BaseModel):
    """Immutable results. In JSON a number that is not finite is null."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
