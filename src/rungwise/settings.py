"""The base of everything that a study file sets: frozen, complete, and strict about unknown names."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Immutable settings; an unknown key is an error, so that no typo is ever ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
