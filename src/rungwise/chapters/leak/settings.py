"""What a study file sets for the chapter, and the trials that it calls for."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny

from rungwise.chapters.chapter import ChapterSettings, Hardest
from rungwise.data.settings import Data
from rungwise.models.families import ANet, usual_cnn
from rungwise.models.net import NetSettings
from rungwise.settings import Name
from rungwise.training.settings import Fit, Recipe

SPLITS: tuple[Literal["group", "image"], ...] = ("group", "image")
"""Whether whole groups are drawn to be tested on, or images one by one."""


class Settings(ChapterSettings):
    kind: Literal["leak"] = "leak"
    fit: Recipe
    nets: dict[Name, Annotated[SerializeAsAny[NetSettings], ANet("cnn", usual_cnn)]] = Field(
        min_length=1, max_length=100
    )

    @classmethod
    def for_data(cls, raw: dict[str, Any], data: Data, hardest: Hardest) -> dict[str, Any]:
        return {**raw, "data": {**raw["data"], "split": "per seed"}} if data.own else raw

    @property
    def unfit(self) -> str:
        data = self.data
        if not data.own:
            return (
                "it compares two ways to split your own images, of which several belong together, as those of one "
                "person. Give yours: rungwise run leak --data PATH --groups TABLE, a table with the columns file_name "
                "and group"
            )
        if not data.facts.groups:
            return (
                f"{data.facts.name} has no groups of images that belong together. Name the table that has them, as "
                "--groups TABLE or metadata in the data, or the column, as group_column"
            )
        if not data.facts.test_by_seed:
            own = f"{data.facts.name} has a test part of its own, and how it was drawn is not known here"
            return 'each seed draws its own split: set split = "per seed" in the data' if data.split == "once" else own
        return ""


def trials(settings: Settings, seeds: Sequence[int]) -> tuple[Fit, ...]:
    """For each net and each way to split, one per seed; none on data that is unfit."""
    if settings.unfit:
        return ()
    return tuple(
        Fit(label=model_name(net, by), data=data_split(settings, by), seed=seed, net=own, fit=settings.fit)
        for net, own in settings.nets.items()
        for by in SPLITS
        for seed in seeds
    )


def data_split(settings: Settings, by: Literal["group", "image"]) -> Data:
    return settings.data.model_copy(update={"split_by": by})


def model_name(net: str, by: str) -> str:
    """What claims call a net on images that are split so."""
    return f"{net}, by {by}"
