"""What a study file sets for the chapter, and the trials that it calls for."""

from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from rungwise.chapters.chapter import ChapterSettings, Hardest
from rungwise.chapters.seeing.trial import SeeingTrial
from rungwise.data.settings import Data
from rungwise.insight.dreams import DreamSettings
from rungwise.models.cnn import CnnSettings
from rungwise.settings import Name
from rungwise.training.settings import Fit, Recipe

MOST_DREAMT = 20
"""Classes that are dreamt of, where the study does not say of which: each costs as much time as any other."""


def _usual_classes(known: dict[str, Any]) -> tuple[int, int]:
    """Two digits, or the first two of fewer than ten classes."""
    data = known.get("data")
    return (0, 1) if isinstance(data, Data) and len(data.classes) < 10 else (2, 9)


class Settings(ChapterSettings):
    kind: Literal["seeing"] = "seeing"
    model: Name = "CNN-1"
    """What the net is called, as in the chapter on CNNs."""
    net: CnnSettings
    fit: Recipe
    classes: tuple[int, int] = Field(default_factory=_usual_classes)
    """The labels or names of the two classes whose first test images are shown; the first is a start of dreams too.
    Left out: (2, 9), or (0, 1) of fewer than ten classes."""
    dream: DreamSettings = Field(DreamSettings(), validate_default=True)
    """How the ascent goes; its scales, if left out: a quarter, half and the whole of the images' longer side."""
    dreams: tuple[int, ...] | None = Field(None, min_length=1, exclude_if=lambda labels: labels is None)
    """The labels or names of the classes to dream of. Left out: all; of more than `MOST_DREAMT` classes the two shown,
    and others evenly spread over the rest."""

    @field_validator("classes", "dreams", mode="before")
    @classmethod
    def _by_name(cls, classes: Any, info: ValidationInfo) -> Any:
        data = info.data.get("data")
        return data.labels_of(classes) if isinstance(data, Data) else classes

    @field_validator("dream")
    @classmethod
    def _to_the_whole_image(cls, dream: DreamSettings, info: ValidationInfo) -> DreamSettings:
        data = info.data.get("data")
        if "scales" in dream.model_fields_set or not isinstance(data, Data):
            return dream
        side = max(data.facts.image[1:])
        scales = sorted({max(1, side // 4), max(1, side // 2), side})
        return dream.model_copy(update={"scales": tuple(scales)})

    @classmethod
    def for_data(cls, raw: dict[str, Any], data: Data, hardest: Hardest) -> dict[str, Any]:
        dream = {key: value for key, value in raw.get("dream", {}).items() if key != "scales"}
        kept = {key: value for key, value in raw.items() if key not in ("dream", "dreams")}
        return {**kept, "classes": list(hardest()[0]), **({"dream": dream} if dream else {})}

    @model_validator(mode="after")
    def _two_classes(self) -> Self:
        known = range(len(self.data.classes))
        if len(set(self.classes)) < 2 or not set(self.classes) <= set(known):
            raise ValueError(f"classes must be two different labels from 0 to {known[-1]}, got {list(self.classes)}")
        if not set(self.dreams or ()) <= set(known) or len(set(self.dreams or ())) < len(self.dreams or ()):
            raise ValueError(f"dreams must be different labels from 0 to {known[-1]}, got {list(self.dreams or ())}")
        side = min(self.data.facts.image[1:])
        if self.dream.jitter >= side:
            raise ValueError(
                f"dream.jitter = {self.dream.jitter} is no small shift of images of {side} pixels; expected less than "
                f"{side}"
            )
        return self

    @property
    def dreamt(self) -> tuple[int, ...]:
        """The labels of the classes to dream of, in order; none: all."""
        every = range(len(self.data.classes))
        if self.dreams is None and len(every) <= MOST_DREAMT:
            return ()
        aims = set(_spread(self.classes, len(every)) if self.dreams is None else self.dreams)
        return () if aims == set(every) else tuple(sorted(aims))

    def origin(self, start: str) -> str:
        """What the dreams of a start climb from, in words."""
        return "noise" if start == "noise" else f"the {self.data.classes[self.classes[0]]}"


def _spread(shown: tuple[int, int], classes: int) -> set[int]:
    """The two labels shown, and others to make `MOST_DREAMT`, evenly spread over the rest."""
    rest = [label for label in range(classes) if label not in shown]
    wanted = MOST_DREAMT - len(shown)
    return {*shown, *(rest[i * len(rest) // wanted] for i in range(wanted))}


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
            dreamt=settings.dreamt,
        )
        for seed, judge in zip(seeds, judges, strict=True)
    )
