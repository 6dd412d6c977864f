"""Seeing: what the filters of one CNN answer to, and what it dreams of each class."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from pydantic import model_validator

from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.common import seed_warnings, told
from rungwise.evidence.estimate import Estimate, estimate
from rungwise.findings import (
    Cell,
    Column,
    Figure,
    Findings,
    Formula,
    Images,
    Lines,
    Panel,
    Series,
    Statement,
    Table,
    Tile,
)
from rungwise.insight.activations import mosaic
from rungwise.insight.dreams import DreamSettings
from rungwise.insight.seeing import STARTS, SeeingTrial, key
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


class View(NamedTuple):
    """One seed's trial and its record."""

    trial: SeeingTrial
    record: Record

    def layers(self, name: str, count: int) -> list[float]:
        """A number of the summary for each layer; NaN where it is undefined."""
        return [self.record.summary.get(key(name, layer(i)), float("nan")) for i in range(count)]

    def aimed(self, viewer: str, start: str) -> np.ndarray:
        """The probability that the net or the judge gives the class aimed at, (classes,)."""
        return np.asarray(np.diagonal(self.record.arrays[key(viewer, "dreams", start)]))

    def said(self, viewer: str, start: str) -> np.ndarray:
        """The label that the net or the judge gives each dream, (classes,)."""
        return np.asarray(self.record.arrays[key(viewer, "dreams", start)].argmax(1))

    def before(self, viewer: str, start: str) -> np.ndarray:
        """The probabilities that the net or the judge gives the start, (classes,)."""
        return np.asarray(self.record.arrays[key(viewer, "start", start)])


def layer(number: int) -> str:
    """The name of a layer as the net has it; the first is 0."""
    return f"convolution {number + 1}"


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


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    planned = trials(settings, seeds)
    views = [View(trial, records[trial.id]) for trial in planned if trial.id in records]
    return Findings(
        kind=settings.kind,
        title=f"Seeing inside {settings.model}",
        question="What do the filters answer to, do they specialise with depth, and what does the net dream of?",
        method=_method(settings),
        formulas=FORMULAS,
        statements=(*_depth_statements(settings, views), *_dream_statements(settings, views)),
        tables=(_layer_table(settings, views), _dream_table(settings, views)),
        figures=_figures(settings, views, records),
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
        f"fitted to {settings.data.size:,} images of {settings.data.source} for {settings.fit.epochs} "
        f"{_plural('epoch', settings.fit.epochs)}, and then looked into. The maps are those of the first test image "
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


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


# Statements ----------------------------------------------------------------------------------------------------


def _depth(settings: Settings, views: Sequence[View]) -> dict[str, np.ndarray]:
    """By what it is called, each quantity of claim S1 by run and layer, (runs, layers)."""
    count = len(settings.net.filters)

    def rows(name: str) -> np.ndarray:
        return np.array([view.layers(name, count) for view in views])

    filters = rows("filters")
    dark = sum(rows(f"dark_{label}") for label in settings.classes) / len(settings.classes)
    return {
        "sparsity": rows("sparsity"),
        "the share of filters that stay dark for an image (the mean of the two)": dark / filters,
        "the share of dead filters": rows("dead") / filters,
        "class selectivity": rows("selectivity"),
    }


def _depth_statements(settings: Settings, views: Sequence[View]) -> tuple[Statement, ...]:
    count = len(settings.net.filters)
    if not views or count < 2:
        return ()
    statements = []
    for name, values in _depth(settings, views).items():
        defined = values[np.isfinite(values).all(axis=1)]
        change = estimate(defined[:, -1] - defined[:, 0])
        if change is None:
            continue
        first, last = defined[:, 0].mean(), defined[:, -1].mean()
        rising = int((np.diff(defined, axis=1) > 0).all(axis=1).sum())
        text = (
            f"From {layer(0)} to {layer(count - 1)}, {name} goes from {first:.3f} to {last:.3f}, a change of "
            f"{told(change)}{_doubt(change)}; it rises at every layer in {rising} of {len(defined)} "
            f"{_plural('net', len(defined))}."
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
    classes = len(settings.data.classes)
    aims = np.arange(classes)
    total = classes * len(views)
    statements = []
    for start in STARTS:
        net, judge = (sum(int((v.said(w, start) == aims).sum()) for v in views) for w in ("net", "judge"))
        net_before, judge_before = (
            sum(int((v.before(w, start).argmax() == aims).sum()) for v in views) for w in ("net", "judge")
        )
        trust = estimate(view.aimed("judge", start).mean() for view in views)
        assert trust is not None
        text = (
            f"Of {total} dreams from {_start_name(settings, start)}, {settings.model} classifies {net} as the class "
            f"aimed at, and the judge, which had no part in them, {judge}; unchanged, the start would pass "
            f"{net_before} and {judge_before} times. "
            f"The judge's mean probability of the class aimed at is {told(trust)}."
        )
        statements.append(Statement(text=text, trials=_ids(views)))
    return tuple(statements)


def _start_name(settings: Settings, start: str) -> str:
    return "noise" if start == "noise" else f"the {settings.data.classes[settings.classes[0]]}"


def _ids(views: Sequence[View]) -> tuple[str, ...]:
    return tuple(view.record.id for view in views)


# Tables --------------------------------------------------------------------------------------------------------


def _layer_table(settings: Settings, views: Sequence[View]) -> Table:
    count = len(settings.net.filters)
    darks = [f"dark_{label}" for label in settings.classes]

    def row(i: int) -> tuple[Cell, ...]:
        def cell(name: str) -> Estimate | None:
            values = [view.layers(name, count)[i] for view in views]
            return estimate(value for value in values if np.isfinite(value))

        numbers = [cell(name) for name in (*darks, "dead", "sparsity", "selectivity")]
        return (layer(i), settings.net.filters[i], *numbers)

    names = [settings.data.classes[label] for label in settings.classes]
    return Table(
        id="seeing-layers",
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
            _start_name(settings, start),
            names[c],
            estimate(view.aimed("net", start)[c] for view in views),
            (next(iter(said)) if len(views) == 1 else verdict) if views else None,
            estimate(view.aimed("judge", start)[c] for view in views),
            estimate(view.before("net", start)[c] for view in views),
            estimate(view.before("judge", start)[c] for view in views),
        )

    return Table(
        id="seeing-dreams",
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


# Figures -------------------------------------------------------------------------------------------------------


def _figures(settings: Settings, views: Sequence[View], records: Mapping[str, Record]) -> tuple[Figure, ...]:
    """Pictures are of the first seed that has finished; curves are of all."""
    if not views:
        return ()
    view = views[0]
    shown = f" The net of seed {view.trial.seed}." if len(views) > 1 else ""
    fitted = records.get(view.trial.net.id)
    return (
        *((_filters(settings, fitted, shown),) if fitted is not None and fitted.weights else ()),  # copied without them
        *(_maps(settings, view, label, shown) for label in settings.classes),
        _by_layer(settings, views),
        *(_dreams(settings, view, start, shown) for start in STARTS),
    )


def _filters(settings: Settings, fitted: Record, shown: str) -> Figure:
    panels, sizes = [], []
    for i in range(len(settings.net.filters)):
        kernels = np.asarray(fitted.weights[f"trunk.convolutions.{i}.weight"])  # (F, C, k, k)
        filters, inputs = kernels.shape[:2]
        sizes.append(f"{layer(i)}: {filters} filters over {inputs} {_plural('input', inputs)}")
        tiles = tuple(Tile(pixels=mosaic(kernel)) for kernel in kernels)
        panels.append(Images(title=sizes[-1], tiles=tiles, columns=16, colours="diverging"))
    return Figure(
        id="seeing-filters",
        caption="Every filter, one tile each, with one slice for each of its inputs. Red weights are positive, blue "
        f"ones negative, on one scale per filter.{shown}",
        alt=f"The weights of every filter as small images. {'; '.join(sizes)}.",
        panels=tuple(panels),
    )


def _maps(settings: Settings, view: View, label: int, shown: str) -> Figure:
    name = settings.data.classes[label]
    arrays, summary = view.record.arrays, view.record.summary
    image = arrays[key("image", label)].mean(0).astype(np.uint8)  # one channel, or the mean of several
    panels: list[Panel] = [Images(title=f"The {name}", tiles=(Tile(pixels=image),), columns=1)]
    for i, filters in enumerate(settings.net.filters):
        maps = arrays[key("maps", label, layer(i))]
        title = f"{layer(i)}: {filters} maps, {summary[key('dark', label, layer(i))]:.0f} of them dark"
        tiles = tuple(Tile(pixels=each) for each in maps)
        panels.append(Images(title=title, tiles=tiles, columns=16, colours="heat"))
    return Figure(
        id=f"seeing-maps-{label}",
        caption=f"The first test image of class {name}, and the map of every filter for it. Black is 0; one scale per "
        f"layer.{shown}",
        alt=f"Activation maps for an image of class {name}. {'; '.join(panel.title for panel in panels[1:])}.",
        panels=tuple(panels),
    )


def _by_layer(settings: Settings, views: Sequence[View]) -> Figure:
    count = len(settings.net.filters)

    def curves(legend: str, name: str, *, share: bool = False) -> Series:
        rows = [np.divide(view.layers(name, count), settings.net.filters if share else 1).tolist() for view in views]
        return Series(name=legend, x=tuple(range(1, count + 1)), runs=tuple(map(tuple, rows)))

    dark = tuple(
        curves(f"the {settings.data.classes[label]} shown", f"dark_{label}", share=True) for label in settings.classes
    )
    everything = "all test images"
    drawn = {
        "Sparsity": (curves(everything, "sparsity"),),
        "Share of filters that stay dark": (*dark, curves(everything, "dead", share=True)),
        "Class selectivity": (curves(everything, "selectivity"),),
    }
    means = "; ".join(
        f"{name}: {', '.join(map(_number, values.mean(axis=0)))}" for name, values in _depth(settings, views).items()
    )
    return Figure(
        id="seeing-layers-figure",
        caption="How sparse, how dark and how selective each layer is. A filter that is dark for all test images is "
        "dead." + (" Strong: mean over seeds; faint: single runs." if len(views) > 1 else ""),
        alt=f"By layer, from the first to the last, as means over {len(views)} {_plural('net', len(views))}. {means}.",
        panels=tuple(
            Lines(title=title, x_label="convolution", series=series, markers=True) for title, series in drawn.items()
        ),
        columns=3,
    )


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "undefined"


def _dreams(settings: Settings, view: View, start: str, shown: str) -> Figure:
    names, arrays = settings.data.classes, view.record.arrays
    said, net, judge = view.said("judge", start), view.aimed("net", start), view.aimed("judge", start)
    titles = [
        f"{name}: {net[c]:.2f} / {judge[c]:.2f}" + (f" (says {names[said[c]]})" if said[c] != c else "")
        for c, name in enumerate(names)
    ]
    pictures = [arrays[key("start", start)], *arrays[key("dreams", start)]]
    tiles = tuple(
        Tile(pixels=_pixels(picture), title=title) for picture, title in zip(pictures, ["start", *titles], strict=True)
    )
    origin = _start_name(settings, start)
    same = " One of them aims at the class that the image already is." if start == "image" else ""
    return Figure(
        id=f"seeing-dreams-{start}",
        caption=f"Dreams of every class from {origin}: the class aimed at, and the probability that the net / the "
        f"judge give it.{same}{shown}",
        alt=f"A dream of each class from {origin}, with the probability that the net / the judge give it: "
        f"{'; '.join(titles)}.",
        panels=(Images(tiles=tiles, columns=6),),
    )


def _pixels(image: np.ndarray) -> np.ndarray:
    """(C, H, W) in [-1, 1] as (H, W), uint8: black is -1, white 1; the mean where there are several channels."""
    return np.asarray(np.rint((image.astype(np.float32).mean(0) + 1) * 127.5).astype(np.uint8))
