"""The chapter's records, read: what was found in each split, and the labels in doubt."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rungwise.chapters.audit.settings import Settings, audit_trials, doubt_trials
from rungwise.data.checks.checked import FEW, PARTS, UNEVEN
from rungwise.data.checks.series import LEAST, Series
from rungwise.evidence.measure import Measurement, Metric
from rungwise.insight.doubts import LEAST_NETS, Answers, Doubts, doubted
from rungwise.records.record import Record


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of images that are the same or nearly so."""

    images: np.ndarray
    """(n, 2): their numbers, through all parts."""
    labels: np.ndarray
    """(n, 2)."""
    parts: np.ndarray
    """(n, 2): places in `SplitView.parts`."""
    names: list[list[str]] | None
    """(n, 2): of images that are files."""
    shown: np.ndarray
    """(s,): places of the pairs that there are pictures of."""
    pixels: np.ndarray
    """(s, 2, C, H, W), uint8."""

    @cached_property
    def crossing(self) -> np.ndarray:
        """Which pairs are in two parts: (n,), bool."""
        return np.asarray(self.parts[:, 0] != self.parts[:, 1])

    @cached_property
    def contrary(self) -> np.ndarray:
        """Which have two labels: (n,), bool."""
        return np.asarray(self.labels[:, 0] != self.labels[:, 1])


@dataclass(frozen=True, eq=False)
class SplitView:
    """What was found in one split."""

    seed: int
    record: Record

    @cached_property
    def counts(self) -> dict[str, np.ndarray]:
        """By part: images of each class, (classes,)."""
        names = set(self.record.arrays)
        return {part: self.record.arrays[f"counts_{part}"] for part in PARTS if f"counts_{part}" in names}

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.counts)

    @cached_property
    def total(self) -> np.ndarray:
        """Images of each class in all parts, (classes,)."""
        return np.asarray(sum(self.counts.values()))

    @property
    def images(self) -> int:
        return int(self.total.sum())

    @cached_property
    def repeated(self) -> Pairs:
        return self._pairs("repeated")

    @cached_property
    def near(self) -> Pairs:
        return self._pairs("near")

    def _pairs(self, what: str) -> Pairs:
        arrays, images = self.record.arrays, self.record.arrays[what]
        ends = np.cumsum([int(counts.sum()) for counts in self.counts.values()])
        names = None
        if f"{what}_names" in set(arrays):
            names = [[name.decode("utf-8", "replace") for name in pair] for pair in arrays[f"{what}_names"].tolist()]
        parts = np.searchsorted(ends, images, side="right")
        return Pairs(images, arrays[f"{what}_labels"], parts, names, arrays[f"{what}_shown"], arrays[f"{what}_pixels"])

    @property
    def blank(self) -> int:
        """Images of a single colour."""
        return len(self.record.arrays["blank"])

    @property
    def grouped(self) -> bool:
        return bool(self.record.summary["grouped"])

    @cached_property
    def series(self) -> Series | None:
        """None where images have no file names, or too few of them numbers."""
        known = self.record.summary
        if known.get("series_pairs", 0) < LEAST:
            return None
        example = self.record.arrays["series_example"][0].decode("utf-8", "replace")
        pairs, within = int(known["series_pairs"]), bool(known["series_within"])
        return Series(pairs, known["series_alike"], known["series_p"], within, example)

    @property
    def named(self) -> bool:
        """Whether images are files with names."""
        return "series_pairs" in self.record.summary

    @property
    def few(self) -> list[int]:
        """The labels of classes with fewer than `FEW` images."""
        return np.flatnonzero(self.total < FEW).tolist()

    def absent(self, part: str) -> list[int]:
        """The labels of classes without an image in a part."""
        return np.flatnonzero(self.counts[part] == 0).tolist()

    @property
    def largest(self) -> int:
        """The label of the class with the most test images."""
        return int(self.counts["test"].argmax())

    @property
    def majority(self) -> float:
        """The share of the test images that its class has: the accuracy of one answer to all."""
        test = self.counts["test"]
        return float(test.max()) / max(1, int(test.sum()))

    @property
    def ratio(self) -> float:
        """How many times the images of the smallest class the largest has."""
        return float(self.total.max()) / max(1, int(self.total.min()))

    @property
    def lopsided(self) -> bool:
        return self.ratio >= UNEVEN


@dataclass(frozen=True, eq=False)
class Results:
    """What the chapter's statements, tables and figures are made from."""

    settings: Settings
    views: list[SplitView]
    """Of the splits that were looked at."""
    nets: list[Record]
    """What nets said of labels, by seed."""
    planned: int

    @property
    def done(self) -> int:
        return len(self.views) + len(self.nets)

    @property
    def most_seeds(self) -> int:
        return max(len(self.views), len(self.nets))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes."""
        return self.settings.data.classes

    @cached_property
    def doubts(self) -> Doubts | None:
        """None where too few nets were asked."""
        if len(self.nets) < LEAST_NETS:
            return None
        keys = ("tested", "wrong", "given", "said", "margin")
        return doubted([Answers(*(record.arrays[key] for key in keys)) for record in self.nets])

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all trials that were looked at."""
        return tuple(record.id for record in (*(view.record for view in self.views), *self.nets))


def read_results(settings: Settings, seeds: Sequence[int], records: Mapping[str, Record]) -> Results:
    looks, doubts = audit_trials(settings, seeds), doubt_trials(settings, seeds)
    views = [SplitView(trial.seed, records[trial.id]) for trial in looks if trial.id in records]
    nets = [records[trial.id] for trial in doubts if trial.id in records]
    return Results(settings, views, nets, len(looks) + len(doubts))


def metrics(settings: Settings) -> dict[str, Metric]:
    """None: no claim can be about what is found in the images."""
    return {}


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    return iter(())
