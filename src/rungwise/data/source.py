"""What a study file says of its images."""

from pydantic import Field, field_validator, model_validator

from rungwise.data.catalogue import CATALOGUE, nearest
from rungwise.settings import Settings


class Data(Settings):
    """Which images a chapter uses. The subset is drawn at random from the trial's seed."""

    source: str
    """A name in the catalogue."""
    train_images: int | None = Field(None, ge=2)
    """How many training images to draw; all where it is left out."""

    @field_validator("source")
    @classmethod
    def _known(cls, source: str) -> str:
        if source not in CATALOGUE:
            raise ValueError(f"no data set is called {source!r}; {nearest(source, CATALOGUE)}")
        return source

    @model_validator(mode="after")
    def _enough(self) -> "Data":
        available = CATALOGUE[self.source].train_images
        if self.train_images is not None and self.train_images > available:
            raise ValueError(f"{self.source} has {available:,} training images, not {self.train_images:,}")
        return self

    @property
    def size(self) -> int:
        """The number of training images used."""
        return self.train_images or CATALOGUE[self.source].train_images

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their labels."""
        return CATALOGUE[self.source].classes
