"""Draws the panels with axes: lines, points, bars and histograms."""

import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse as EllipsePatch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from scipy import stats

from rungwise.findings import Bars, Cloud, Histogram, Level, Lines, Panel, Points, Series
from rungwise.report.cells import number
from rungwise.report.ink import FEW_POINTS, INK, MUTED, PALETTE, Stroke

Strokes = Mapping[str, Stroke]
MANY_POINTS = 2000
"""Clouds with more points are drawn as one picture: an SVG with an element for each would be megabytes."""
PLATES = 30
"""Groups of more points carry their note in their midst, on a white plate; smaller ones beside them."""
LARGEST_MARKER = 380.0
"""Area in square points."""


def head(ax: Axes, panel: Panel, width: float, offset: float = 5.0) -> float:
    """Title and y label above the plot, flush left, from `offset` points up; the x label below.

    Returns the height of all that stands above a plot `width` points wide.
    """
    if panel.y_label:
        above(ax, panel.y_label, 0.0, offset, color=MUTED)
        offset += 13
    if panel.title:
        lines = textwrap.wrap(panel.title, max(8, int(width / 5.9)))
        above(ax, "\n".join(lines), 0.0, offset, fontsize=9.5, fontweight="bold")
        offset += 12.5 * len(lines) + 1
    ax.set_xlabel(panel.x_label)
    return offset + 1


def above(ax: Axes, text: str, x: float, offset: float, **looks: object) -> None:
    """Text above the plot at `x` (0: left, 1: right), `offset` points up."""
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    ax.annotate(text, (x, 1), xytext=(0, offset), **place, **looks).set_in_layout(False)  # type: ignore[arg-type]


def log_ticks(axis: Axis, low: float, high: float) -> None:
    """Ticks at powers of ten, with 2 and 5 between where the data (positive, low to high) span less than two."""
    axis.set_major_locator(LogLocator(subs=(1.0,) if high > 100 * low else (1.0, 2.0, 5.0)))
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
        _draw_series(ax, series, strokes[series.name], min(positive) if log else -math.inf)
    for level in panel.levels:
        if len(level.values) > 1:
            for value in level.values:
                ax.axhline(value, color=INK, alpha=0.2, linewidth=0.6)
        if level.values:
            ax.axhline(float(np.mean(level.values)), color=INK, alpha=0.7, linewidth=1.0, dashes=(2, 2))
    if all(float(x).is_integer() for series in panel.series for x in series.x):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    _name_levels(ax, panel.levels, size[1])
    return head(ax, panel, size[0])


def _draw_series(ax: Axes, series: Series, stroke: Stroke, floor: float) -> None:
    """`floor`: the band ends there, as a logarithmic axis has no room for what is not positive."""
    runs = [run for run in series.runs if run]
    if not runs:
        return
    if len(runs) > 1:
        for run in runs:
            ax.plot(series.x[: len(run)], run, color=stroke.colour, alpha=0.35, linewidth=0.7)
    shared = min(len(run) for run in runs)
    values = np.array([run[:shared] for run in runs])  # (runs, x)
    x = series.x[:shared]
    if len(runs) >= 3 and all(len(run) == shared for run in runs):
        low, high = t_band(values)
        ax.fill_between(x, np.maximum(low, floor), high, color=stroke.colour, alpha=0.14, linewidth=0)
    dashes = (0, stroke.dashes) if stroke.dashes else "solid"
    looks = {"color": stroke.colour, "marker": stroke.marker, "markeredgewidth": 0}
    ax.plot(x, values.mean(axis=0), linestyle=dashes, zorder=3, **looks)


def t_band(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`Estimate.interval` for each column of (runs, x) at once: one call per point would take seconds."""
    n = len(values)
    half = stats.t.ppf(0.975, n - 1) * values.std(axis=0, ddof=1) / math.sqrt(n)
    mean = values.mean(axis=0)
    return mean - half, mean + half


def _name_levels(ax: Axes, levels: Sequence[Level], tall: float) -> None:
    """Each level's name to the right of the axes at its height, moved apart where they would overlap."""
    named = [level for level in levels if level.values and np.isfinite(np.mean(level.values))]
    if not named:
        return
    ax.autoscale_view()
    to_axes = ax.transData + ax.transAxes.inverted()
    heights = [float(to_axes.transform((1, np.mean(level.values)))[1]) for level in named]
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    looks = {"va": "center", "color": MUTED, "fontsize": 8}
    for level, height in zip(named, spread(heights, 10 / tall), strict=True):
        ax.annotate(level.name, (1, height), xytext=(4, 0), **place, **looks)  # type: ignore[arg-type]


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


# Points --------------------------------------------------------------------------------------------------------


def draw_points(ax: Axes, panel: Points, strokes: Strokes, size: tuple[float, float]) -> float:
    positive = [x for cloud in panel.clouds for x in cloud.x if 0 < x < math.inf]
    if panel.log_x and positive:
        ax.set_xscale("log", nonpositive="mask")
        log_ticks(ax.xaxis, min(positive), max(positive))
    ax.grid(axis="both")
    total = sum(len(cloud.x) for cloud in panel.clouds)
    sizes = [cloud.size for cloud in panel.clouds if cloud.size]
    for cloud in panel.clouds:
        _draw_cloud(ax, cloud, strokes[cloud.name], total, marker_area(cloud.size, sizes, total))
    ax.margins(0.1 if sizes else 0.05)
    if sizes:
        _size_legend(ax, sizes)
    noted = [cloud for cloud in panel.clouds if cloud.note and 0 < len(cloud.x) <= PLATES]
    _place_notes(ax, noted, [math.sqrt(marker_area(cloud.size, sizes, total)) / 2 for cloud in noted], size)
    return head(ax, panel, size[0])


def _draw_cloud(ax: Axes, cloud: Cloud, stroke: Stroke, total: int, area: float) -> None:
    looks = {"color": stroke.colour, "marker": stroke.marker, "linewidth": 0}
    alpha, picture = (0.65, False) if total <= MANY_POINTS else (0.45, True)
    ax.scatter(cloud.x, cloud.y, s=area, alpha=alpha, rasterized=picture, **looks)  # type: ignore[arg-type]
    if cloud.ellipse is not None:
        e = cloud.ellipse
        outline = {"edgecolor": stroke.colour, "facecolor": "none", "linewidth": 1.4}
        ax.add_patch(EllipsePatch((e.x, e.y), e.width, e.height, angle=e.angle, zorder=3, **outline))
    if cloud.note and len(cloud.x) > PLATES:
        plate = {"boxstyle": "round,pad=0.22", "facecolor": "#ffffff", "alpha": 0.88, "linewidth": 1.0}
        plate["edgecolor"] = stroke.colour
        text = {"color": "#16181d", "fontweight": "bold", "ha": "center", "va": "center", "zorder": 5}
        ax.text(float(np.mean(cloud.x)), float(np.mean(cloud.y)), cloud.note, bbox=plate, **text)


def _place_notes(ax: Axes, clouds: Sequence[Cloud], radii: Sequence[float], size: tuple[float, float]) -> None:
    """Each note on the first side of its points (right, left, above, below) where it covers nothing."""
    ax.autoscale_view()
    to_points = ax.transData + ax.transAxes.inverted()
    taken: list[tuple[float, float, float, float]] = [(-1e9, -1e9, 0, 1e9), (size[0], -1e9, 1e9, 1e9)]
    centres = []
    for cloud, radius in zip(clouds, radii, strict=True):
        at = to_points.transform(np.column_stack([cloud.x, cloud.y])) * size  # (points, 2)
        taken += [(x - radius, y - radius, x + radius, y + radius) for x, y in at]
        centres.append((at[:, 0].min(), at[:, 0].max(), *at.mean(axis=0)))
    for cloud, radius, (first, last, x, y) in zip(clouds, radii, centres, strict=True):
        wide, tall, gap = 5.2 * len(cloud.note), 9.0, radius + 2
        boxes = {
            "left": (last + gap, y - tall / 2),
            "right": (first - gap - wide, y - tall / 2),
            "bottom": (x - wide / 2, y + gap),
            "top": (x - wide / 2, y - gap - tall),
        }
        free = [
            side
            for side, (a, b) in boxes.items()
            if not any(a < x1 and x0 < a + wide and b < y1 and y0 < b + tall for x0, y0, x1, y1 in taken)
        ]
        a, b = boxes[free[0] if free else "left"]
        taken.append((a, b, a + wide, b + tall))
        middle = ((a + wide / 2) / size[0], (b + tall / 2) / size[1])
        ax.text(*middle, cloud.note, transform=ax.transAxes, ha="center", va="center", fontsize=8, zorder=5)


def marker_area(size: float | None, sizes: Sequence[float], total: int) -> float:
    """Square points, in proportion to `size` but never too small to see; without a size, less where points are many."""
    if size is None:
        return 14.0 if total <= FEW_POINTS else 3.5
    return max(8.0, LARGEST_MARKER * size / max(sizes, default=1.0))


def _size_legend(ax: Axes, sizes: Sequence[float]) -> None:
    """What three marker areas stand for, to the right of the axes."""
    shown = list(dict.fromkeys(round_down(max(sizes) / share) for share in (1, 4, 16)))
    looks = {"linestyle": "", "marker": "o", "markerfacecolor": INK + "40", "markeredgewidth": 0}
    handles = [Line2D([], [], markersize=math.sqrt(marker_area(s, sizes, 0)), **looks) for s in shown]  # type: ignore[arg-type]
    place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "labelspacing": 1.1}
    ax.legend(handles, [short(size) for size in shown], labelcolor=MUTED, fontsize=8, **place)  # type: ignore[arg-type]


def round_down(value: float) -> float:
    """The largest of 1, 2, 5 x 10^k that is not above a positive value."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1, 2, 5) if step * power <= value * (1 + 1e-9))


def short(value: float) -> str:
    """``2 M``, ``500 k``, ``20``."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


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
        looks = {"va": "center", "fontsize": 8, "color": MUTED}
        ax.annotate(number(mean, digits), end, (5, 0), textcoords="offset points", **looks)  # type: ignore[arg-type]
    ax.axvline(0, color=INK, alpha=0.55, linewidth=0.7)
    ax.margins(x=0.08)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=max(3, int(size[0] / 48)), steps=[1, 2, 2.5, 5, 10]))
    ax.set_yticks(range(len(panel.names)), panel.names)
    ax.set_ylim(len(panel.names) - 0.45, -0.55)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.spines["left"].set_visible(False)
    return _vertical_levels(ax, panel, size[0])


def decimals(values: Sequence[float]) -> int:
    """Decimal places that give the largest of the values three significant digits."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return max(0, 2 - math.floor(math.log10(largest))) if largest > 0 else 0


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
