"""The seeing chapter's records, read: one view of a net per seed, and what is measured of its layers and dreams."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rungwise.chapters.seeing.trial import SeeingTrial, key
from rungwise.records.record import Record

DEPTH = {
    "sparsity": "sparsity",
    "dark_share": "the share of filters that stay dark for an image (the mean of the two)",
    "dead_share": "the share of dead filters",
    "selectivity": "class selectivity",
}
"""What is measured of each layer, and how it is called in a sentence."""


class View(NamedTuple):
    """One seed's trial and its record."""

    trial: SeeingTrial
    record: Record
    convolutions: int
    """How many the net has."""

    def layers(self, name: str) -> np.ndarray:
        """A number of the summary for each layer, (layers,); NaN where it is undefined."""
        return np.array([self.record.summary.get(key(name, layer(i)), float("nan")) for i in range(self.convolutions)])

    def depth(self, name: str) -> np.ndarray:
        """One of `DEPTH` for each layer, (layers,); NaN where it is undefined."""
        match name:
            case "dark_share":
                dark = sum(self.layers(key("dark", label)) for label in self.trial.classes)
                return np.asarray(dark / len(self.trial.classes) / self.layers("filters"))
            case "dead_share":
                return np.asarray(self.layers("dead") / self.layers("filters"))
            case _:
                return self.layers(name)

    def aimed(self, viewer: str, start: str) -> np.ndarray:
        """The probability that the net or the judge gives the class aimed at, (classes,)."""
        return np.asarray(np.diagonal(self.record.arrays[key(viewer, "dreams", start)]))

    def said(self, viewer: str, start: str) -> np.ndarray:
        """The label that the net or the judge gives each dream, (classes,)."""
        return np.asarray(self.record.arrays[key(viewer, "dreams", start)].argmax(1))

    def passed(self, viewer: str, start: str) -> np.ndarray:
        """Whether the net or the judge classifies each dream as the class aimed at, (classes,), bool."""
        said = self.said(viewer, start)
        return np.asarray(said == np.arange(len(said)))

    def before(self, viewer: str, start: str) -> np.ndarray:
        """The probabilities that the net or the judge gives the start, (classes,)."""
        return np.asarray(self.record.arrays[key(viewer, "start", start)])


def layer(number: int) -> str:
    """The name of a layer as the net has it; the first is 0."""
    return f"convolution {number + 1}"


def depth(views: Sequence[View], name: str) -> np.ndarray:
    """One of `DEPTH` by run and layer, (runs, layers)."""
    return np.array([view.depth(name) for view in views])


def read_views(planned: Sequence[SeeingTrial], records: Mapping[str, Record], convolutions: int) -> list[View]:
    """Of the trials that have finished, in their order."""
    return [View(trial, records[trial.id], convolutions) for trial in planned if trial.id in records]
