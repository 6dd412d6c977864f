"""What a study file sets for the chapter, and the trials that it calls for."""

from typing import Literal

from pydantic import Field

from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.projection.trial import ProjectionTrial


class Settings(ChapterSettings):
    kind: Literal["projection"] = "projection"
    svm_iterations: int = Field(10_000, ge=1, le=100_000_000)
    """Iterations that the solver of a linear SVM may take."""


def trials(settings: Settings, seeds: tuple[int, ...]) -> tuple[ProjectionTrial, ...]:
    """One per seed."""
    return tuple(
        ProjectionTrial(label="PCA", data=settings.data, seed=seed, svm_iterations=settings.svm_iterations)
        for seed in seeds
    )
