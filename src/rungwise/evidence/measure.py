"""What a chapter measures, and what it measured: one number per model, metric and seed."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rungwise.evidence.by_class import Statistic
from rungwise.evidence.ranges import Scale
from rungwise.quantities import quantity


@dataclass(frozen=True)
class Answers:
    """Which predictions of single test images a metric counts, and what it makes of them, averaged over tasks."""

    tasks: tuple[str, ...] = ("",)
    """The tasks' names, as arrays of nets of several tasks bear them; "" for nets of one task."""
    wrong: bool = False
    """Whether it counts the wrong ones instead of those that are right."""
    statistic: Statistic = "accuracy"
    label: int | None = None
    """The class that a recall or a precision is of."""


@dataclass(frozen=True)
class Metric:
    """One quantity of a chapter, known from its settings before anything runs."""

    says: str
    """What it is, with its unit or range, as "share of the test images classified right"."""
    models: tuple[str, ...]
    """The names of what it is measured of, as nets, pairs of classes or layers; in the order of the study."""
    better: Literal["higher", "lower"] | None = None
    """Which way is better; None where neither is."""
    exact: bool = False
    """The same for every seed by construction, as a count of parameters: it has no noise."""
    timing: bool = False
    """Wall-clock time, or made from it: it depends on the machine and on what else that was doing."""
    most: float | None = None
    """The largest value that a count can have."""
    answers: Answers | None = None
    """The predictions that it counts, where it counts those of single test images: then it can be judged for new ones.
    """
    trials: int | None = None
    """Of a share that is a mean over few things, as dreams: over how many in each seed. Where its seeds do not differ,
    its interval is that of a count of them: no number from 0 to 1 scatters more than one that is 0 or 1."""
    counted: bool = False
    """Whether each of them is right or wrong: then its interval is always that of a count."""
    over_seeds: bool = False
    """Whether a seed's value depends on the other seeds too, as where all of them choose what it is compared with: then
    more seeds change the earlier values, and no look at them holds."""

    @property
    def of_class(self) -> bool:
        """Whether it is about a single class: a study has as many of these as the data has classes."""
        return self.answers is not None and self.answers.label is not None


def meant(name: str, metrics: Mapping[str, Metric]) -> list[str]:
    """The metrics to name where there is none of that name. Those of single classes are two patterns, unless one of
    them was asked for."""
    of_class = [each for each, metric in metrics.items() if metric.of_class]
    alike = [each for each in of_class if each.split("_")[:2] == name.split("_")[:2]]
    patterns = dict.fromkeys("_".join((*each.split("_")[:2], "CLASS")) for each in of_class)
    return alike or [*(each for each in metrics if each not in set(of_class)), *patterns]


def scale_of(name: str, metric: Metric) -> Scale:
    """The scale on which a metric's interval is made, so that it stays inside its range (`quantities`): that of shares
    where it has a least value of 0 and a largest one, that of positive numbers where it has the least alone."""
    known = quantity(name)
    if metric.most is not None:
        return "share"
    if known is None or known.low != 0:
        return "plain"
    return "share" if known.high == 1 else "positive" if math.isinf(known.high) else "plain"


class Measurement(NamedTuple):
    """One number. A list of them is a tidy table: ``pandas.DataFrame(measurements)`` takes it as it is."""

    chapter: str
    model: str
    metric: str
    seed: int
    value: float
    trials: tuple[str, ...]
    """The ids of the trials that it comes from."""


TEST_ACCURACY = "test_accuracy"
"""What the names of the metrics begin with that have a curve by epoch; the task's follows, in nets of several."""
LEADING = (re.compile("test_accuracy"), re.compile("mean_test_accuracy"), re.compile("test_.*"))
"""What the metric that a chapter's models are ranked by is called, the best first; else the first that can rank."""


def leading(metrics: Mapping[str, Metric]) -> str | None:
    """The metric that models are ranked by: one that knows better from worse, and has noise, but not a clock's."""
    able = [name for name, metric in metrics.items() if metric.better and not metric.exact and not metric.timing]
    first = next((name for called in LEADING for name in able if called.fullmatch(name)), None)
    return first or next(iter(able), None)
