"""How many test images each class has: whether they are even, and what always answering the most frequent gets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rungwise.data.checks.checked import UNEVEN
from rungwise.evidence.answers import Reader
from rungwise.findings import Level
from rungwise.records.record import Record


@dataclass(frozen=True)
class ClassCounts:
    """The test images of each class, as a mean over the seeds."""

    classes: tuple[str, ...]
    images: tuple[float, ...]

    @property
    def majority(self) -> str:
        """The most frequent class, the first of equals."""
        return self.classes[int(np.argmax(self.images))]

    @property
    def share(self) -> float:
        """What share of the test images it has: the accuracy of always answering it."""
        return max(self.images) / sum(self.images)

    @property
    def uneven(self) -> bool:
        """Classes without test images do not count."""
        return max(self.images) >= UNEVEN * min(count for count in self.images if count)

    @property
    def extremes(self) -> str:
        """ "nine has 75 test images, seven 5"."""
        rarest = min((count, name) for count, name in zip(self.images, self.classes, strict=True) if count)
        return f"{self.majority} has {max(self.images):,.4g} test images, {rarest[1]} {rarest[0]:,.4g}"

    def always(self, on: str = "") -> str:
        """The sentence for captions of accuracies. `on`: the task, of several."""
        of = f" on {on}" if on else ""
        return f"Always answering {self.majority}{of} would be right for {self.share:.1%} of the test images."

    def level(self, accuracies: Iterable[float]) -> tuple[Level, ...]:
        """The line of always answering the most frequent class, where it lies in the range of what is drawn."""
        least = min(accuracies, default=1.0)
        return (Level(name=f"always {self.majority}", values=(self.share,)),) if self.share >= least else ()


def class_counts(
    classes: Sequence[str], runs: Iterable[Mapping[int, Sequence[Record]]], reader: Reader, task: str = ""
) -> ClassCounts | None:
    """From the labels in the records; None where none has them.

    `runs`: those of each model by seed, all on the same test images; `task`: as for `Reader.answered`.
    """
    by_seed: dict[int, np.ndarray] = {}
    for run in runs:
        for seed in run.keys() - by_seed.keys():
            if (known := reader.answered(run[seed], task)) is not None:
                by_seed[seed] = np.bincount(known.labels, minlength=len(classes))
    if not by_seed:
        return None
    return ClassCounts(tuple(classes), tuple(np.mean([by_seed[seed] for seed in sorted(by_seed)], axis=0).tolist()))
