"""What a study file sets for the chapter, and the trials that it calls for."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from rungwise.chapters.capacity.trial import CapacityTrial
from rungwise.chapters.chapter import ChapterSettings
from rungwise.models.mlp import MlpSettings
from rungwise.training.settings import Recipe

Labels = Literal["true", "random"]


class Settings(ChapterSettings):
    kind: Literal["capacity"] = "capacity"
    fit: Recipe
    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1, max_length=1000)
    """Hidden units h of each net, rising."""
    labels: tuple[Labels, ...] = Field(("true", "random"), min_length=1)
    """What the nets are trained on: the labels of the images, or as many drawn at random."""

    @field_validator("widths")
    @classmethod
    def _rising(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if any(b <= a for a, b in pairwise(widths)):
            raise ValueError(f"expected widths in rising order, each once, as [64, 128, 256]; got {list(widths)}")
        return widths

    @model_validator(mode="after")
    def _runnable(self) -> Self:
        if len(set(self.labels)) < len(self.labels):
            raise ValueError(f"a kind of labels is listed twice: {list(self.labels)}; list each once")
        if self.data.labels != "true":
            raise ValueError('for random labels, set labels = ["random"] in the chapter itself, not in its data')
        if self.fit.stop_loss is None:
            raise ValueError(
                "nets are compared once they have fitted their images: set stop_loss in fit, the mean training "
                "cross-entropy at which training ends, as stop_loss = 0.01"
            )
        if self.fit.stop is not None:
            raise ValueError(
                "nets are compared once they have fitted their images: leave stop out, stop_loss ends them"
            )
        return self


def trials(settings: Settings, seeds: Sequence[int]) -> tuple[CapacityTrial, ...]:
    """One per kind of labels, width and seed."""
    return tuple(
        CapacityTrial(
            label=model_name(width, labels),
            data=settings.data.model_copy(update={"labels": labels}),
            seed=seed,
            net=MlpSettings(hidden=(width,), bias=False),
            fit=settings.fit,
        )
        for labels in settings.labels
        for width in settings.widths
        for seed in seeds
    )


def model_name(width: int, labels: Labels) -> str:
    """What claims call the nets of a width on one kind of labels."""
    return f"{labels} labels: h = {width}"
