"""What a study file sets for the chapter, and the trials that it calls for."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.family.settings import FamilySettings, trials
from rungwise.chapters.mlps import settings as mlps
from rungwise.data.settings import Data
from rungwise.models.cnn import CnnSettings
from rungwise.models.residual import ResidualSettings

__all__ = ["AnyCnn", "Settings", "trials"]


def _family(net: Any) -> str:
    """The family of a net; where a study file does not name it, it follows from its settings."""
    named = net.get("family") if isinstance(net, dict) else getattr(net, "family", None)
    own = isinstance(net, dict) and not {"stem", "blocks"}.isdisjoint(net)
    return str(named or ("residual" if own else "cnn"))


AnyCnn = Annotated[
    Annotated[CnnSettings, Tag("cnn")] | Annotated[ResidualSettings, Tag("residual")],
    Discriminator(
        _family,
        custom_error_type="family",
        custom_error_message="a net of this chapter is of the family 'cnn' or 'residual'",
    ),
]


class Settings(FamilySettings):
    kind: Literal["cnns"] = "cnns"
    nets: dict[str, AnyCnn] = Field(min_length=1)
    """By name, in the order of the tables."""
    against: mlps.Settings | None = None
    """The MLPs to stand beside. Left out: those of the study's chapter on MLPs, if it has one on the same images; of
    several, the first with as many training images, or else the first."""

    @field_validator("against")
    @classmethod
    def _same_images(cls, against: mlps.Settings | None, info: ValidationInfo) -> mlps.Settings | None:
        data = info.data.get("data")
        if against and isinstance(data, Data) and against.data.source != data.source:
            raise ValueError(
                f"the MLPs are on {against.data.source} and the CNNs on {data.source}; choose one for both"
            )
        return against

    def beside(self, chapters: Sequence[ChapterSettings]) -> Self:
        others = [c for c in chapters if isinstance(c, mlps.Settings) and c.data.source == self.data.source]
        alike = [other for other in others if other.data.size == self.data.size]
        if self.against or not others:
            return self
        return self.model_copy(update={"against": (alike or others)[0]})
