"""What a study file says of its images."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from rungwise.data.errors import DataError
from rungwise.data.sources.catalogue import describe, find_source
from rungwise.data.sources.source import Facts
from rungwise.settings import Settings

TURN = "turn"
"""The column of images that were turned."""
TURNS = ("0°", "90°", "180°", "270°")


class Data(Settings):
    """Which images a chapter uses. What is drawn at random is drawn from the trial's seed.

    It carries the `facts` of its data set, which are asked for once, when it is validated. They are no part of what it
    writes, and so of no trial's id.
    """

    source: str
    """A name in the catalogue."""
    train_images: int | None = Field(None, ge=2)
    """How many training images to draw; all where it is left out, but for those set aside."""
    validation_images: int | None = Field(None, exclude_if=lambda images: images is None)
    """How many training images to set aside to choose by; no net is trained on them (Auto-Lambda's weights are)."""
    turned: bool = Field(False, exclude_if=lambda turned: not turned)
    """Turn every image by a random number of quarter turns, counter-clockwise, and keep that as the column "turn"."""
    labels: Literal["true", "random"] = Field("true", exclude_if=lambda labels: labels == "true")
    """random: training labels and columns are uniform draws that have nothing to do with the images; test labels stay
    true."""
    _facts: Facts = PrivateAttr()

    @field_validator("source")
    @classmethod
    def _known(cls, source: str) -> str:
        try:
            find_source(source)
        except DataError as error:
            raise ValueError(str(error)) from None
        return source

    @field_validator("validation_images")
    @classmethod
    def _some(cls, images: int | None) -> int | None:
        if images is not None and images < 1:
            raise ValueError(f"a validation part needs at least 1 image, got {images}; leave it out to have none")
        return images

    def model_post_init(self, context: Any) -> None:
        self._facts = describe(self.source)

    @model_validator(mode="after")
    def _enough(self) -> Self:
        available, aside = self.facts.train_images, self.validation_images or 0
        if self.train_images is not None and self.train_images > available:
            raise ValueError(f"{self.source} has {available:,} training images, not {self.train_images:,}")
        if (self.train_images or 2) + aside > available:
            raise ValueError(
                f"{self.source} has {available:,} training images, too few to train on {self.train_images or 2:,} and "
                f"set {aside:,} aside"
            )
        _, height, width = self.facts.image
        if self.turned and height != width:
            raise ValueError(
                f"only square images can be turned by quarters; those of {self.source} are {height} x {width}"
            )
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's; a copy that is given another source has the facts of that."""
        copy = super().model_copy(update=update, deep=deep)
        if copy.source != self.source:
            copy._facts = describe(copy.source)
        return copy

    @property
    def facts(self) -> Facts:
        """What is known of the data set."""
        return self._facts

    @property
    def size(self) -> int:
        """The number of training images used."""
        return self.train_images or self.facts.train_images - (self.validation_images or 0)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their labels."""
        return self.facts.classes

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """What else is known of each image than its label: the names of the classes, by column."""
        return {**self.facts.columns, **({TURN: TURNS} if self.turned else {})}
