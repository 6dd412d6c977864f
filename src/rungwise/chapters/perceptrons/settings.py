"""What a study file sets for the chapter, and the trials that it calls for."""

import itertools
import math
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from rungwise.chapters.chapter import ChapterSettings, Hardest
from rungwise.chapters.perceptrons.trial import PerceptronTrial
from rungwise.data.settings import Data
from rungwise.words import some_of

USUAL = ((1, 0), (8, 3), (4, 9), (8, 7), (2, 9))
MOST_PAIRS = 20_000
"""All pairs of 200 classes are 19,900: a perceptron each, for each seed."""


def _usual(known: dict[str, Any]) -> tuple[tuple[int, int], ...] | Literal["all"]:
    """Five pairs of ten classes, which look alike as digits do and not; all pairs of fewer classes."""
    data = known.get("data")
    return "all" if isinstance(data, Data) and len(data.classes) <= max(map(max, USUAL)) else USUAL


class Settings(ChapterSettings):
    kind: Literal["perceptrons"] = "perceptrons"
    pairs: tuple[tuple[int, int], ...] | Literal["all"] = Field(default_factory=_usual, validate_default=True)
    """[positive, negative] labels or names of classes, or "all". Left out: five pairs, or all of fewer than ten
    classes."""
    rule: Literal["batch", "online"] = "batch"
    """batch: one update from all misclassified images per iteration; online: Rosenblatt's, image by image,
    where an iteration is an epoch."""
    rate: float = Field(0.01, gt=0, le=1e6)
    iterations: int = Field(1000, ge=1, le=10_000_000)
    tolerance: float = Field(1e-3, ge=0, lt=1)
    """Training stops at this training error (a fraction) or below."""
    gap_threshold: float = Field(0.05, gt=0, lt=1)
    """Training minus test accuracy above which a pair is called overfitted."""

    @field_validator("pairs", mode="before")
    @classmethod
    def _known(cls, pairs: Any, info: ValidationInfo) -> Any:
        data: Data | None = info.data.get("data")
        if data is None:
            return pairs
        if pairs == "all":
            return _few_enough(data)
        pairs = pairs if isinstance(pairs, str) else data.labels_of(pairs)
        if not _are_pairs(pairs):
            raise ValueError(
                f'expected "all" or a list of [positive, negative] labels, as [[8, 3], [4, 9]]; got {pairs!r}'
            )
        labels = some_of([f"{label} ({name})" for label, name in enumerate(data.classes)])
        for pair in pairs:
            if not all(0 <= label < len(data.classes) for label in pair):
                raise ValueError(f"{data.facts.name} has no such pair of labels as {list(pair)}; its labels: {labels}")
            if pair[0] == pair[1]:
                raise ValueError(f"the pair {list(pair)} names one class twice; choose two of: {labels}")
        if len({tuple(pair) for pair in pairs}) < len(pairs):
            raise ValueError("a pair is listed twice; list each once")
        return pairs

    @classmethod
    def for_data(cls, raw: dict[str, Any], data: Data, hardest: Hardest) -> dict[str, Any]:
        return {**raw, "pairs": [list(pair) for pair in hardest()]}

    @property
    def label_pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs as labels, "all" written out."""
        if self.pairs == "all":
            return tuple(itertools.combinations(range(len(self.data.classes)), 2))
        return self.pairs


def _few_enough(data: Data) -> Literal["all"]:
    """ "all". Raises ValueError where that would be too many."""
    pairs = math.comb(len(data.classes), 2)
    if pairs > MOST_PAIRS:
        raise ValueError(
            f"all pairs of the {len(data.classes):,} classes of {data.facts.name} are {pairs:,}, each with a "
            f"perceptron of its own; expected at most {MOST_PAIRS:,}: list some, as [[8, 3], [4, 9]]"
        )
    return "all"


def _are_pairs(pairs: Any) -> bool:
    return (
        isinstance(pairs, list | tuple)
        and len(pairs) > 0
        and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs)
        and all(type(label) is int for pair in pairs for label in pair)
    )


def pair_name(positive: str, negative: str) -> str:
    """ "8 v 3"."""
    return f"{positive} v {negative}"


def trials(settings: Settings, seeds: tuple[int, ...]) -> tuple[PerceptronTrial, ...]:
    """One per pair and seed."""
    names = settings.data.classes
    return tuple(
        PerceptronTrial(
            label=pair_name(names[positive], names[negative]),
            data=settings.data,
            seed=seed,
            positive=positive,
            negative=negative,
            rule=settings.rule,
            rate=settings.rate,
            iterations=settings.iterations,
            tolerance=settings.tolerance,
        )
        for positive, negative in settings.label_pairs
        for seed in seeds
    )
