"""Images made from seeds, of any size, number of channels and number of classes: what own data may be like."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from rungwise.data.files.contents import Progress
from rungwise.data.files.known import File
from rungwise.data.images import Dataset, ImageSet
from rungwise.data.sources.catalogue import CATALOGUE
from rungwise.data.sources.source import Facts


@dataclass(frozen=True)
class Made:
    """Striped images: a class is told by the colour of its stripes, their number and their direction.

    There are at most twelve colours, so that of many classes several look alike in the mean. The phase of the stripes
    is drawn for each image, and noise of standard deviation `noise` is added to its pixels, which are 0 to 255.
    """

    facts: Facts
    noise: float = 30.0
    files: ClassVar[tuple[File, ...]] = ()
    origin: ClassVar[str] = "made by a test"

    def load(self, *, offline: bool = False, progress: Progress | None = None) -> Dataset:
        facts = self.facts
        train, test = (self._part(count, seed) for seed, count in enumerate((facts.train_images, facts.test_images)))
        return Dataset(facts.name, facts.classes, train, test, {"made": "0" * 64})

    def _part(self, count: int, seed: int) -> ImageSet:
        """As many images of each class as of any other, but for a remainder, in a random order."""
        random = np.random.default_rng([seed, len(self.facts.classes)])
        labels = random.permutation(np.arange(count) % len(self.facts.classes))
        images = np.stack([self._image(int(label), random) for label in labels])
        return ImageSet(images, labels.astype(np.int64))

    def _image(self, label: int, random: np.random.Generator) -> np.ndarray:
        channels, height, width = self.facts.image
        colours = min(len(self.facts.classes), 12)
        turn, times = 2 * np.pi * (label % colours) / colours, 1 + label % 5
        y, x = np.mgrid[:height, :width] / max(height, width)
        angle = np.pi * (label // 5 % 4) / 4
        stripes = np.sin(2 * np.pi * (times * (x * np.cos(angle) + y * np.sin(angle)) + random.random()))
        colour = 0.5 + 0.5 * np.cos(turn + 2 * np.pi * np.arange(channels) / 3)  # (C,), 0 to 1
        pixels = 40 + 90 * colour[:, None, None] * (1 + stripes)
        noisy = pixels + random.normal(0, self.noise, pixels.shape)
        return noisy.clip(0, 255).astype(np.uint8)


def made(
    image: tuple[int, int, int],
    classes: int | tuple[str, ...],
    *,
    train_images: int = 200,
    test_images: int = 100,
    name: str = "made",
    noise: float = 30.0,
) -> Made:
    """A source of that name. `classes`: their names, or how many there are, and then they are called "kind 1", ..."""
    names = tuple(f"kind {k + 1}" for k in range(classes)) if isinstance(classes, int) else classes
    return Made(Facts(name, names, image, train_images, test_images), noise)


def make_known(patch: pytest.MonkeyPatch, source: Made) -> Made:
    """Put the source into the catalogue while the patch lasts."""
    patch.setitem(CATALOGUE, source.facts.name, source)
    return source
