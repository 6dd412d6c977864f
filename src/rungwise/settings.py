"""The bases of plain data: what a study file sets, and what is computed and kept."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Immutable settings; an unknown key is an error, so that no typo is ever ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    result_version: ClassVar[int] = 1
    """Of the results that the code behind these settings has: raised when they change by more than rounding. From 2 on
    it is part of the id of every trial with such settings, so that changed code computes anew."""


class Chosen(ABC):
    """A mark in a type, as ``Annotated[NetSettings, ANet(...)]``: what is written chooses the class of the settings."""

    @abstractmethod
    def settings_for(self, raw: Any) -> type[Settings]:
        """The class whose settings were meant, for what is said of a wrong one. It raises nothing."""


class PlainData(BaseModel):
    """Immutable results. In JSON a number that is not finite is null."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
