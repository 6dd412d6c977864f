"""Seeing: what the filters of one CNN answer to, and what it dreams of each class."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import model_validator

from rungwise.chapters import seeing_figures
from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.common import counted, heading, measurements, seed_warnings, told
from rungwise.chapters.seeing_views import DEPTH, View, depth, layer, read_views
from rungwise.evidence.estimate import Estimate, estimate
from rungwise.evidence.measure import Measurement, Metric
from rungwise.findings import Cell, Column, Findings, Formula, Statement, Table
from rungwise.insight.dreams import DreamSettings
from rungwise.insight.seeing import STARTS, VIEWERS, SeeingTrial
from rungwise.models.cnn import CnnSettings
from rungwise.records.record import Record
from rungwise.training.trial import Fit, Recipe


class Settings(ChapterSettings):
    kind: Literal["seeing"] = "seeing"
    model: str = "CNN-1"
    """What the net is called, as in the chapter on CNNs."""
    net: CnnSettings
    fit: Recipe
    classes: tuple[int, int] = (2, 9)
    """The labels of the two classes whose first test images are shown; the first is a start of dreams too."""
    dream: DreamSettings = DreamSettings()

    @model_validator(mode="after")
    def _two_classes(self) -> "Settings":
        known = range(len(self.data.classes))
        if len(set(self.classes)) < 2 or not set(self.classes) <= set(known):
            raise ValueError(f"classes must be two different labels from 0 to {known[-1]}, got {list(self.classes)}")
        return self

    def origin(self, start: str) -> str:
        """What the dreams of a start climb from, in words."""
        return "noise" if start == "noise" else f"the {self.data.classes[self.classes[0]]}"


def trials(settings: Settings, seeds: tuple[int, ...]) -> tuple[SeeingTrial, ...]:
    """One per seed. Its judge is the net of the next seed, and that of the last the net of the first."""

    def fit(seed: int) -> Fit:
        return Fit(label=settings.model, data=settings.data, seed=seed, net=settings.net, fit=settings.fit)

    judges = (*seeds[1:], seeds[0]) if len(seeds) > 1 else tuple(seed + 1 for seed in seeds)
    return tuple(
        SeeingTrial(
            label=f"inside {settings.model}",
            data=settings.data,
            seed=seed,
            net=fit(seed),
            judge=fit(judge),
            classes=settings.classes,
            dream=settings.dream,
        )
        for seed, judge in zip(seeds, judges, strict=True)
    )


DREAMS = {start: f"dreams from {'noise' if start == 'noise' else 'the image'}" for start in STARTS}
"""What the metrics call the dreams, by their start."""


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of the net's layers, and of its dreams."""
    layers = tuple(map(layer, range(len(settings.net.filters))))
    dreams = tuple(DREAMS.values())
    return {
        "sparsity": Metric("share of zeros among the layer's activations", layers),
        "dark_share": Metric("share of filters that are dark for an image shown, mean of the two", layers),
        "dead_share": Metric("share of filters that are dark for every test image", layers),
        "selectivity": Metric("class selectivity, mean over the filters that are not dead", layers),
        "net_share": Metric("share of the dreams that the net classifies as the class aimed at", dreams, "higher"),
        "judge_share": Metric("share of the dreams that the judge classifies as the class aimed at", dreams, "higher"),
        "net_probability": Metric("mean probability that the net gives the class aimed at", dreams, "higher"),
        "judge_probability": Metric("mean probability that the judge gives the class aimed at", dreams, "higher"),
    }


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    views = read_views(trials(settings, seeds), records, len(settings.net.filters))
    numbers = {view.trial.seed: _numbers(view) for view in views}
    ids = {view.trial.seed: (view.record.id,) for view in views}
    for name, metric in metrics(settings).items():
        for model in metric.models:
            values = {seed: own[name][model] for seed, own in numbers.items()}
            yield from measurements(settings.name, name, model, values, ids)


def _numbers(view: View) -> dict[str, dict[str, float]]:
    """Each of `metrics` for one seed, by model; NaN where undefined."""
    numbers = {name: {layer(i): value for i, value in enumerate(view.depth(name).tolist())} for name in DEPTH}
    for viewer in VIEWERS:
        passed, aimed = (
            {dreams: float(what(viewer, start).mean()) for start, dreams in DREAMS.items()}
            for what in (view.passed, view.aimed)
        )
        numbers |= {f"{viewer}_share": passed, f"{viewer}_probability": aimed}
    return numbers


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    planned = trials(settings, seeds)
    views = read_views(planned, records, len(settings.net.filters))
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, f"Seeing inside {settings.model}"),
        question="What do the filters answer to, do they specialise with depth, and what does the net dream of?",
        method=_method(settings),
        formulas=FORMULAS,
        statements=(*_depth_statements(settings, views), *_dream_statements(settings, views)),
        tables=(_layer_table(settings, views), _dream_table(settings, views)),
        figures=seeing_figures.figures(settings, views, records),
        warnings=seed_warnings(len(views), len(planned), len(views)),
        seeds=len(views),
    )


# What was done -------------------------------------------------------------------------------------------------

FORMULAS = (
    Formula(
        latex=r"s_l = \frac{1}{N F_l P_l} \sum_{n=1}^{N} \sum_{f=1}^{F_l} \sum_{p=1}^{P_l} [\, a_{nfp} = 0 \,]",
        says="Sparsity of layer $l$: the share of zeros among the activations $a_{nfp}$ of its $F_l$ filters at their "
        "$P_l$ places for $N$ test images.",
    ),
    Formula(
        latex=r"\sigma_f = \frac{\mu_{\max} - \mu_{\mathrm{rest}}}{\mu_{\max} + \mu_{\mathrm{rest}}}",
        says=r"Class selectivity of filter $f$ (Morcos et al. 2018): $\mu_{\max}$ is its mean activation for the "
        r"class that excites it most, $\mu_{\mathrm{rest}}$ the mean over all other classes. 0: it answers to all "
        "classes alike; 1: to one alone. A layer's value is the mean over its filters that are not dead.",
    ),
    Formula(
        latex=r"J_c(x) = z_c(\tau x) - \gamma V(x), \qquad "
        r"V(x) = \frac{1}{P} \sum_{i,j} \left( (x_{i+1,j} - x_{i,j})^2 + (x_{i,j+1} - x_{i,j})^2 \right)",
        says=r"What a dream of class $c$ climbs: the logit $z_c$ of the image $x$ under a random shift $\tau$, less "
        r"$\gamma$ times its total variation $V$ over its $P$ pixels.",
    ),
    Formula(
        latex=r"x \leftarrow \min\left(1, \max\left(-1,\; x + \eta\, U \frac{g}{\mathrm{rms}(g)} \right)\right), "
        r"\qquad g = U^\top \nabla_x J_c(x)",
        says=r"One step of size $\eta$. $U$ enlarges an image of the scale's side to the net's input (bilinear).",
    ),
)


def _method(settings: Settings) -> tuple[str, ...]:
    names, dream = settings.data.classes, settings.dream
    first, second = (names[label] for label in settings.classes)
    filters = ", ".join(map(str, settings.net.filters))
    return (
        f"{settings.model} (convolutions with {filters} filters of {settings.net.kernel} × {settings.net.kernel}) was "
        f"fitted to {settings.data.size:,} images of {settings.data.source} for "
        f"{counted(settings.fit.epochs, 'epoch')}, and then looked into. The maps are those of the first test image "
        f"of class {first} and of class {second}, after the ReLU. A filter is dark for an image where its map is 0 "
        "everywhere, and dead where it is dark for every test image.",
        f"Each of the {len(names)} classes was dreamt of by gradient ascent on its logit, from two starts: noise "
        f"(standard deviation {dream.noise:g} about grey) and the {first} shown. At each of the scales "
        f"{', '.join(map(str, dream.scales))} (the sides at which the image is changed) the ascent takes {dream.steps} "
        f"steps of η = {dream.rate:g}, each under a new random shift of up to {dream.jitter} pixels, with "
        f"γ = {dream.smoothness:g} on the total variation. Pixels stay in [-1, 1].",
        "The judge is a net of the same kind from another seed: other initial weights, another order, and its own draw "
        "of images where the seed draws them. It has no part in the ascent. A start is the same for all classes, so "
        f"that unchanged it would pass as the class aimed at for one of the {len(names)}.",
    )


# Statements ----------------------------------------------------------------------------------------------------


def _depth_statements(settings: Settings, views: Sequence[View]) -> tuple[Statement, ...]:
    count = len(settings.net.filters)
    if not views or count < 2:
        return ()
    statements = []
    for name, words in DEPTH.items():
        values = depth(views, name)
        defined = values[np.isfinite(values).all(axis=1)]
        change = estimate(defined[:, -1] - defined[:, 0])
        if change is None:
            continue
        first, last = defined[:, 0].mean(), defined[:, -1].mean()
        rising = int((np.diff(defined, axis=1) > 0).all(axis=1).sum())
        text = (
            f"From {layer(0)} to {layer(count - 1)}, {words} goes from {first:.3f} to {last:.3f}, a change of "
            f"{told(change)}{_doubt(change)}; it rises at every layer in {rising} of "
            f"{counted(len(defined), 'net')}."
        )
        statements.append(Statement(text=text, trials=_ids(views)))
    return tuple(statements)


def _doubt(change: Estimate) -> str:
    if change.interval is None or not change.interval[0] <= 0 <= change.interval[1]:
        return ""
    return ", which cannot be told from no change"


def _dream_statements(settings: Settings, views: Sequence[View]) -> tuple[Statement, ...]:
    if not views:
        return ()
    aims = np.arange(len(settings.data.classes))
    total = len(aims) * len(views)
    statements = []
    for start in STARTS:
        net, judge = (sum(int(v.passed(w, start).sum()) for v in views) for w in VIEWERS)
        net_before, judge_before = (
            sum(int((v.before(w, start).argmax() == aims).sum()) for v in views) for w in ("net", "judge")
        )
        trust = estimate(view.aimed("judge", start).mean() for view in views)
        assert trust is not None
        text = (
            f"Of {total} dreams from {settings.origin(start)}, {settings.model} classifies {net} as the class "
            f"aimed at, and the judge, which had no part in them, {judge}; unchanged, the start would pass "
            f"{net_before} and {judge_before} times. "
            f"The judge's mean probability of the class aimed at is {told(trust)}."
        )
        statements.append(Statement(text=text, trials=_ids(views)))
    return tuple(statements)


def _ids(views: Sequence[View]) -> tuple[str, ...]:
    return tuple(view.record.id for view in views)


# Tables --------------------------------------------------------------------------------------------------------


def _layer_table(settings: Settings, views: Sequence[View]) -> Table:
    count = len(settings.net.filters)
    darks = [f"dark_{label}" for label in settings.classes]

    def row(i: int) -> tuple[Cell, ...]:
        def cell(name: str) -> Estimate | None:
            values = [view.layers(name)[i] for view in views]
            return estimate(value for value in values if np.isfinite(value))

        numbers = [cell(name) for name in (*darks, "dead", "sparsity", "selectivity")]
        return (layer(i), settings.net.filters[i], *numbers)

    names = [settings.data.classes[label] for label in settings.classes]
    return Table(
        id=f"{settings.name}-layers",
        caption=f"The filters of {settings.model} by layer. Dead, sparsity and class selectivity are over all test "
        "images.",
        columns=(
            Column(key="layer", label="Layer"),
            Column(key="filters", label="Filters"),
            *(
                Column(key=dark, label=f"Dark for the {name}", digits=1)
                for dark, name in zip(darks, names, strict=True)
            ),
            Column(key="dead", label="Dead", digits=1),
            Column(key="sparsity", label="Sparsity", digits=3),
            Column(key="selectivity", label="Class selectivity", digits=3),
        ),
        rows=tuple(row(i) for i in range(count)),
    )


def _dream_table(settings: Settings, views: Sequence[View]) -> Table:
    names = settings.data.classes

    def row(start: str, c: int) -> tuple[Cell, ...]:
        said = Counter(names[view.said("judge", start)[c]] for view in views)
        verdict = ", ".join(f"{name} ({n} of {len(views)})" for name, n in said.most_common())
        return (
            settings.origin(start),
            names[c],
            estimate(view.aimed("net", start)[c] for view in views),
            (next(iter(said)) if len(views) == 1 else verdict) if views else None,
            estimate(view.aimed("judge", start)[c] for view in views),
            estimate(view.before("net", start)[c] for view in views),
            estimate(view.before("judge", start)[c] for view in views),
        )

    return Table(
        id=f"{settings.name}-dreams",
        caption="What the net and the judge say of each dream, as probabilities of the class aimed at, and of the "
        "start that it climbed from.",
        columns=(
            Column(key="start", label="From"),
            Column(key="class", label="Class aimed at"),
            Column(key="net", label="Net", digits=3),
            Column(key="judge_says", label="The judge says"),
            Column(key="judge", label="Judge", digits=3),
            Column(key="net_before", label="Net, of the start", digits=3),
            Column(key="judge_before", label="Judge, of the start", digits=3),
        ),
        rows=tuple(row(start, c) for start in STARTS for c in range(len(names))),
    )
