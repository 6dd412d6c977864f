"""The figures of the chapter: errors, epochs, units and measures against width, and learning curves."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from rungwise.chapters.capacity.results import CapacityResults, WidthResult, of_labels
from rungwise.chapters.capacity.settings import Labels, Settings
from rungwise.chapters.drawing import missing, over_epochs, over_values
from rungwise.evidence.ranges import Scale
from rungwise.findings import Figure, Lines, Panel, Series

H = "hidden units h"
MEASURES = {
    "measure": "Theorem 2",
    "measure_frobenius": "Neyshabur et al. 2015",
    "measure_spectral": "Bartlett et al. 2017",
    "measure_pac_bayes": "PAC-Bayes 2018",
    "measure_l1": "Bartlett & Mendelson 2002",
    "parameters": "parameters",
}
CAPTIONS = {
    "error": "Share of the training and of the test images classified wrong, by width.",
    "epochs": "Epochs until training ended, by width.",
    "units": "Mean unit capacity and mean unit impact, by width.",
    "measures": "Measures of capacity and the bound, by width.",
}
LEARNING = {"learning": "Random labels being fitted: loss and accuracy by epoch."}
CURVES = 3
"""Widths whose learning curves are drawn: the smallest, the largest, and those evenly between."""

Kinds = dict[Labels, list[WidthResult]]
"""The results by kind of labels, and then by width."""


def figures(results: CapacityResults) -> tuple[Figure, ...]:
    settings = results.settings
    kinds = {labels: own for labels in settings.labels if (own := of_labels(results, labels))}
    if not kinds:
        return missing(settings.name, CAPTIONS | (LEARNING if "random" in settings.labels else {}))
    runs = "; the mean over seeds strong, the single runs faint" if results.most_seeds > 1 else ""
    name = settings.name
    return (
        _errors(kinds, name, runs),
        _epochs(kinds, name, runs),
        _units(kinds, name, runs),
        _measures(kinds, name, runs),
        *_learning(kinds.get("random", []), name, settings, runs),
    )


def _errors(kinds: Kinds, chapter: str, runs: str) -> Figure:
    panels: list[Panel] = [
        _panel(f"{labels.capitalize()} labels", (
            _series("training error", own, "train_error"), _series("test error", own, "test_error")
        ), kinds, scale="share")
        for labels, own in kinds.items()
    ]  # fmt: skip
    ends = "; ".join(f"{labels} labels {_ends(own, 'test_error')}" for labels, own in kinds.items())
    return Figure(
        id=f"{chapter}-error",
        caption=f"Share of the training and of the test images classified wrong, by width{runs}.",
        alt=f"Training and test error against the number of hidden units. Test error: {ends}.",
        panels=tuple(panels),
        columns=2,
    )


def _epochs(kinds: Kinds, chapter: str, runs: str) -> Figure:
    series = (_series(f"{labels} labels", own, "epochs") for labels, own in kinds.items())
    ends = "; ".join(f"{labels} labels {_ends(own, 'epochs', '.0f')}" for labels, own in kinds.items())
    return Figure(
        id=f"{chapter}-epochs",
        caption=f"Epochs until training ended, by the criterion or at the limit{runs}.",
        alt=f"Epochs until training ended against the number of hidden units: {ends}.",
        panels=(_panel("", series, kinds, y_label="epochs", log_y=True),),
    )


def _units(kinds: Kinds, chapter: str, runs: str) -> Figure:
    panels = []
    for key, title in (("unit_capacity", "Mean unit capacity"), ("unit_impact", "Mean unit impact")):
        own = [_series(f"{labels} labels", results, key) for labels, results in kinds.items()]
        first = next(iter(kinds.values()))
        root = tuple(first[0].mean(key) * math.sqrt(first[0].width / result.width) for result in first)
        line = Series(name="1/√h from the first point", x=tuple(float(r.width) for r in first), runs=(root,))
        panels.append(_panel(title, (*own, line), kinds, log_y=True))
    ends = "; ".join(
        f"{labels} labels, capacity {_ends(own, 'unit_capacity')}, impact {_ends(own, 'unit_impact')}"
        for labels, own in kinds.items()
    )
    return Figure(
        id=f"{chapter}-units",
        caption=f"Means over the hidden units of how far training moved their incoming weights, and of the norm of "
        f"their outgoing ones, on logarithmic axes{runs}. Steeper than 1/√h: the sum of squares over all units falls.",
        alt=f"Unit capacity and unit impact against the number of hidden units: {ends}.",
        panels=tuple(panels),
        columns=2,
    )


def _measures(kinds: Kinds, chapter: str, runs: str) -> Figure:
    panels = []
    for key, title in (("measure", "Measure (Theorem 2)"), ("bound", "Bound")):
        most = _most(kinds.values(), key)
        own = (_series(f"{labels} labels", results, key, most) for labels, results in kinds.items())
        panels.append(_panel(title, own, kinds))
    for labels, results in kinds.items():
        own = (_series(name, results, key, _most([results], key)) for key, name in MEASURES.items())
        panels.append(_panel(f"All measures, {labels} labels", own, kinds))
    ends = "; ".join(
        f"{labels} labels, measure {_ends(own, 'measure', '.1f')}, bound {_ends(own, 'bound', '.3g')}"
        for labels, own in kinds.items()
    )
    return Figure(
        id=f"{chapter}-measures",
        caption="Each divided by its largest value in the panel: the measure and the bound on both kinds of labels, "
        f"and the measure beside what earlier bounds grow with and the number of parameters{runs}.",
        alt=f"Measures of capacity against the number of hidden units: {ends}.",
        panels=tuple(panels),
        columns=2,
    )


def _most(groups: Iterable[Sequence[WidthResult]], key: str) -> float:
    """The largest value of all; 1 where there is none."""
    return max((v for results in groups for r in results for v in r.values(key).values()), default=1.0)


def _learning(own: Sequence[WidthResult], chapter: str, settings: Settings, runs: str) -> tuple[Figure, ...]:
    if not own:
        return missing(chapter, LEARNING) if "random" in settings.labels else ()
    places = sorted(set(np.linspace(0, len(own) - 1, CURVES).round().astype(int).tolist()))
    shown = [own[place] for place in places]
    panels = []
    for key, title in (("train_loss", "Training loss (nats)"), ("train_accuracy", "Training accuracy")):
        series = tuple(
            over_epochs(f"h = {result.width:,}", [record.history[key] for record in result.records.values()])
            for result in shown
        )
        loss = key == "train_loss"
        band = own[0].measures.band("positive" if loss else "share")
        panels.append(Lines(title=title, x_label="epoch", series=series, log_y=loss, **band))
    ends = "; ".join(f"h = {r.width:,} {r.mean('epochs'):.0f} epochs, error {r.mean('train_error'):.4f}" for r in shown)
    return (
        Figure(
            id=f"{chapter}-learning",
            caption=f"Random labels being fitted: means over the batches of each epoch, to a loss of "
            f"{settings.fit.stop_loss:g} or {settings.fit.epochs:,} epochs{runs}.",
            alt=f"Training loss and accuracy by epoch on random labels. They end after: {ends}.",
            panels=tuple(panels),
            columns=2,
        ),
    )


def _series(name: str, own: Sequence[WidthResult], key: str, divisor: float = 1.0) -> Series:
    """One curve per seed over the widths, NaN where a number is missing."""
    values = [{seed: value / divisor for seed, value in result.values(key).items()} for result in own]
    return over_values(name, [float(result.width) for result in own], values)


def _panel(
    title: str,
    series: Iterable[Series],
    kinds: Kinds,
    *,
    scale: Scale = "positive",
    y_label: str = "",
    log_y: bool = False,
) -> Lines:
    band = next(iter(kinds.values()))[0].measures.band(scale)
    own = tuple(series)
    return Lines(title=title, x_label=H, y_label=y_label, series=own, log_x=True, log_y=log_y, markers=True, **band)


def _ends(own: Sequence[WidthResult], key: str, form: str = ".4f") -> str:
    """ "0.1097 at h = 64, 0.1002 at h = 4,096"."""
    ends = dict.fromkeys((own[0], own[-1]))
    return ", ".join(f"{result.mean(key):{form}} at h = {result.width:,}" for result in ends)
