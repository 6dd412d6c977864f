"""Colours, strokes and type of the figures: one set that reads on light and on dark pages."""

from collections.abc import Mapping
from dataclasses import dataclass

from rungwise.findings import Figure, Lines, Panel, Points

INK = "#010203"
"""Text, axes and grids. In SVG this exact colour becomes `currentColor`: the page's text colour."""
MUTED = INK + "b4"

PALETTE = (
    "#1c7fbf",
    "#e24500",
    "#036f59",
    "#be068f",
    "#a6a700",
    "#506cff",
    "#0eadd2",
    "#af3825",
    "#57af7e",
    "#808791",
)
"""Found by random search: the least distance in OKLab between any two, as seen with normal, deuteranopic and
protanopic eyes (Machado et al. 2009), was made large while every luminance stays between .12 and .36, so that each
colour has a contrast of at least 2.5 to white and to the dark page."""

GROUND = "#8a8f98"
"""Of points that others stand out from: between the ink of light and of dark pages."""

MARKERS = "os^DvPXph*"
FEW_POINTS = 500
"""Panels with more points show their groups by colour alone: shapes need larger markers."""
DASHES: tuple[tuple[float, ...], ...] = ((), (4.5, 1.6))
"""Five solid strokes, then five dashed ones, in points."""

STYLE: Mapping[str, object] = {
    "figure.constrained_layout.use": False,  # places are given; a reader's own settings may have it
    "figure.autolayout": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same layout on every machine
    "font.size": 8.5,
    "text.color": INK,
    "text.parse_math": False,  # names may hold dollar signs
    "axes.edgecolor": INK + "90",
    "axes.labelcolor": MUTED,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": INK,
    "grid.alpha": 0.13,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "patch.linewidth": 0.0,
    "xtick.color": INK + "90",
    "ytick.color": INK + "90",
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.minor.size": 0.0,
    "ytick.minor.size": 0.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "rungwise",
}


@dataclass(frozen=True)
class Stroke:
    """How one name is drawn, in every panel of a figure and in its legend."""

    name: str
    colour: str
    marker: str
    """As matplotlib names it; empty: none."""
    dashes: tuple[float, ...]
    """Lengths on and off in points; empty: solid."""
    line: bool
    """A line, as a series; else a group of points."""
    in_legend: bool
    """False where its name already stands beside its points."""
    muted: bool = False
    """The ground behind the others."""


def strokes(panels: tuple[Panel, ...]) -> dict[str, Stroke]:
    """The stroke of each series and cloud of a figure, by name: equal names look the same."""
    found: dict[str, Stroke] = {}
    for panel in panels:
        match panel:
            case Lines():
                for series in panel.series:
                    marker = MARKERS if panel.markers else ""
                    found.setdefault(series.name, _stroke(series.name, len(found), marker, line=True))
            case Points():
                few = sum(len(cloud.x) for cloud in panel.clouds) <= FEW_POINTS
                for cloud in panel.clouds:
                    marker = MARKERS if few and cloud.size is None else "o"
                    place = sum(not stroke.muted for stroke in found.values())
                    own = _stroke(cloud.name, place, marker, named=bool(cloud.note))
                    found.setdefault(cloud.name, _ground(cloud.name) if cloud.muted else own)
    return found


def _stroke(name: str, i: int, markers: str, *, line: bool = False, named: bool = False) -> Stroke:
    return Stroke(
        name=name,
        colour=PALETTE[i % len(PALETTE)],
        marker=markers[i % len(markers)] if markers else "",
        dashes=DASHES[i // 5 % len(DASHES)] if line else (),
        line=line,
        in_legend=not named,
    )


def _ground(name: str) -> Stroke:
    return Stroke(name=name, colour=GROUND, marker="o", dashes=(), line=False, in_legend=True, muted=True)


def legend(figure: Figure) -> tuple[Stroke, ...]:
    """What a figure's legend shows."""
    return tuple(stroke for stroke in strokes(figure.panels).values() if stroke.in_legend)
