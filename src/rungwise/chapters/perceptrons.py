"""Perceptrons: the simplest learner on pairs of classes, and how its last iterate behaves."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from rungwise.chapters import perceptron_figures
from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.common import heading, measurements, seed_warnings, told
from rungwise.chapters.perceptron_figures import SHOWN
from rungwise.chapters.perceptron_results import LAST, Result, read_results
from rungwise.data.source import Data
from rungwise.evidence.bootstrap import bootstrap
from rungwise.evidence.estimate import Estimate
from rungwise.evidence.measure import Measurement, Metric
from rungwise.findings import Column, Findings, Formula, Statement, Table
from rungwise.records.record import Record
from rungwise.training.trial import PerceptronTrial


class Settings(ChapterSettings):
    kind: Literal["perceptrons"] = "perceptrons"
    pairs: tuple[tuple[int, int], ...] | Literal["all"] = Field(
        ((1, 0), (8, 3), (4, 9), (8, 7), (2, 9)), validate_default=True
    )
    """[positive, negative] labels, or "all"."""
    rule: Literal["batch", "online"] = "batch"
    """batch: one update from all misclassified images per iteration; online: Rosenblatt's, image by image,
    where an iteration is an epoch."""
    rate: float = Field(0.01, gt=0)
    iterations: int = Field(1000, ge=1)
    tolerance: float = Field(1e-3, ge=0, lt=1)
    """Training stops at this training error (a fraction) or below."""
    gap_threshold: float = Field(0.05, gt=0, lt=1)
    """Training minus test accuracy above which a pair is called overfitted."""

    @field_validator("pairs", mode="before")
    @classmethod
    def _known(cls, pairs: Any, info: ValidationInfo) -> Any:
        data: Data | None = info.data.get("data")
        if pairs == "all" or data is None:
            return pairs
        if not _are_pairs(pairs):
            raise ValueError(
                f'expected "all" or a list of [positive, negative] labels, as [[8, 3], [4, 9]]; got {pairs!r}'
            )
        labels = ", ".join(f"{label} ({name})" for label, name in enumerate(data.classes))
        for pair in pairs:
            if not all(0 <= label < len(data.classes) for label in pair):
                raise ValueError(f"{data.source} has no such pair of labels as {list(pair)}; its labels: {labels}")
            if pair[0] == pair[1]:
                raise ValueError(f"the pair {list(pair)} names one class twice; choose two of: {labels}")
        if len({tuple(pair) for pair in pairs}) < len(pairs):
            raise ValueError("a pair is listed twice; list each once")
        return pairs

    @property
    def label_pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs as labels, "all" written out."""
        if self.pairs == "all":
            return tuple(itertools.combinations(range(len(self.data.classes)), 2))
        return self.pairs


def _are_pairs(pairs: Any) -> bool:
    return (
        isinstance(pairs, list | tuple)
        and len(pairs) > 0
        and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs)
        and all(type(label) is int for pair in pairs for label in pair)
    )


def trials(settings: Settings, seeds: tuple[int, ...]) -> tuple[PerceptronTrial, ...]:
    """One per pair and seed."""
    names = settings.data.classes
    return tuple(
        PerceptronTrial(
            label=f"{names[positive]} v {names[negative]}",
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


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of every pair of classes."""
    pairs = tuple(trial.label for trial in trials(settings, (0,)))
    return {
        "train_accuracy": Metric("share of the pair's training images classified right", pairs, "higher"),
        "test_accuracy": Metric("share of the pair's test images classified right", pairs, "higher"),
        "gap": Metric("training minus test accuracy", pairs, "lower"),
        "iterations": Metric("iterations until training stopped", pairs),
        "converged": Metric("whether the training error reached the tolerance: 1 or 0", pairs, "higher"),
        "range": Metric(
            f"range of the training error over the last {LAST} iterations of runs that did not converge", pairs, "lower"
        ),
        "fit_s": Metric("time of fitting, in seconds", pairs, "lower", timing=True),
    }


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    results = read_results(trials(settings, seeds), records)
    for key in metrics(settings):
        for result in results:
            ids = {seed: (record.id,) for seed, record in result.records.items()}
            yield from measurements(settings.name, key, result.name, result.values(key), ids)


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    """What the chapter shows."""
    planned = trials(settings, seeds)
    results = read_results(planned, records)
    done = [result for result in results if result.records]
    most = max((len(result.records) for result in results), default=0)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Perceptrons"),
        question="How far does a single hyperplane through pixel space get, on pairs of classes?",
        method=_method(settings),
        formulas=FORMULAS[settings.rule],
        statements=_statements(settings, done),
        tables=(_table(results, settings.name),),
        figures=perceptron_figures.figures(settings, done, several=most > 1),
        warnings=seed_warnings(most, len(planned), sum(len(result.records) for result in results)),
        seeds=most,
    )


DECISION = Formula(
    latex=r"\hat{y}(x) = \mathrm{sign}(w^\top x + b)",
    says=r"The perceptron's decision: $x$ are the pixels, $w$ the weights, $b$ the bias, and $y = \pm 1$ the "
    r"class.",
)
FORMULAS = {
    "batch": (
        DECISION,
        Formula(
            latex=r"w \leftarrow w + \eta \sum_{i \in M} y_i x_i, \quad b \leftarrow b + \eta \sum_{i \in M} "
            r"y_i, \quad M = \{i : y_i (w^\top x_i + b) \le 0\}",
            says=r"One iteration of the batch rule: all misclassified images $M$ at once, with learning rate "
            r"$\eta$.",
        ),
    ),
    "online": (
        DECISION,
        Formula(
            latex=r"w \leftarrow w + \eta y_i x_i, \quad b \leftarrow b + \eta y_i \quad "
            r"\text{if } y_i (w^\top x_i + b) \le 0",
            says=r"Rosenblatt's online rule: one image $i$ at a time, with learning rate $\eta$.",
        ),
    ),
}


def _method(settings: Settings) -> tuple[str, ...]:
    step = {
        "batch": "One iteration adds up all misclassified training images of the pair in one update.",
        "online": "One iteration is an epoch: each training image of the pair once, in a new random order, "
        "with an update after each mistake; its error is the share of mistakes made on the way.",
    }[settings.rule]
    size = f"the {settings.data.size:,} training images of {settings.data.source}"
    return (
        f"A perceptron for each of {len(settings.label_pairs)} pairs of classes (the first class of a pair "
        f"is the positive one), on all images of the pair among {size}, pixels scaled to [-1, 1]. Weights "
        f"and bias start standard normal. {step} The learning rate is {settings.rate:g}; training stops at a "
        f"training error of {settings.tolerance:g} or below, and after {settings.iterations:,} iterations in "
        "any case.",
        "The result is the last iterate, not the best one: where a pair is not linearly separable the "
        "weights never settle, and the accuracy depends on the iteration at which training happened to stop. "
        "The test set plays no part in training.",
    )


# Statements and table ---------------------------------------------------------------------------------------


def _statements(settings: Settings, done: list[Result]) -> tuple[Statement, ...]:
    if not done:
        return ()
    found = [*_convergence(settings, done)]
    easiest, hardest = (pick(done, key=lambda result: result.mean("test_accuracy")) for pick in (max, min))
    if len(done) > 1:
        found.append(
            Statement(
                text=f"The hardest pair is {hardest.name}, with a test accuracy of "
                f"{_told(hardest, 'test_accuracy')}; the easiest {easiest.name}, with "
                f"{_told(easiest, 'test_accuracy')}.",
                trials=(*hardest.ids, *easiest.ids),
            )
        )
    gaps = sorted(done, key=lambda result: -result.mean("gap"))
    above = [result for result in gaps if result.mean("gap") > settings.gap_threshold]
    found.append(
        Statement(
            text=f"The largest gap between training and test accuracy is {_told(gaps[0], 'gap')}, for "
            f"{gaps[0].name}: {'above' if above else 'not above'} the threshold of {settings.gap_threshold:g}"
            + (f", as for {len(above)} of {len(done)} pairs." if len(above) > 1 else "."),
            trials=tuple(trial for result in above or gaps[:1] for trial in result.ids),
        )
    )
    found += _unrest([result for result in done if result.unsettled])
    return tuple(found)


def _told(result: Result, key: str) -> str:
    found = result.estimate(key)
    assert found is not None
    return told(found)


def _median(by_result: Sequence[Mapping[int, float]]) -> str:
    """The median of all values, with its bootstrap interval over the seeds that all results have."""
    median = np.median([value for values in by_result for value in values.values()])
    seeds = sorted(set.intersection(*(set(values) for values in by_result)))
    found = bootstrap(np.array([[values[seed] for values in by_result] for seed in seeds]), np.median, resamples=1999)
    interval = f" (95% bootstrap interval over {len(seeds)} seeds {found[0]:.4f} to {found[1]:.4f})" if found else ""
    return f"{median:.4f}{interval}"


def _unrest(moving: list[Result]) -> list[Statement]:
    """How far the error still moved in the runs that never reached the tolerance."""
    if not moving:
        return []
    peak = max(moving, key=lambda result: result.most("late_peak"))
    restless = max(moving, key=lambda result: result.most("range"))
    ranges = [result.values("range") for result in moving]
    return [
        Statement(
            text=f"In the second half of a run the training error still rose to {peak.most('late_peak'):.3f} "
            f"at worst ({peak.name}): a run that had stopped there would have ended with that error.",
            trials=peak.ids,
        ),
        Statement(
            text=f"Where the tolerance is not reached, the last iterate moves: over the last {LAST} iterations of one "
            f"run the training error of {restless.name} ranged over {restless.most('range'):.3f}, the largest "
            f"range of all; the median over those pairs and seeds is {_median(ranges)}.",
            trials=tuple(trial for result in moving for trial in result.ids),
        ),
    ]


def _convergence(settings: Settings, done: list[Result]) -> list[Statement]:
    """Which pairs reached the tolerance in all their runs, in some, in none."""
    groups = {
        f"Converged, to a training error of at most {settings.tolerance:g}, in every run": [
            result for result in done if result.converged == len(result.records)
        ],
        f"Converged, to at most {settings.tolerance:g}, in some runs only": [
            result for result in done if 0 < result.converged < len(result.records)
        ],
        f"Not converged to {settings.tolerance:g} in any run of {settings.iterations:,} iterations": [
            result for result in done if result.converged == 0
        ],
    }
    found = []
    for says, group in groups.items():
        if not group:
            continue
        pairs = f"{len(group)} of {len(done)} pairs"
        names = ", ".join(result.name for result in group[:SHOWN]) + (", ..." if len(group) > SHOWN else "")
        found.append(
            Statement(text=f"{says}: {pairs} ({names}).", trials=tuple(t for result in group for t in result.ids))
        )
    return found


COLUMNS = (
    Column(key="pair", label="Pair"),
    Column(key="train_accuracy", label="Train accuracy", digits=4),
    Column(key="test_accuracy", label="Test accuracy", digits=4),
    Column(key="gap", label="Gap", digits=4),
    Column(key="iterations", label="Iterations", digits=0),
    Column(key="range", label=f"Range of training error, last {LAST}", digits=4),
    Column(key="fit_s", label="Time (s)", digits=2),
)


def _table(results: list[Result], chapter: str) -> Table:
    rows: list[tuple[str | Estimate | None, ...]] = []
    for result in results:
        numbers = [result.estimate(column.key) for column in COLUMNS[1:]]
        n = len(result.records)
        reached = ("yes" if result.converged else "no") if n == 1 else f"{result.converged} of {n}"
        rows.append((result.name, *numbers, reached if n else None))
    return Table(
        id=f"{chapter}-accuracy",
        caption="The last iterate of each pair, on all its training and test images.",
        columns=(*COLUMNS, Column(key="converged", label="Converged")),
        rows=tuple(rows),
    )
