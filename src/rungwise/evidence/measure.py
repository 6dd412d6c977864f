"""What a chapter measures, and what it measured: one number per model, metric and seed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple


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


class Measurement(NamedTuple):
    """One number. A list of them is a tidy table: ``pandas.DataFrame(measurements)`` takes it as it is."""

    chapter: str
    model: str
    metric: str
    seed: int
    value: float
    trials: tuple[str, ...]
    """The ids of the trials that it comes from."""


LEADING = (re.compile("test_accuracy"), re.compile("mean_test_accuracy"), re.compile("test_.*"))
"""What the metric that a chapter's models are ranked by is called, the best first; else the first that can rank."""


def leading(metrics: Mapping[str, Metric]) -> str | None:
    """The metric that models are ranked by: one that knows better from worse, and has noise, but not a clock's."""
    able = [name for name, metric in metrics.items() if metric.better and not metric.exact and not metric.timing]
    first = next((name for called in LEADING for name in able if called.fullmatch(name)), None)
    return first or next(iter(able), None)
