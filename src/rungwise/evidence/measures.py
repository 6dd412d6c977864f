"""From the values of a chapter's metrics to estimates: with intervals inside the metric's range, for the seeds and for
new images."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from rungwise.evidence.answers import Reader, Side, by_image, images_behind, value_of
from rungwise.evidence.design import Design
from rungwise.evidence.estimate import Estimate, Interval, paired_difference
from rungwise.evidence.images import crossed
from rungwise.evidence.measure import Metric, scale_of
from rungwise.evidence.ranges import Scale
from rungwise.evidence.sample import new_images
from rungwise.records.record import Record

Records = Mapping[int, Sequence[Record]]
"""Those that a value comes from, by seed."""


class Band(TypedDict):
    """Of curves: `Estimate.scale` and `Estimate.ratio`."""

    scale: Scale
    ratio: float


@dataclass(frozen=True)
class Measures:
    """The metrics of a chapter, and how its seeds see the images."""

    metrics: Mapping[str, Metric]
    design: Design
    reader: Reader = field(default_factory=Reader, repr=False)

    def estimate(self, key: str, values: Mapping[int, float], records: Records | None = None) -> Estimate | None:
        """A metric's estimate from its values by seed; None without values.

        `records`: where they are given and hold the answers to single images, it has the interval for new ones too.
        """
        if not values:
            return None
        metric, own = self.metrics.get(key, Metric("", ())), tuple(values.values())
        if metric.exact or metric.timing:
            return Estimate(values=own, scale="plain" if metric.exact else scale_of(key, metric))
        return Estimate(
            values=own,
            scale=scale_of(key, metric),
            most=metric.most or 1.0,
            ratio=self.design.ratio,
            trials=metric.trials or images_counted(metric, records, self.reader),
            counted=metric.counted,
            new=self._new(key, metric, values, records),
        )

    def of(self, values: Iterable[float], scale: Scale = "plain", *, most: float = 1.0) -> Estimate | None:
        """The estimate of what is no metric, from one value per seed. `most`: the largest value of a share."""
        kept = tuple(float(value) for value in values)
        return Estimate(values=kept, scale=scale, most=most, ratio=self.design.ratio) if kept else None

    def band(self, scale: Scale = "plain") -> Band:
        """How the bands of curves over such values are made, for `findings.Lines`."""
        return {"scale": scale, "ratio": self.design.ratio}

    def read(self, key: str, records: Sequence[Record]) -> float | None:
        """A metric's value from what nets answered to single test images; None where it is undefined, or the answers
        were not kept. `records`: those that the value comes from. KeyError where it is not made of such answers."""
        answers = self.metrics[key].answers
        if answers is None:
            raise KeyError(key)
        return value_of(records, answers, self.reader)

    def difference(
        self,
        key: str,
        a: Mapping[int, float],
        b: Mapping[int, float],
        records: tuple[Records, Records] | None = None,
    ) -> Estimate | None:
        """A metric's a - b over the seeds that both have (seed -> value). `records`: those behind a and b."""
        metric = self.metrics[key]
        found = paired_difference(a, b, ratio=0.0 if metric.timing or metric.exact else self.design.ratio)
        if found is None or records is None or metric.answers is None:
            return found
        sides = [(own, metric.answers) for own in records]
        return found.model_copy(update={"new": self._new_of(sides, sorted(a.keys() & b.keys()), "plain")})

    def _new(self, key: str, metric: Metric, values: Mapping[int, float], records: Records | None) -> Interval | None:
        if metric.answers is None or records is None:
            return None
        trials = images_counted(metric, records, self.reader)
        return self._new_of([(records, metric.answers)], list(values), scale_of(key, metric), trials)

    def _new_of(
        self, sides: Sequence[Side], seeds: Sequence[int], scale: Scale, trials: int | None = None
    ) -> Interval | None:
        """The interval for new seeds and new images, of one model or of a difference of two."""
        known = all(set(seeds) <= records.keys() for records, _ in sides)
        if self.design.ratio or len(seeds) < 2 or not known:
            return None
        table = by_image(sides, (1.0, -1.0)[: len(sides)], seeds, self.reader)
        found = None if table is None else crossed(table)
        return None if found is None else new_images(found, scale, trials=trials)


def images_counted(metric: Metric, records: Records | None, reader: Reader) -> int | None:
    """How many test images a value of the metric counts, the least over the seeds; None where nothing is known of
    single images. Of an accuracy all of the test part, so that the first seed tells."""
    if metric.answers is None or not records:
        return None
    asked = list(records.values())
    asked = asked[:1] if metric.answers.statistic == "accuracy" else asked
    found = [images_behind(each, metric.answers, reader) for each in asked]
    return min((count for count in found if count is not None), default=None)
