"""What a study file sets for the chapter, and the trials that it calls for."""

from typing import Literal, Self

from pydantic import model_validator

from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.seeing.trial import SeeingTrial
from rungwise.insight.dreams import DreamSettings
from rungwise.models.cnn import CnnSettings
from rungwise.settings import Name
from rungwise.training.settings import Fit, Recipe


class Settings(ChapterSettings):
    kind: Literal["seeing"] = "seeing"
    model: Name = "CNN-1"
    """What the net is called, as in the chapter on CNNs."""
    net: CnnSettings
    fit: Recipe
    classes: tuple[int, int] = (2, 9)
    """The labels of the two classes whose first test images are shown; the first is a start of dreams too."""
    dream: DreamSettings = DreamSettings()

    @model_validator(mode="after")
    def _two_classes(self) -> Self:
        known = range(len(self.data.classes))
        if len(set(self.classes)) < 2 or not set(self.classes) <= set(known):
            raise ValueError(f"classes must be two different labels from 0 to {known[-1]}, got {list(self.classes)}")
        side = min(self.data.facts.image[1:])
        if self.dream.jitter >= side:
            raise ValueError(
                f"dream.jitter = {self.dream.jitter} is no small shift of images of {side} pixels; expected less than "
                f"{side}"
            )
        return self

    def origin(self, start: str) -> str:
        """What the dreams of a start climb from, in words."""
        return "noise" if start == "noise" else f"the {self.data.classes[self.classes[0]]}"


def trials(settings: Settings, seeds: tuple[int, ...]) -> tuple[SeeingTrial, ...]:
    """One per seed. Its judge is the net of the next seed, and that of the last the net of the first."""

    def fit(seed: int) -> Fit:
        return Fit(label=settings.model, data=settings.data, seed=seed, net=settings.net, fit=settings.fit)

    judges = (*seeds[1:], seeds[0]) if len(seeds) > 1 else tuple(seed + 1 for seed in seeds)
    return tuple(
        SeeingTrial(
            label=f"inside {settings.model}",
            data=settings.data,
            seed=seed,
            net=fit(seed),
            judge=fit(judge),
            classes=settings.classes,
            dream=settings.dream,
        )
        for seed, judge in zip(seeds, judges, strict=True)
    )
