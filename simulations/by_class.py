"""Metrics of classes over new seeds and new images: what the intervals of reports cover, down to ten images of a class.

Classes and answers are those of `simulations.f1`. Each interval is the one that a report has: of the linear part, on
the logit scale, and never narrower than that of the seeds.
"""

import functools

import numpy as np

from rungwise.evidence.by_class import Statistic, by_image, images_behind, tally, value
from rungwise.evidence.images import crossed
from rungwise.evidence.sample import new_images
from simulations.coverage import Ends, covered
from simulations.f1 import OF_SEED, simulate
from simulations.table import Row

SHORT, FULL = 15, 1000
SEEDS, IMAGES = (3, 5, 10), (100, 449, 1000)
RAREST = 3
"""The label of the class that has a tenth of the images, and is the most difficult."""
STATISTICS: dict[str, tuple[Statistic, int | None]] = {
    "macro F1": ("macro_f1", None),
    "balanced accuracy": ("balanced_accuracy", None),
    "recall of the rarest": ("recall", RAREST),
    "precision of the rarest": ("precision", RAREST),
}
LEAST = 0.92
"""Promised of each, but where a class has ten images: an interval that knows ten images is approximate."""


def rates(studies: int, seed: int, sizes: tuple[int, ...] = IMAGES) -> list[Row]:
    """Coverage and mean width over so many studies, each with its own seeds and images."""
    return [row for seeds in OF_SEED for m in sizes for n in SEEDS for row in _of_kind(studies, seed, seeds, m, n)]


def _of_kind(studies: int, seed: int, seeds: str, m: int, n: int) -> list[Row]:
    drawn = [simulate(n, m, OF_SEED[seeds], np.random.default_rng([seed, study])) for study in range(studies)]
    least = LEAST if m > IMAGES[0] else None
    return [
        covered(
            f"{name}, {m} images, seeds {seeds}",
            n,
            [interval(*each, *asked) for each in drawn],
            expected(seeds, name),
            least,
        )
        for name, asked in STATISTICS.items()
    ]


def interval(predictions: np.ndarray, labels: np.ndarray, statistic: Statistic, label: int | None) -> Ends:
    """As reports make it, of one study's predictions (n, m) and labels (m,); None where it is undefined for a seed."""
    table = np.stack([by_image(statistic, row, labels, label) for row in predictions])
    found = None if np.isnan(table).any() else crossed(table)
    counts = [images_behind(statistic, tally(row, labels), label) for row in predictions]
    return None if found is None else new_images(found, "share", trials=min(counts))


@functools.cache
def expected(seeds: str, name: str) -> float:
    """What all studies estimate, from as many seeds and images as make its error small beside theirs."""
    draws, (statistic, label) = np.random.default_rng(12345), STATISTICS[name]
    drawn = (simulate(1, 2000, OF_SEED[seeds], draws) for _ in range(2000))
    return float(np.mean([value(statistic, tally(said[0], labels), label) for said, labels in drawn]))
