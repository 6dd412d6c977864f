"""Draws clouds of points: with ellipses, notes, and areas that show a quantity."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse as EllipsePatch

from rungwise.findings import Cloud, Level, Points
from rungwise.report.figures.ink import FEW_POINTS, INK, MUTED, Stroke
from rungwise.report.figures.lettering import letters
from rungwise.report.figures.panels import Looks, Strokes, head, log_ticks

MANY_POINTS = 2000
"""Clouds with more points are drawn as one picture: an SVG with an element for each would be megabytes."""
PLATES = 30
"""Groups of more points carry their note in their midst, on a white plate; smaller ones beside them."""
FOREGROUND = 9.0
"""Square points of a marker, at least, that stands out from muted ones."""
LONGEST_PLATE = 10
"""Letters of a note in the midst of its points: a longer one would hide them."""
LARGEST_MARKER = 380.0
"""Area in square points."""


def draw_points(ax: Axes, panel: Points, strokes: Strokes, size: tuple[float, float]) -> float:
    positive = [x for cloud in panel.clouds for x in cloud.x if 0 < x < math.inf]
    if panel.log_x and positive:
        ax.set_xscale("log", nonpositive="mask")
        log_ticks(ax.xaxis, min(positive), max(positive))
    ax.grid(axis="both")
    total = sum(len(cloud.x) for cloud in panel.clouds)
    sizes = [cloud.size for cloud in panel.clouds if cloud.size]
    few = any(cloud.muted for cloud in panel.clouds)  # points that stand out from many
    for cloud in panel.clouds:
        area = marker_area(cloud.size, sizes, total)
        _draw_cloud(ax, cloud, strokes[cloud.name], total, max(area, FOREGROUND) if few and not cloud.muted else area)
    ax.margins(0.1 if sizes else 0.05)
    if sizes:
        _size_legend(ax, sizes)
    for cloud in panel.clouds:
        if _plated(cloud) and letters(cloud.note) > LONGEST_PLATE:
            _plate_above(ax, cloud, strokes[cloud.name], size)
    for level in panel.levels:
        if level.values:
            _line_across(ax, level)
    noted = [note for cloud in panel.clouds for note in _noted(cloud)]
    _place_notes(ax, noted, [math.sqrt(marker_area(cloud.size, sizes, total)) / 2 for cloud in noted], size)
    return head(ax, panel, size[0])


def _line_across(ax: Axes, level: Level) -> None:
    """A line at a level's mean with its name above the left end: the sizes' legend is on the right."""
    height = float(np.mean(level.values))
    ax.axhline(height, color=INK, alpha=0.7, linewidth=1.0, dashes=(2, 2), zorder=1)
    place: Looks = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "xytext": (3, 2)}
    ax.annotate(level.name, (0, height), color=MUTED, fontsize=8, zorder=4, **place)


def _noted(cloud: Cloud) -> list[Cloud]:
    """What has text beside it: the cloud as a whole, or a cloud of one point for each label."""
    if cloud.labels:
        points = zip(cloud.labels, cloud.x, cloud.y, strict=True)
        return [Cloud(name=cloud.name, x=(x,), y=(y,), note=label) for label, x, y in points if label]
    return [cloud] if cloud.note and 0 < len(cloud.x) <= PLATES else []


def _draw_cloud(ax: Axes, cloud: Cloud, stroke: Stroke, total: int, area: float) -> None:
    looks: Looks = {"color": stroke.colour, "marker": stroke.marker, "linewidth": 0}
    alpha, picture = (0.65, False) if total <= MANY_POINTS else (0.45, True)
    if cloud.muted:
        alpha, looks["zorder"] = 0.3, 0.8
    ax.scatter(cloud.x, cloud.y, s=area, alpha=alpha, rasterized=picture, **looks)
    if cloud.joined:
        ax.plot(cloud.x, cloud.y, color=stroke.colour, linewidth=1.0, alpha=0.6, zorder=1.5)
    if cloud.ellipse is not None:
        e = cloud.ellipse
        outline: Looks = {"edgecolor": stroke.colour, "facecolor": "none", "linewidth": 1.4}
        ax.add_patch(EllipsePatch((e.x, e.y), e.width, e.height, angle=e.angle, zorder=3, **outline))
    if _plated(cloud) and letters(cloud.note) <= LONGEST_PLATE:
        _plate(ax, float(np.mean(cloud.x)), float(np.mean(cloud.y)), cloud, stroke)


def _plated(cloud: Cloud) -> bool:
    """Whether its note stands on a plate."""
    return bool(cloud.note) and len(cloud.x) > PLATES


def _plate(ax: Axes, x: float, y: float, cloud: Cloud, stroke: Stroke, va: str = "center") -> None:
    plate: Looks = {"boxstyle": "round,pad=0.22", "facecolor": "#ffffff", "alpha": 0.88, "linewidth": 1.0}
    plate["edgecolor"] = stroke.colour
    text: Looks = {"color": "#16181d", "fontweight": "bold", "ha": "center", "va": va, "zorder": 5}
    ax.text(x, y, cloud.note, bbox=plate, **text)


def _plate_above(ax: Axes, cloud: Cloud, stroke: Stroke, size: tuple[float, float]) -> None:
    """A long note above its points and their ellipse, where it hides none of them; below them near the upper edge."""
    x, y = float(np.mean(cloud.x)), np.asarray(cloud.y)
    low, high = float(y.min()), float(y.max())
    if (e := cloud.ellipse) is not None:
        turn = math.radians(e.angle)
        reach = math.hypot(e.width * math.sin(turn), e.height * math.cos(turn)) / 2
        low, high = min(low, e.y - reach), max(high, e.y + reach)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    half, gap = 3.2 * letters(cloud.note) * (right - left) / size[0], 5 * (top - bottom) / size[1]
    x = min(max(x, left + half), right - half)
    below = high + 4 * gap > top
    _plate(ax, x, low - gap if below else high + gap, cloud, stroke, "top" if below else "bottom")


def _place_notes(ax: Axes, clouds: Sequence[Cloud], radii: Sequence[float], size: tuple[float, float]) -> None:
    """Each note beside the point nearest to its group's mean that has a free side: right, left, above or below. Where
    none has, as near as there is room, with a line to the point."""
    ax.autoscale_view()
    to_points = ax.transData + ax.transAxes.inverted()
    taken: list[tuple[float, float, float, float]] = [(-1e9, -1e9, 0, 1e9), (size[0], -1e9, 1e9, 1e9)]
    places = [to_points.transform(np.column_stack([cloud.x, cloud.y])) * size for cloud in clouds]  # (points, 2)
    for at, radius in zip(places, radii, strict=True):
        taken += [(x - radius, y - radius, x + radius, y + radius) for x, y in at]
    for cloud, at, radius in zip(clouds, places, radii, strict=True):
        wide, tall, gap = 5.2 * letters(cloud.note), 9.0, radius + 2
        from_mean = np.hypot(*(at - at.mean(axis=0)).T)
        near = at[np.argsort(from_mean, kind="stable")]
        boxes = [(x + gap, y - tall / 2) for x, y in near]
        boxes += [(x - gap - wide, y - tall / 2) for x, y in near]
        boxes += [(x - wide / 2, y + gap) for x, y in near]
        boxes += [(x - wide / 2, y - gap - tall) for x, y in near]
        beside = len(boxes)
        boxes += _around(near[0], wide, tall)
        free = (
            (i, box)
            for i, box in enumerate(boxes)
            if not any(
                box[0] < x1 and x0 < box[0] + wide and box[1] < y1 and y0 < box[1] + tall for x0, y0, x1, y1 in taken
            )
        )
        place, (a, b) = next(free, (0, boxes[0]))
        taken.append((a, b, a + wide, b + tall))
        if place >= beside:
            end = (min(max(near[0][0], a), a + wide), min(max(near[0][1], b), b + tall))
            line = np.array([near[0], end]) / size
            ax.plot(*line.T, transform=ax.transAxes, color=MUTED, linewidth=0.5, zorder=2)
        middle = ((a + wide / 2) / size[0], (b + tall / 2) / size[1])
        ax.text(*middle, cloud.note, transform=ax.transAxes, ha="center", va="center", fontsize=8, zorder=5)


def _around(point: np.ndarray, wide: float, tall: float) -> list[tuple[float, float]]:
    """Lower left corners of boxes about a point (2,), on ellipses of growing size."""
    x, y = point
    angles = np.linspace(0, 2 * math.pi, 16, endpoint=False)
    centres = [(x + r * math.cos(t) * 1.6, y + r * math.sin(t)) for r in range(18, 120, 9) for t in angles]
    return [(cx - wide / 2, cy - tall / 2) for cx, cy in centres]


def marker_area(size: float | None, sizes: Sequence[float], total: int) -> float:
    """Square points, in proportion to `size` but never too small to see; without a size, less where points are many."""
    if size is None:
        return 14.0 if total <= FEW_POINTS else 3.5
    return max(8.0, LARGEST_MARKER * size / max(sizes, default=1.0))


def _size_legend(ax: Axes, sizes: Sequence[float]) -> None:
    """What three marker areas stand for, to the right of the axes."""
    shown = list(dict.fromkeys(round_down(max(sizes) / share) for share in (1, 4, 16)))
    looks: Looks = {"linestyle": "", "marker": "o", "markerfacecolor": INK + "40", "markeredgewidth": 0}
    handles = [Line2D([], [], markersize=math.sqrt(marker_area(s, sizes, 0)), **looks) for s in shown]
    place: Looks = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "labelspacing": 1.1}
    ax.legend(handles, [short(size) for size in shown], labelcolor=MUTED, fontsize=8, **place)


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
