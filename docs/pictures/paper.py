"""How the pictures of the pages look: white ground, 9 pt and more, colours that colour-blind eyes tell apart."""

import io
import re
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from rungwise.report.figures.ink import PALETTE

BLUE, ORANGE, GREEN = PALETTE[:3]
INK, GREY, PALE = "#22262b", "#6b7280", "#e3e6ea"
WIDTH = 7.2
"""Inches: 691 px, so that a page of 700 px shows the type at its size."""

STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same layout on every machine
    "font.size": 9.5,
    "text.color": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "svg.fonttype": "path",  # no page need have the font
    "svg.hashsalt": "rungwise",  # the same bytes each time
    "lines.solid_capstyle": "butt",
}


def sheet(height: float, columns: int = 1, **options: object) -> tuple[Figure, list[Axes]]:
    """A figure of the page's width, and its axes from left to right. height: in inches."""
    matplotlib.use("Agg")
    plt.rcParams.update(STYLE)
    figure, axes = plt.subplots(1, columns, figsize=(WIDTH, height), squeeze=False, **options)
    return figure, list(axes[0])


def rows(ax: Axes, names: list[str]) -> None:
    """Names the rows 0, -1, -2, ... of a picture of intervals, without an axis."""
    ax.set_yticks([-row for row in range(len(names))], names)
    ax.set_ylim(-len(names) + 0.4, 0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def interval(ax: Axes, row: float, ends: tuple[float, float], middle: float, colour: str, width: float = 2.6) -> None:
    """An interval as a line with its middle as a bar across it."""
    ax.plot(ends, [row, row], color=colour, lw=width)
    ax.plot([middle], [row], marker="|", ms=11, mew=2.4, color=colour)


def cells(ax: Axes, values: np.ndarray, colours: tuple[str, str]) -> None:
    """(rows, columns), 0 or 1, as cells of two colours with white between them; cell (0, 0) is at the top left."""
    height, width = values.shape
    pixels = np.ones((height, 24, width, 8, 3))
    pixels[:, 1:, :, 1:] = np.array([to_rgb(colour) for colour in colours])[values][:, None, :, None]
    picture = pixels.reshape(height * 24, width * 8, 3)
    ax.imshow(picture, aspect="auto", interpolation="none", extent=(0, width, height, 0))
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def simulated(figure: Figure) -> None:
    """Says that the numbers are drawn, not measured."""
    figure.text(0.995, 0.995, "simulated", ha="right", va="top", fontsize=9, style="italic", color=GREY)


def save(figure: Figure, path: Path) -> Path:
    """Writes the figure as SVG, closes it, and returns the path."""
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    plt.close(figure)
    path.write_text(_short(written.getvalue()))
    return path


def _short(svg: str) -> str:
    """The same picture in fewer characters: no comments, no names that nothing refers to, no digits that don't show."""
    for pattern, by in (
        (r"<!--.*?-->", ""),
        (r'<g id="[^"]*">', "<g>"),
        ("DejaVuSans-", "f"),
        (r"\s*\n\s*", "\n"),
        (r"\n(?=[A-Zz\d-])", ""),
        (r'(?<=[\dz])\n(?=")', ""),
        (r"(?<=[MLQC]) (?=[-\d])", ""),
        (r"(?<=[:;]) ", ""),
    ):
        svg = re.sub(pattern, by, svg, flags=re.DOTALL)
    # Scales of glyphs keep their digits: type is drawn in units of a hundredth of a point.
    return re.sub(r"(scale\([^)]*\))|(\.\d\d)\d+", lambda found: found[1] or found[2], svg)
