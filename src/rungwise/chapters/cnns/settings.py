"""What a study file sets for the chapter, and the trials that it calls for."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator

from rungwise.chapters.chapter import ChapterSettings, Hardest
from rungwise.chapters.family.settings import FamilySettings, trials
from rungwise.chapters.mlps import settings as mlps
from rungwise.data.settings import Data
from rungwise.models.families import ANet, usual_cnn
from rungwise.models.net import NetSettings
from rungwise.settings import Name

__all__ = ["CnnNet", "Settings", "trials"]


CnnNet = Annotated[SerializeAsAny[NetSettings], ANet("cnn", usual_cnn)]


class Settings(FamilySettings):
    kind: Literal["cnns"] = "cnns"
    nets: dict[Name, CnnNet] = Field(min_length=1, max_length=1000)
    """By name, in the order of the tables."""
    against: mlps.Settings | None = None
    """The MLPs to stand beside. Left out: those of the study's chapter on MLPs, if it has one on the same images; of
    several, the first with as many training images, or else the first."""

    @field_validator("against")
    @classmethod
    def _same_images(cls, against: mlps.Settings | None, info: ValidationInfo) -> mlps.Settings | None:
        data = info.data.get("data")
        if against and isinstance(data, Data) and against.data.identity != data.identity:
            raise ValueError(
                f"the MLPs are on {against.data.facts.name} and the CNNs on {data.facts.name}; choose one for both"
            )
        return against

    @classmethod
    def for_data(cls, raw: dict[str, Any], data: Data, hardest: Hardest) -> dict[str, Any]:
        return {key: value for key, value in raw.items() if key != "against"}  # of the study itself, if it has MLPs

    def beside(self, chapters: Sequence[ChapterSettings]) -> Self:
        others = [c for c in chapters if isinstance(c, mlps.Settings) and c.data.identity == self.data.identity]
        alike = [other for other in others if other.data.size == self.data.size]
        if self.against or not others:
            return self
        return self.model_copy(update={"against": (alike or others)[0]})
