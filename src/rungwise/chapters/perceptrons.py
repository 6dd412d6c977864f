"""Perceptrons: the simplest learner on pairs of classes, and how its last iterate behaves."""

import itertools
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.common import seed_warnings, told
from rungwise.data.source import Data
from rungwise.evidence.estimate import Estimate, estimate
from rungwise.findings import (
    Bars,
    Column,
    Figure,
    Findings,
    Formula,
    Heatmap,
    Images,
    Level,
    Lines,
    Series,
    Statement,
    Table,
    Tile,
)
from rungwise.records.record import Record
from rungwise.training.trial import PerceptronTrial

SHOWN = 10
"""Pairs that a figure shows at most, the hardest first; the tables have all."""

LAST = 50
"""Iterations over which the report looks at how the last iterate moves."""


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


class Result(NamedTuple):
    """One pair with the records it has, by seed."""

    name: str
    positive: int
    negative: int
    records: tuple[Record, ...]

    def values(self, key: str) -> list[float]:
        """One number per seed."""
        if key == "gap":
            return [r.summary["train_accuracy"] - r.summary["test_accuracy"] for r in self.records]
        if key == "fit_s":
            return [r.timings["fit_s"] for r in self.records]
        if key == "range":  # of runs that reached the tolerance the last iterate is settled, and this means nothing
            return [float(np.ptp(curve[-LAST:])) for curve in self.unsettled]
        if key == "late_peak":
            return [max(curve[len(curve) // 2 :]) for curve in self.unsettled]
        return [r.summary[key] for r in self.records]

    def mean(self, key: str) -> float:
        return float(np.mean(self.values(key)))

    def told(self, key: str, digits: int = 3) -> str:
        found = estimate(self.values(key))
        assert found is not None
        return told(found, digits)

    @property
    def unsettled(self) -> list[list[float]]:
        """The error curves of the runs that were stopped before they reached the tolerance."""
        return [record.history["error"] for record in self.records if not record.summary["converged"]]

    @property
    def converged(self) -> int:
        """The number of seeds that reached the tolerance."""
        return int(sum(self.values("converged")))

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(record.id for record in self.records)


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


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    """What the chapter shows."""
    planned = trials(settings, seeds)
    results = _results(planned, records)
    # A stable order for the figures: hardest first where not all can be shown, else as the study lists them.
    done = [result for result in results if result.records]
    shown = done if len(done) <= SHOWN else sorted(done, key=lambda result: result.mean("test_accuracy"))[:SHOWN]
    most = max((len(result.records) for result in results), default=0)
    return Findings(
        kind=settings.kind,
        title="Perceptrons",
        question="How far does a single hyperplane through pixel space get, on pairs of classes?",
        method=_method(settings),
        formulas=FORMULAS[settings.rule],
        statements=_statements(settings, done),
        tables=(_table(results),),
        figures=_figures(settings, done, shown, several=most > 1),
        warnings=seed_warnings(most, len(planned), sum(len(result.records) for result in results)),
        seeds=most,
    )


def _results(planned: tuple[PerceptronTrial, ...], records: Mapping[str, Record]) -> list[Result]:
    results = []
    for (positive, negative), group in itertools.groupby(planned, lambda trial: (trial.positive, trial.negative)):
        own = list(group)
        kept = tuple(records[trial.id] for trial in own if trial.id in records)
        results.append(Result(own[0].label, positive, negative, kept))
    return results


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
                f"{hardest.told('test_accuracy')}; the easiest {easiest.name}, with "
                f"{easiest.told('test_accuracy')}.",
                trials=(*hardest.ids, *easiest.ids),
            )
        )
    gaps = sorted(done, key=lambda result: -result.mean("gap"))
    above = [result for result in gaps if result.mean("gap") > settings.gap_threshold]
    found.append(
        Statement(
            text=f"The largest gap between training and test accuracy is {gaps[0].told('gap')}, for "
            f"{gaps[0].name}: {'above' if above else 'not above'} the threshold of {settings.gap_threshold:g}"
            + (f", as for {len(above)} of {len(done)} pairs." if len(above) > 1 else "."),
            trials=tuple(trial for result in above or gaps[:1] for trial in result.ids),
        )
    )
    found += _unrest([result for result in done if result.unsettled])
    return tuple(found)


def _unrest(moving: list[Result]) -> list[Statement]:
    """How far the error still moved in the runs that never reached the tolerance."""
    if not moving:
        return []
    peak = max(moving, key=lambda result: max(result.values("late_peak")))
    restless = max(moving, key=lambda result: max(result.values("range")))
    return [
        Statement(
            text=f"In the second half of a run the training error still rose to {max(peak.values('late_peak')):.3f} "
            f"at worst ({peak.name}): a run that had stopped there would have ended with that error.",
            trials=peak.ids,
        ),
        Statement(
            text=f"Where the tolerance is not reached, the last iterate moves: over the last {LAST} iterations of one "
            f"run the training error of {restless.name} ranged over {max(restless.values('range')):.3f}, the largest "
            f"range of all; the median over those pairs and seeds is "
            f"{np.median([v for result in moving for v in result.values('range')]):.4f}.",
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


def _table(results: list[Result]) -> Table:
    rows: list[tuple[str | Estimate | None, ...]] = []
    for result in results:
        numbers = [estimate(result.values(column.key)) for column in COLUMNS[1:]]
        n = len(result.records)
        reached = ("yes" if result.converged else "no") if n == 1 else f"{result.converged} of {n}"
        rows.append((result.name, *numbers, reached if n else None))
    return Table(
        id="perceptrons-accuracy",
        caption="The last iterate of each pair, on all its training and test images.",
        columns=(*COLUMNS, Column(key="converged", label="Converged")),
        rows=tuple(rows),
    )


# Figures ----------------------------------------------------------------------------------------------------


def _figures(settings: Settings, done: list[Result], shown: list[Result], several: bool) -> tuple[Figure, ...]:
    if not done:
        return ()
    of = "" if len(shown) == len(done) else f" The {len(shown)} hardest of {len(done)} pairs are shown."
    first = of + (" The first seed is shown." if several else "")
    figures = [
        _samples(shown, first),
        _curves(settings, shown, of),
        _weights(shown, first),
        _gaps(settings, done),
    ]
    if len(done) > SHOWN:
        figures.append(_heatmap(settings.data.classes, done))
    return tuple(figures)


def _samples(shown: list[Result], note: str) -> Figure:
    panels = []
    for result in shown:
        arrays = result.records[0].arrays
        images = (*arrays["positive_samples"], *arrays["negative_samples"])
        tiles = tuple(Tile(pixels=_picture(image)) for image in images)
        panels.append(Images(title=result.name, tiles=tiles, columns=len(tiles)))
    return Figure(
        id="perceptrons-samples",
        caption=f"Training images of each pair, the positive class first.{note}",
        alt=f"Sample images of the pairs {', '.join(result.name for result in shown)}.",
        panels=tuple(panels),
    )


def _curves(settings: Settings, shown: list[Result], note: str) -> Figure:
    level = Level(name="tolerance", values=(settings.tolerance,))
    panels = []
    for result in shown:
        runs = tuple(tuple(record.history["error"]) for record in result.records)
        x = tuple(float(t) for t in range(1, max(map(len, runs)) + 1))
        panels.append(
            Lines(
                title=result.name,
                x_label="iteration" if settings.rule == "batch" else "epoch",
                y_label="training error",
                series=(Series(name="training error", x=x, runs=runs),),
                levels=(level,) if settings.tolerance > 0 else (),
                log_y=True,
            )
        )
    ends = "; ".join(f"{r.name} ends at {np.mean([c.history['error'][-1] for c in r.records]):.4f}" for r in shown)
    return Figure(
        id="perceptrons-error",
        caption=f"Share of the training images misclassified at each iteration; training stops at the line.{note}",
        alt=f"Training-error curves, on a logarithmic scale: {ends}.",
        panels=tuple(panels),
        columns=2,
    )


def _weights(shown: list[Result], note: str) -> Figure:
    tiles = tuple(Tile(pixels=_picture(r.records[0].arrays["weights"]), title=r.name) for r in shown)
    return Figure(
        id="perceptrons-weights",
        caption="Final weights as images: ink on positive pixels speaks for the first class of the pair, on "
        f"negative pixels for the second.{note}",
        alt=f"Heatmaps of signed weights for {', '.join(result.name for result in shown)}.",
        panels=(Images(tiles=tiles, columns=5, colours="diverging"),),
    )


def _gaps(settings: Settings, done: list[Result]) -> Figure:
    shown = done if len(done) <= SHOWN else sorted(done, key=lambda result: -result.mean("gap"))[:SHOWN]
    of = "" if len(shown) == len(done) else f" The {len(shown)} largest of {len(done)} are shown."
    ends = "; ".join(f"{result.name} {result.mean('gap'):.4f}" for result in shown)
    return Figure(
        id="perceptrons-gap",
        caption=f"Training minus test accuracy against the threshold of {settings.gap_threshold:g}.{of}",
        alt=f"Bars of training minus test accuracy: {ends}.",
        panels=(
            Bars(
                x_label="training minus test accuracy",
                names=tuple(result.name for result in shown),
                values=tuple(tuple(result.values("gap")) for result in shown),
                levels=(Level(name="threshold", values=(settings.gap_threshold,)),),
            ),
        ),
    )


def _heatmap(names: tuple[str, ...], done: list[Result]) -> Figure:
    values = np.full((len(names), len(names)), np.nan)
    for r in done:
        values[r.positive, r.negative] = values[r.negative, r.positive] = r.mean("test_accuracy")
    low, high = (pick(done, key=lambda r: r.mean("test_accuracy")) for pick in (min, max))
    return Figure(
        id="perceptrons-heatmap",
        caption="Test accuracy of each pair, the mean over its seeds.",
        alt=f"Heatmap of test accuracies, from {low.mean('test_accuracy'):.3f} ({low.name}) to "
        f"{high.mean('test_accuracy'):.3f} ({high.name}).",
        panels=(Heatmap(rows=names, columns=names, values=values, digits=3),),
    )


def _picture(image: np.ndarray) -> np.ndarray:
    """(C, H, W) -> (H, W): the mean over channels."""
    picture: np.ndarray = image[0] if len(image) == 1 else image.mean(axis=0).astype(image.dtype)
    return picture
