"""What a study file says of its images."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, Self

from pydantic import (
    Field,
    PrivateAttr,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from rungwise.data.errors import DataError
from rungwise.data.own.preparation import Preparation
from rungwise.data.reading import Reading, is_path, key_of
from rungwise.data.sources.catalogue import find_source
from rungwise.data.sources.source import Facts
from rungwise.words import some_of

IDENTITY: Final = "identity"
"""The context of `model_dump` in which own data is written by its content instead of its path."""
TURN = "turn"
"""The column of images that were turned."""
TURNS = ("0°", "90°", "180°", "270°")


class Data(Preparation):
    """Which images a chapter uses. What is drawn at random is drawn from the trial's seed.

    Its source is a name in the catalogue, or the path of own images; `Preparation` has what may be said of those.

    It carries the `facts` of its data set, which are asked for once, when it is validated. They are no part of what it
    writes, and so of no trial's id.
    """

    source: str
    """A name in the catalogue, or the path of own images, as "./photos": a folder, an archive or a file. A relative
    path is relative to the study file."""
    train_images: int | None = Field(None, ge=2)
    """How many training images to draw; all where it is left out, but for those set aside."""
    validation_images: int | None = Field(None, exclude_if=lambda images: images is None)
    """How many training images to set aside to choose by; no net is trained on them (Auto-Lambda's weights are). Of
    images in groups whole groups are set aside, but for the one that is cut where the number is reached."""
    turned: bool = Field(False, exclude_if=lambda turned: not turned)
    """Turn every image by a random number of quarter turns, counter-clockwise, and keep that as the column "turn"."""
    split_by: Literal["group", "image"] = Field("group", exclude_if=lambda by: by == "group")
    """image: groups do not count when a seed draws its test part, so that images of one group may be on both sides."""
    labels: Literal["true", "random"] = Field("true", exclude_if=lambda labels: labels == "true")
    """random: training labels and columns are uniform draws that have nothing to do with the images; test labels stay
    true."""
    _facts: Facts = PrivateAttr()

    @field_validator("source")
    @classmethod
    def _known(cls, source: str, info: ValidationInfo) -> str:
        reading = _reading(info.context)
        if is_path(source):
            return reading.absolute(source)
        try:
            find_source(source)
        except DataError as error:
            raise ValueError(f"{error}{reading.hint(source)}") from None
        return source

    @field_validator("metadata")
    @classmethod
    def _placed(cls, metadata: str | None, info: ValidationInfo) -> str | None:
        return None if metadata is None else _reading(info.context).absolute(metadata)

    @field_validator("validation_images")
    @classmethod
    def _some(cls, images: int | None) -> int | None:
        if images is not None and images < 1:
            raise ValueError(f"a validation part needs at least 1 image, got {images}; leave it out to have none")
        return images

    def model_post_init(self, context: Any) -> None:
        try:
            self._facts = _reading(context).facts(self.source, self.preparation)
        except DataError as error:
            raise ValueError(str(error)) from None

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Settings of own images are shown where they are set."""
        shown = {name: value for name, value in super().__repr_args__() if name is not None}
        return [(name, shown[name]) for name in shown if name not in Preparation.model_fields] + [
            (name, shown[name]) for name in Preparation.model_fields if name in self.model_fields_set
        ]

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        if info.context == IDENTITY:
            written["source"] = self.identity
            written.pop("metadata", None)  # what it says is part of the identity
        return written

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if not self.own and (alien := [name for name in Preparation.model_fields if name in self.model_fields_set]):
            raise ValueError(f"{alien[0]} is for own images; {self.source!r} is a data set that is always the same")
        if self.split_by == "image" and not (self.own and self.facts.test_by_seed):
            raise ValueError(
                'split_by = "image" is for own images whose test part each seed draws: set split = "per seed"'
            )
        available, aside = self.facts.train_images, self.validation_images or 0
        if aside and self.facts.validation_images:
            raise ValueError(
                f"{self.facts.name} has a validation part of {self.facts.validation_images:,} images, which is what is "
                "set aside: leave validation_images out"
            )
        if self.train_images is not None and self.train_images > available:
            raise ValueError(f"{self.facts.name} has {available:,} training images, not {self.train_images:,}")
        if (self.train_images or 2) + aside > available:
            raise ValueError(
                f"{self.facts.name} has {available:,} training images, too few to train on {self.train_images or 2:,} "
                f"and set {aside:,} aside"
            )
        _, height, width = self.facts.image
        if self.turned and height != width:
            raise ValueError(
                f"only square images can be turned by quarters; those of {self.facts.name} are {height} x {width}"
            )
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's; a copy that is given another source has the facts of that."""
        copy = super().model_copy(update=update, deep=deep)
        if copy.source != self.source or copy.preparation != self.preparation:
            copy._facts = Reading().facts(copy.source, copy.preparation)
        return copy

    @property
    def own(self) -> bool:
        """Whether these are own images, known by their content, and not a data set known by its name."""
        return bool(self.facts.digest)

    @property
    def key(self) -> str:
        """By what a data set that is loaded is known while a study runs: own images prepared otherwise are another."""
        return key_of(self.source, self.preparation) if self.own else self.source

    @property
    def identity(self) -> str:
        """What trials know the data by: its name, or the digest of its files. It is the same wherever they are."""
        return f"sha256:{self.facts.digest}" if self.facts.digest else self.source

    @property
    def facts(self) -> Facts:
        """What is known of the data set."""
        return self._facts

    @property
    def size(self) -> int:
        """The number of training images used."""
        return self.train_images or self.facts.train_images - (self.validation_images or 0)

    @property
    def aside(self) -> int:
        """The number of images to choose by: of a validation part, or set aside from the training images."""
        return self.validation_images or self.facts.validation_images

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their labels."""
        return self.facts.classes

    def labels_of(self, written: Any) -> Any:
        """What a study file says of classes, with the labels for their names, at any depth of lists. Raises ValueError
        where there is no class of a name."""
        if isinstance(written, list | tuple):
            return type(written)(self.labels_of(one) for one in written)
        if not isinstance(written, str):
            return written
        if written not in self.classes:
            known = some_of([repr(name) for name in self.classes])
            raise ValueError(f"{self.facts.name} has no class {written!r}; its classes: {known}")
        return self.classes.index(written)

    @property
    def described(self) -> dict[str, Any]:
        """What a net must know of the images to answer later without the data, as JSON types."""
        return {
            "name": self.facts.name,
            "image": list(self.facts.image),
            "classes": list(self.classes),
            "columns": {name: list(values) for name, values in self.columns.items()},
            "preparation": self.preparation.model_dump(mode="json") if self.own else {},
        }

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """What else is known of each image than its label: the names of the classes, by column."""
        return {**self.facts.columns, **({TURN: TURNS} if self.turned else {})}


def _reading(context: Any) -> Reading:
    return context if isinstance(context, Reading) else Reading()
