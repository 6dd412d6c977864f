"""What a study file sets for the chapter, and the trials that it calls for."""

from typing import Any, Literal

from pydantic import Field

from rungwise.chapters.chapter import ChapterSettings, Hardest
from rungwise.chapters.projection.trial import ProjectionTrial
from rungwise.data.settings import Data


class Settings(ChapterSettings):
    kind: Literal["projection"] = "projection"
    svm_iterations: int = Field(10_000, ge=1, le=100_000_000)
    """Iterations that the solver of a linear SVM may take."""

    @classmethod
    def for_data(cls, raw: dict[str, Any], data: Data, hardest: Hardest) -> dict[str, Any]:
        drawn = {"train_images", "turned", "validation_images"} & raw["data"].keys()
        same = data.own and data.split == "once" and not drawn  # every seed would have the same numbers
        return {**raw, "seeds": 1} if same else raw


def trials(settings: Settings, seeds: tuple[int, ...]) -> tuple[ProjectionTrial, ...]:
    """One per seed."""
    return tuple(
        ProjectionTrial(label="PCA", data=settings.data, seed=seed, svm_iterations=settings.svm_iterations)
        for seed in seeds
    )
