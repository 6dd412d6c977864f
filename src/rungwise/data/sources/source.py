"""What every data set is: facts that are known of it, and images that can be loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rungwise.data.files.contents import Progress
from rungwise.data.files.known import File
from rungwise.data.images import Dataset


@dataclass(frozen=True)
class Facts:
    """What is known of a data set without its images being decoded."""

    name: str
    """What a study calls it."""
    classes: tuple[str, ...]
    """The names of the classes, in the order of their labels."""
    image: tuple[int, int, int]
    """(C, H, W) of every image, as it is loaded."""
    train_images: int
    test_images: int
    """Where the source has no test part of its own, these are the numbers after the seed has cut one off."""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What else than the label is known of each image: the names of the classes, by column."""
    licence: str = ""
    validation_images: int = 0
    """Of a validation part that the source has itself."""
    digest: str = ""
    """Of own data: the SHA-256 of what its files are, by which trials know it; empty where the name is the identity."""
    preparation: str = ""
    """Of own data: how its images were made equal, in words."""
    notes: tuple[str, ...] = ()
    """Of own data: what a reader of a report should know of it, as images that were left out."""
    groups: int = 0
    """Of own data: how many groups of images belong together; 0 where each image stands for itself."""
    mates: float = 0.0
    """The share of the images whose group has another image of their class."""
    mapped: bool = False
    """Whether the images stay in a file that is mapped into memory."""
    test_by_seed: bool = False
    """Whether the source has no test part, so that each seed splits one pool of images anew."""
    label: str = ""
    """Of own data: the column that has the class; "" where folders or names of files say it."""
    result_version: int = 1
    """Raised when the same files give other images, labels or columns than before (`Settings.result_version`)."""


class Source(Protocol):
    """One data set. The members of this family are told apart by what their images are read from."""

    @property
    def facts(self) -> Facts: ...

    @property
    def files(self) -> tuple[File, ...]:
        """The known files that the images are read from; none where they come with a library."""

    @property
    def origin(self) -> str:
        """Where the images come from, in words, if they are not those of `files` as they are; else empty."""

    def load(self, *, offline: bool = False, progress: Progress | None = None) -> Dataset:
        """All images, checked against what is known of them; missing files are downloaded unless `offline`.

        Raises `DataError`.
        """
