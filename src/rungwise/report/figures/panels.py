"""Draws the panels with axes: lines, bars and histograms; and what stands above every plot."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from rungwise.evidence.pool import factor
from rungwise.evidence.ranges import interval
from rungwise.findings import Bars, Histogram, Level, Lines, Panel, Series
from rungwise.report.cells import printed
from rungwise.report.figures.ink import INK, MUTED, PALETTE, Stroke
from rungwise.report.figures.lettering import letters, shortened, wrapped

Strokes = Mapping[str, Stroke]
Looks = dict[str, Any]
"""Keywords for matplotlib."""
BAND_FROM = 5
"""Runs from which the interval is drawn: from fewer it is so wide that several bands hide the curves themselves."""
LONGEST_BAR = 40
"""Letters of the name of a bar."""
FINEST = 400
"""Points of a curve that are drawn, evenly spread: more than a figure has room for would only make it large."""


def head(ax: Axes, panel: Panel, width: float, offset: float = 5.0) -> float:
    """Title and y label above the plot, flush left, from `offset` points up; the x label below.

    Returns the height of all that stands above a plot `width` points wide.
    """
    if panel.y_label:
        above(ax, panel.y_label, 0.0, offset, color=MUTED)
        offset += 13
    if panel.title:
        lines = wrapped(panel.title, max(8, int(width / 5.9)))
        above(ax, "\n".join(lines), 0.0, offset, fontsize=9.5, fontweight="bold")
        offset += 12.5 * len(lines) + 1
    ax.set_xlabel(panel.x_label)
    return offset + 1


def above(ax: Axes, text: str, x: float, offset: float, **looks: Any) -> None:
    """Text above the plot at `x` (0: left, 1: right), `offset` points up."""
    place: Looks = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    ax.annotate(text, (x, 1), xytext=(0, offset), **place, **looks).set_in_layout(False)


def log_ticks(axis: Axis, low: float, high: float) -> None:
    """Ticks at powers of ten; with 2 and 5 between, or at even steps, where the data (positive) span little."""
    if high < 8 * low:
        axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    else:
        axis.set_major_locator(LogLocator(subs=(1.0,) if high > 100 * low else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _ticks_at(axis: Axis, places: Sequence[float], most: int) -> None:
    """Ticks of a logarithmic axis where the data are, as at powers of two; at powers of ten where those are too many.

    Of more than `most` places, up to three times as many, every second or third has a tick.
    """
    step = math.ceil(len(places) / most)
    if step > 3:
        return log_ticks(axis, places[0], places[-1])
    axis.set_major_locator(FixedLocator(places[::step]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


# Lines ---------------------------------------------------------------------------------------------------------


def draw_lines(ax: Axes, panel: Lines, strokes: Strokes, size: tuple[float, float]) -> float:
    everything = [y for series in panel.series for run in series.runs for y in run]
    everything += [value for level in panel.levels for value in level.values]
    positive = [y for y in everything if 0 < y < math.inf]
    log = panel.log_y and bool(positive)
    if log:
        ax.set_yscale("log", nonpositive="mask")
        log_ticks(ax.yaxis, min(positive), max(positive))
    else:
        ax.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    ax.grid(axis="y")
    for series in panel.series:
        _draw_series(ax, series, strokes[series.name], min(positive) if log else -math.inf, panel)
    for level in panel.levels:
        if len(level.values) > 1:
            for value in level.values:
                ax.axhline(value, color=INK, alpha=0.2, linewidth=0.6)
        if level.values:
            ax.axhline(float(np.mean(level.values)), color=INK, alpha=0.7, linewidth=1.0, dashes=(2, 2))
    places = sorted({x for series in panel.series for x in series.x if 0 < x < math.inf})
    if panel.log_x and places:
        ax.set_xscale("log", nonpositive="mask")
        _ticks_at(ax.xaxis, places, max(3, int(size[0] / 34)))
    elif all(float(x).is_integer() for series in panel.series for x in series.x):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    _name_levels(ax, panel.levels, size[1])
    return head(ax, panel, size[0])


def _draw_series(ax: Axes, series: Series, stroke: Stroke, floor: float, panel: Lines) -> None:
    """`floor`: the band ends there, as a logarithmic axis has no room for what is not positive."""
    runs = [run for run in series.runs if run]
    if not runs:
        return
    if len(runs) > 1:
        for run in runs:
            step = math.ceil(len(run) / FINEST)
            ax.plot(series.x[: len(run) : step], run[::step], color=stroke.colour, alpha=0.35, linewidth=0.7)
    shared = min(len(run) for run in runs)
    places = np.unique(np.linspace(0, shared - 1, min(shared, FINEST)).round().astype(int))
    values = np.array([run[:shared] for run in runs])[:, places]  # (runs, x)
    x = np.array(series.x)[places]
    if len(runs) >= BAND_FROM and all(len(run) == shared for run in runs):
        low, high = band(values, panel)
        ax.fill_between(x, np.maximum(low, floor), high, color=stroke.colour, alpha=0.11, linewidth=0)
    dashes = (0, stroke.dashes) if stroke.dashes else "solid"
    marker = stroke.marker or ("o" if shared == 1 else "")  # a line of one point is not to be seen
    looks: Looks = {"color": stroke.colour, "marker": marker, "markeredgewidth": 0}
    ax.plot(x, np.ma.masked_invalid(values).mean(axis=0), linestyle=dashes, zorder=3, **looks)


def band(values: np.ndarray, panel: Lines) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the 95% interval of the mean at each x, (x,) each, from values (runs, x); where the runs are equal it
    has no width."""
    means = values.mean(axis=0)
    found = [
        interval(column.tolist(), panel.scale, factor=factor(len(column), panel.ratio))
        if np.isfinite(column).all()
        else None
        for column in values.T
    ]
    ends = np.array([each or (mean, mean) for each, mean in zip(found, means, strict=True)])
    return ends[:, 0], ends[:, 1]


def _name_levels(ax: Axes, levels: Sequence[Level], tall: float) -> None:
    """Each level's name to the right of the axes at its height, moved apart where they would overlap."""
    named = [level for level in levels if level.values and np.isfinite(np.mean(level.values))]
    if not named:
        return
    ax.autoscale_view()
    to_axes = ax.transData + ax.transAxes.inverted()
    heights = [float(to_axes.transform((1.0, float(np.mean(level.values))))[1]) for level in named]
    place: Looks = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    looks: Looks = {"va": "center", "color": MUTED, "fontsize": 8}
    for level, height in zip(named, spread(heights, 10 / tall), strict=True):
        ax.annotate(level.name, (1, height), xytext=(4, 0), **place, **looks)


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """The positions moved as little as one sweep allows so that neighbours are at least `gap` apart."""
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    moved = list(positions)
    groups: list[list[int]] = []
    for i in order:
        groups.append([i])
        while len(groups) > 1 and _bottom(groups[-1], positions, gap) < _top(groups[-2], positions, gap) + gap:
            groups[-2:] = [groups[-2] + groups[-1]]
    for group in groups:
        for step, i in enumerate(group):
            moved[i] = _bottom(group, positions, gap) + step * gap
    return moved


def _bottom(group: Sequence[int], positions: Sequence[float], gap: float) -> float:
    return sum(positions[i] for i in group) / len(group) - gap * (len(group) - 1) / 2


def _top(group: Sequence[int], positions: Sequence[float], gap: float) -> float:
    return _bottom(group, positions, gap) + gap * (len(group) - 1)


# Bars and histograms -------------------------------------------------------------------------------------------


def draw_bars(ax: Axes, panel: Bars, size: tuple[float, float]) -> float:
    ax.grid(axis="x")
    means = [float(np.mean(values)) if values else math.nan for values in panel.values]
    digits = decimals(means)
    for place, (values, mean) in enumerate(zip(panel.values, means, strict=True)):
        if not math.isfinite(mean):
            continue
        ax.barh(place, mean, height=0.56, color=PALETTE[0], alpha=0.38)
        if len(values) > 1:
            ax.scatter(values, [place] * len(values), s=11, color=PALETTE[0], linewidth=0, zorder=3)
        end = (max(0.0, mean, *values), place)
        looks: Looks = {"va": "center", "fontsize": 8, "color": MUTED}
        ax.annotate(printed(mean, digits), end, (5, 0), textcoords="offset points", **looks)
    ax.axvline(0, color=INK, alpha=0.55, linewidth=0.7)
    ax.margins(x=0.08)
    _leave_room(ax, panel, means, digits, size[0])
    ax.xaxis.set_major_locator(MaxNLocator(nbins=max(3, int(size[0] / 48)), steps=[1, 2, 2.5, 5, 10]))
    ax.set_yticks(range(len(panel.names)), [shortened(name, LONGEST_BAR) for name in panel.names])
    ax.set_ylim(len(panel.names) - 0.45, -0.55)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.spines["left"].set_visible(False)
    return _vertical_levels(ax, panel, size[0])


def _leave_room(ax: Axes, panel: Bars, means: Sequence[float], digits: int, width: float) -> None:
    """Widen the axis until each bar's number, which has a size of its own, ends within the plot.

    `width`: of the plot and the names beside it, in points; letters of 8 points are taken to be 4.6 wide.
    """
    ax.autoscale_view()
    if not any(value for values in panel.values for value in values):  # an axis of zeros has no length of its own
        ax.set_xlim(0, 1.25 * max((value for level in panel.levels for value in level.values), default=0.8))
    low, high = ax.get_xlim()
    plot = max(60.0, width - 4.6 * min(LONGEST_BAR, max(map(letters, panel.names), default=0)))
    for values, mean in zip(panel.values, means, strict=True):
        if math.isfinite(mean):
            share = min(0.6, (8 + 4.6 * len(printed(mean, digits))) / plot)
            high = max(high, (max(0.0, mean, *values) - share * low) / (1 - share))
    ax.set_xlim(low, high)


def decimals(values: Sequence[float]) -> int:
    """Decimal places that give the largest value three significant digits."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value != 0]
    if not sizes:
        return 0
    return max(0, 2 - math.floor(math.log10(max(sizes))))


def draw_histogram(ax: Axes, panel: Histogram, size: tuple[float, float]) -> float:
    values = [value for value in panel.values if math.isfinite(value)]
    ax.grid(axis="y")
    if values:
        ax.hist(values, bins=panel.bins, color=PALETTE[0], alpha=0.75, rwidth=0.92)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=max(3, int(size[0] / 40)), steps=[1, 2, 2.5, 5, 10]))
    return _vertical_levels(ax, panel, size[0])


def _vertical_levels(ax: Axes, panel: Bars | Histogram, width: float) -> float:
    """Lines at the levels' means, named above the plot; returns the height of what stands above it."""
    named = [level for level in panel.levels if level.values]
    means = [float(np.mean(level.values)) for level in named]
    for mean in means:
        ax.axvline(mean, color=INK, alpha=0.75, linewidth=1.0, dashes=(2, 2))
    ax.autoscale_view()
    low, high = ax.get_xlim()
    offset = 4.0
    for level, mean in zip(named, means, strict=True):
        x = (mean - low) / (high - low)
        side = "right" if x > 0.75 else "left" if x < 0.25 else "center"
        above(ax, level.name, x, offset, color=MUTED, fontsize=8, ha=side)
        offset += 11
    return head(ax, panel, width, offset + 4 if named else 5.0)
